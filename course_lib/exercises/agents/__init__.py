"""Exercises of chapter 15: tools, constrained decoding and recommendation."""
