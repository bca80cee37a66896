"""Exercises of chapter 02: how text becomes tokens."""
