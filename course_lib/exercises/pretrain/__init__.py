"""The exercises of the chapter on pre-training."""
