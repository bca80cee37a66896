"""The exercises of the chapter on alignment."""
