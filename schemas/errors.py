"""What can be wrong with bytes that arrive; a reason names the dead letter."""


class SchemaError(Exception):
    """A value does not have the shape that its topic promises."""


class BadRecord(SchemaError):
    """A record that can not be read: it goes to the dead letters with its reason."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        """A short fixed word, such as `not-json`: a metric's label, so never data."""


class BadEvent(BadRecord):
    """An event that can not be applied: it goes to the dead letters with its reason."""


class UnknownSchema(SchemaError):
    """The registry has no such Avro schema, or one that can not be read."""


class SchemasUnavailable(SchemaError):
    """The schema registry does not answer: no fault of the record, so wait and try again."""
