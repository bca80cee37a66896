"""Exercises of chapter 01: what a language model is, in four functions."""
