"""Exercises of chapter 04: the parts of a transformer."""
