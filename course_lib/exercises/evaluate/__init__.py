"""Exercises of chapter 11: is it better, or was it luck?"""
