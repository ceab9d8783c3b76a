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


class Forged(SchemaError):
    """A request that does not prove whom it is from: answered with 401, and not read."""


class Unsendable(SchemaError):
    """A command of which no message can be made."""

    def __init__(self, reason: str, detail: str = "", *, is_held: bool = False) -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        """A short fixed word, such as `address-invalid`: an outcome's detail and a label."""
        self.detail = detail
        """Which one: the name of a variable or template, never a value."""
        self.is_held = is_held
        """Whether a mended template may help; else it has failed."""
