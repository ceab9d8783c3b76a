"""Dead letters: a record that can not be read, as it came, with why and whence in its headers.

Beside them lie marks: records that say that the letter at an offset of their partition was
replayed.
"""

from typing import NamedTuple

MAX_VALUE_BYTES = 900_000
"""A value is cut here: with its headers it must still fit into a record."""

REPLAYED = "replayed"
"""The header of a mark: the offset of the letter."""

Headers = list[tuple[str, bytes]]


class Record(NamedTuple):
    """A record as it came from Kafka."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None


class Written(NamedTuple):
    """A record on its way to Kafka."""

    topic: str
    """Without the prefix."""
    key: bytes | None
    value: bytes | None
    headers: Headers | None = None


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


class Whence(NamedTuple):
    """What the headers of a dead letter say."""

    reason: str
    message: str
    topic: str
    """Full name of where it came from."""
    partition: int
    offset: int
    is_cut: bool
    """Whether its value is not whole."""


def read_headers(headers: Headers | None) -> Whence | None:
    """Returns what headers say; None where they are not those of a dead letter."""
    found = dict(headers or [])
    try:
        return Whence(
            reason=found["reason"].decode(),
            message=found["message"].decode(),
            topic=found["topic"].decode(),
            partition=int(found["partition"]),
            offset=int(found["offset"]),
            is_cut="cut" in found,
        )
    except (KeyError, ValueError):
        return None


def mark(offset: int) -> Headers:
    """Returns the headers of a mark: the letter at this offset of its partition was replayed."""
    return [(REPLAYED, str(offset).encode())]


def read_mark(headers: Headers | None) -> int | None:
    """Returns the offset of the letter that a mark is about; None where it is no mark."""
    found = dict(headers or []).get(REPLAYED)
    return int(found) if found is not None and found.isdigit() else None
