"""Exercises of chapter 14: retrieval and its yardsticks."""
