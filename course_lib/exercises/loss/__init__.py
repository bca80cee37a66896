"""Exercises of chapter 05: what is minimised, and in which unit it is told."""
