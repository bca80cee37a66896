"""Exercises of chapters 08 and 09: fine-tuning and adaptation, in small pieces."""
