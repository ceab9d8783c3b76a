"""Dead letters: a record that can not be read, as it came, with why and whence in its headers."""

from typing import NamedTuple

MAX_VALUE_BYTES = 900_000
"""A value is cut here: with its headers it must still fit into a record."""

Headers = list[tuple[str, bytes]]


class Record(NamedTuple):
    """A record as it came from Kafka."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None


class DeadLetter(NamedTuple):
    """A record that can not be applied, and why."""

    record: Record
    reason: str
    """One short word out of a fixed set."""
    message: str
    """For people; names fields, never what is in them."""

    def headers(self) -> Headers:
        """Returns the headers of the dead letter."""
        record = self.record
        found = {
            "reason": self.reason,
            "message": self.message,
            "topic": record.topic,
            "partition": str(record.partition),
            "offset": str(record.offset),
        }
        if len(record.value or b"") > MAX_VALUE_BYTES:
            found["cut"] = str(len(record.value or b""))
        return [(name, text.encode()) for name, text in found.items()]

    def value(self) -> bytes | None:
        """Returns the record's value, cut to what fits into a dead letter."""
        value = self.record.value
        return None if value is None else value[:MAX_VALUE_BYTES]
