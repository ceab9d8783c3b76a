"""What can go wrong with a measurement; each message says what to do."""


class BenchFailed(Exception):
    """The measurement came to nothing."""
