"""Reads what the worker decided of consents and suppressions, for the last look before a send."""

from collections.abc import Mapping

from schemas import codec
from schemas.consents import LIFTED_AT, ConsentRecord, Lifted, SuppressionRecord
from schemas.errors import BadRecord
from schemas.letters import Headers, Record

Said = ConsentRecord | SuppressionRecord | Lifted


def lifted_at(headers: Headers | Mapping[str, bytes] | None, written_at: int) -> int:
    """Returns since when a tombstone lifts a suppression, ms; of an old one, when it was written.

    >>> lifted_at([("lifted-at", b"7")], 9)
    7
    """
    found = dict(headers or ()).get(LIFTED_AT, b"")
    return int(found) if found.isdigit() else written_at


def read(
    record: Record, name: str, *, at: int, schemas: codec.SchemaSource | None = None
) -> Said | None:
    """Returns what a record says; None where it says nothing: a consent that was forgotten.

    Args:
        record: of `consents` or `suppressions`.
        name: of the topic, without the prefix.
        at: ms since the epoch: when a suppression was lifted, by the header of its tombstone.
        schemas: for records in Avro.

    Raises:
        BadRecord: it can not be read.
        schemas.errors.SchemasUnavailable: ask again.
    """
    if name == "consents":
        if record.value is None:
            return None
        return codec.decode(record.value, ConsentRecord, schemas=schemas)
    if record.value is not None:
        return codec.decode(record.value, SuppressionRecord, schemas=schemas)
    profile_id, _, channel = (record.key or b"").decode("utf-8", "replace").rpartition("/")
    if not profile_id:
        raise BadRecord("bad-key", "the key is not a person and a channel")
    return Lifted(profile_id=profile_id, channel=channel, at=at)
