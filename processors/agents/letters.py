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


def headers(record: Record, reason: str, message: str) -> Headers:
    """Returns the headers of a dead letter.

    Args:
        record: what could not be read.
        reason: a short fixed word.
        message: for people; names fields, never what is in them.
    """
    found = {
        "reason": reason,
        "message": message,
        "topic": record.topic,
        "partition": str(record.partition),
        "offset": str(record.offset),
    }
    if len(record.value or b"") > MAX_VALUE_BYTES:
        found["cut"] = str(len(record.value or b""))
    return [(name, text.encode()) for name, text in found.items()]


def value(record: Record) -> bytes | None:
    """Returns the record's value, cut to what fits into a dead letter."""
    return None if record.value is None else record.value[:MAX_VALUE_BYTES]
