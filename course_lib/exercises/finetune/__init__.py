"""Exercises of chapter 08: fine-tuning, in small pieces."""
