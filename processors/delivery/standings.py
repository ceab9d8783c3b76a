"""Reads what the worker decided of consents and suppressions, for the last look before a send."""

from schemas import codec
from schemas.consents import ConsentRecord, Lifted, SuppressionRecord
from schemas.errors import BadRecord
from schemas.letters import Record

Said = ConsentRecord | SuppressionRecord | Lifted


def read(
    record: Record, name: str, *, at: int, schemas: codec.SchemaSource | None = None
) -> Said | None:
    """Returns what a record says; None where it says nothing: a consent that was forgotten.

    Args:
        record: of `consents` or `suppressions`.
        name: of the topic, without the prefix.
        at: ms since the epoch, of the record in the log.
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
