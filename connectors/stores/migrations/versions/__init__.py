"""The steps, each a file; their numbers are their order."""
