"""The exercises of the chapter on translation and summarisation."""
