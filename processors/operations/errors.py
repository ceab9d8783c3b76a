"""What can stop an operation."""


class OperationFailed(Exception):
    """It could not be done; the message says why, and what to do."""
