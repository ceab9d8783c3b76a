"""What can be wrong with bytes that arrive; a reason names the dead letter."""


class SchemaError(Exception):
    """A value does not have the shape that its topic promises."""


class BadEvent(SchemaError):
    """An event that can not be applied: it goes to the dead letters with its reason."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        """A short fixed word, such as `not-json`: a metric's label, so never data."""


class UnknownSchema(SchemaError):
    """The Avro schema id is unknown here, or the registry that knows it does not answer."""
