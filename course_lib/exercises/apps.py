"""Exercises."""
EXERCISES = ()
