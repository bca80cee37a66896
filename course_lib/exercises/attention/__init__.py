"""Exercises of chapter 03: attention, its masks and its heads."""
