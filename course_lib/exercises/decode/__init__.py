"""The exercises of the chapter on generation and decoding."""
