"""Bytes to values and back: JSON and Avro; the only place that knows either.

Stands at both ends of the flow: what arrives is judged here, what leaves takes its form here.
"""

import functools
import importlib.resources
import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

import fastavro
import msgspec
from fastavro.schema import SchemaParseException, UnknownType

from schemas import topics
from schemas.commands import Command
from schemas.consents import ConsentChange, ConsentRecord, SuppressionRecord
from schemas.definitions import DefinitionRecord
from schemas.errors import BadEvent, BadRecord, SchemaError, UnknownSchema
from schemas.events import Event
from schemas.outcomes import Outcome
from schemas.records import (
    DecisionRecord,
    RunRecord,
    ScoreChange,
    ScoreRecord,
    SegmentChange,
    SegmentRecord,
)

MAX_EVENT_BYTES = 32_768
"""The largest event, 32 kB: what Segment's own API takes."""
MAX_RECORD_BYTES = 1_048_576
"""The largest record of ours, 1 MB: what a Kafka broker takes by default."""
MAX_EVENT_NESTING = 64
"""How deep an event may nest. Fixed, as the interpreter's own limit hangs on who calls."""
MAX_RECORD_NESTING = 256

MAGIC = 0
"""First byte of a value in Confluent's wire format; the schema's id follows, 4 bytes, big-endian.

Source: Confluent, "Wire format" of the schema registry's serializers. No JSON starts with it.
"""
HEADER_BYTES = 5

Schema = dict[str, Any]
"""An Avro schema, as `parse_schema` gives it."""

Record = TypeVar("Record", bound=msgspec.Struct)


class SchemaSource(Protocol):
    """Knows the schemas that values were written with."""

    def schema(self, schema_id: int) -> Schema:
        """Returns the schema with this id, as `parse_schema` gave it.

        Raises:
            UnknownSchema: there is none.
            SchemasUnavailable: it can not be asked now.
        """
        ...


class SchemaRegistry(SchemaSource, Protocol):
    """Also gives new schemas their ids."""

    def register(self, subject: str, text: str) -> int:
        """Returns the id of the schema under this subject; makes it if it is new.

        Raises:
            SchemaError: it is refused.
            SchemasUnavailable: it can not be asked now.
        """
        ...


_NAMES: dict[type[msgspec.Struct], str] = {
    Event: "event",
    Command: "command",
    Outcome: "outcome",
    ScoreRecord: "score",
    ScoreChange: "score_change",
    SegmentRecord: "segment",
    SegmentChange: "segment_change",
    DecisionRecord: "decision",
    RunRecord: "journey_run",
    ConsentRecord: "consent",
    SuppressionRecord: "suppression",
    ConsentChange: "consent_change",
}
"""The file in `avro/` of each value."""

_JSON_TEXTS = {
    "event": ("properties", "traits", "context"),
    "command": ("body", "traits", "properties", "headers", "segments", "lists", "topics"),
}
"""Fields that are free-form in the value and JSON text in Avro, which keeps each record flat."""

_DECODERS: dict[type[msgspec.Struct], msgspec.json.Decoder[Any]] = {
    kind: msgspec.json.Decoder(kind) for kind in _NAMES
}
_DECODERS[DefinitionRecord] = msgspec.json.Decoder(DefinitionRecord)
_EVENT = _DECODERS[Event]
_decode_event: Callable[[bytes], Event] = _EVENT.decode
_RAW = msgspec.json.Decoder(msgspec.Raw)
_ENCODER = msgspec.json.Encoder()

_TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
"""A JSON string. One that does not end reaches to the end, so that no bytes take square time."""
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)

_AVRO_ERRORS = (
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    ArithmeticError,
    MemoryError,
    RecursionError,
)
"""What fastavro raises on bytes that are not what the schema says."""


def decode_event(value: bytes | None, *, schemas: SchemaSource | None = None) -> Event:
    """Returns the event in a record's value, be it JSON or Avro.

    Of a key that occurs twice in an object, the last counts. Fields that are not known are left
    out. A tombstone is an empty value: an event can not be taken back.

    Args:
        value: what Kafka gave.
        schemas: needed for Avro; None says that there is no registry.

    Raises:
        BadEvent: with the reason `empty`, `too-large`, `not-utf8`, `not-json`, `field-invalid`,
            `unknown-schema` or `not-avro`. Its message names fields, never what is in them.
        SchemasUnavailable: Avro, and the registry does not answer.
    """
    if not value:
        raise BadEvent("empty", "the value is empty")
    size = len(value)
    if size > MAX_EVENT_BYTES:
        raise BadEvent("too-large", f"the event is larger than {MAX_EVENT_BYTES} bytes")
    try:
        # Most events are plain: their text is ASCII and has few brackets, so nothing can trip.
        if (
            value.isascii()
            and size - len(value.replace(b"{", b"").replace(b"[", b"")) <= MAX_EVENT_NESTING
        ):
            return _decode_event(value)
    except msgspec.DecodeError:
        pass  # told below, in our words
    try:
        if value[0] == MAGIC:
            return _from_avro(value, Event, schemas, MAX_EVENT_NESTING)
        return _from_json(value, _EVENT, MAX_EVENT_NESTING)  # type: ignore[no-any-return]
    except BadRecord as bad:
        raise BadEvent(bad.reason, str(bad)) from None


def decode(
    value: bytes | None, kind: type[Record], *, schemas: SchemaSource | None = None
) -> Record:
    """Returns the record of this kind in a value, be it JSON or Avro.

    A tombstone is the caller's to see first: its meaning lies in the key.

    Raises:
        BadRecord: with a reason as `decode_event` has them.
        SchemasUnavailable: Avro, and the registry does not answer.
    """
    if not value:
        raise BadRecord("empty", "the value is empty")
    if len(value) > MAX_RECORD_BYTES:
        raise BadRecord("too-large", f"the record is larger than {MAX_RECORD_BYTES} bytes")
    if value[0] == MAGIC:
        return _from_avro(value, kind, schemas, MAX_RECORD_NESTING)
    return _from_json(value, _DECODERS[kind], MAX_RECORD_NESTING)  # type: ignore[no-any-return]


def decode_command(value: bytes | None, *, schemas: SchemaSource | None = None) -> Command:
    """Returns the command in a value of `commands.<channel>`; raises as `decode` does."""
    return decode(value, Command, schemas=schemas)


def decode_outcome(value: bytes | None, *, schemas: SchemaSource | None = None) -> Outcome:
    """Returns the outcome in a value of `outcomes`; raises as `decode` does."""
    return decode(value, Outcome, schemas=schemas)


def decode_definition(value: bytes | None) -> DefinitionRecord:
    """Returns what was published in a value of `definitions`; raises as `decode` does."""
    return decode(value, DefinitionRecord)


def decode_score(value: bytes | None, *, schemas: SchemaSource | None = None) -> ScoreRecord:
    """Returns the score in a value of `scores`; raises as `decode` does."""
    return decode(value, ScoreRecord, schemas=schemas)


def decode_segment(value: bytes | None, *, schemas: SchemaSource | None = None) -> SegmentRecord:
    """Returns the membership in a value of `segments`; raises as `decode` does."""
    return decode(value, SegmentRecord, schemas=schemas)


def decode_segment_change(
    value: bytes | None, *, schemas: SchemaSource | None = None
) -> SegmentChange:
    """Returns the entry or exit in a value of `segment-changes`; raises as `decode` does."""
    return decode(value, SegmentChange, schemas=schemas)


def decode_decision(value: bytes | None, *, schemas: SchemaSource | None = None) -> DecisionRecord:
    """Returns the decision in a value of `decisions`; raises as `decode` does."""
    return decode(value, DecisionRecord, schemas=schemas)


def encode(value: msgspec.Struct) -> bytes:
    """Returns the value as JSON: fields in their order, instants of records as ms."""
    return _ENCODER.encode(value)


def encode_avro(value: msgspec.Struct, schema_id: int) -> bytes:
    """Returns the value in Confluent's wire format.

    Args:
        value: of one of the kinds that have a file in `avro/`.
        schema_id: that of the file as it is now, from the registry.
    """
    name = _NAMES[type(value)]
    row = {column: getattr(value, field) for field, column in _columns(type(value))}
    for column in _JSON_TEXTS.get(name, ()):
        if row[column] is not None:
            row[column] = _ENCODER.encode(row[column]).decode()
    stream = io.BytesIO()
    stream.write(MAGIC.to_bytes() + schema_id.to_bytes(HEADER_BYTES - 1, "big"))
    fastavro.schemaless_writer(stream, _own(name), row)
    return stream.getvalue()


def encoder(
    name: str, registry: SchemaRegistry | None = None, *, prefix: str = topics.DEFAULT_PREFIX
) -> Callable[[msgspec.Struct], bytes]:
    """Returns the function that writes the values of a topic: ask once, call it per record.

    Avro where there is a registry and the topic is one that we write for others to read; JSON
    otherwise. The schema is registered under `<topic>-value`, at once.

    Args:
        name: the topic's, without prefix.
        registry: None: JSON everywhere.
        prefix: of the topics on the cluster.

    Raises:
        KeyError: no topic has this name.
        SchemaError: the registry refuses the schema, or does not answer.
    """
    schema = topics.TOPICS[name].schema
    if registry is None or schema is None or schema == "event":
        return _ENCODER.encode
    subject = f"{topics.full_name(prefix, name)}-value"
    return functools.partial(encode_avro, schema_id=registry.register(subject, schema_text(schema)))


def schema_text(name: str) -> str:
    """Returns the text of `avro/<name>.avsc`."""
    return (importlib.resources.files("schemas") / "avro" / f"{name}.avsc").read_text("utf-8")


def load_schema(name: str) -> Schema:
    """Returns what `avro/<name>.avsc` says.

    >>> load_schema("score")["name"]
    'ScoreRecord'
    """
    return json.loads(schema_text(name))  # type: ignore[no-any-return]


def parse_schema(text: str) -> Schema:
    """Returns the Avro schema in a form that reads fast.

    Raises:
        SchemaError: it is none, or refers to another one.
    """
    try:
        parsed = fastavro.parse_schema(json.loads(text))
    except (SchemaParseException, UnknownType, *_AVRO_ERRORS) as error:
        raise SchemaError("the text is not an Avro schema that stands alone") from error
    if not isinstance(parsed, dict):
        raise SchemaError("the Avro schema is not a record")
    return parsed


@functools.cache
def _own(name: str) -> Schema:
    return parse_schema(schema_text(name))


@functools.cache
def _columns(kind: type[msgspec.Struct]) -> tuple[tuple[str, str], ...]:
    return tuple((field.name, field.encode_name) for field in msgspec.structs.fields(kind))


def _from_json(value: bytes, decoder: msgspec.json.Decoder[Any], nesting: int) -> Any:
    try:
        # Three passes in C, 0.1 µs: the exact depth is asked for only where it could be too much.
        if len(value) - len(value.replace(b"{", b"").replace(b"[", b"")) > nesting:
            _check_nesting(value, nesting)
        # The decoder does not look into text that it skips or keeps raw; others would trip later.
        if not value.isascii():
            value.decode()
        return decoder.decode(value)
    except msgspec.ValidationError as error:
        raise BadRecord("field-invalid", _without_values(str(error))) from None
    except UnicodeDecodeError:
        raise BadRecord("not-utf8", "the value is not UTF-8") from None
    except (msgspec.DecodeError, RecursionError):
        raise BadRecord("not-json", "the value is not JSON") from None


def _from_avro(
    value: bytes, kind: type[Record], schemas: SchemaSource | None, nesting: int
) -> Record:
    if kind not in _NAMES:
        raise BadRecord("not-json", "a value of this topic must be JSON")
    name = _NAMES[kind]
    row = _read_row(value, _writer(value, schemas), _own(name))
    for column in _JSON_TEXTS.get(name, ()):
        if row[column] is not None:
            text = row[column].encode()
            raw = _from_json(text, _RAW, nesting)
            row[column] = raw if kind is Event else _plain(raw)
    if kind is not Event:
        row = {column: _ms(cell) for column, cell in row.items()}
    try:
        return msgspec.convert(row, kind)
    except msgspec.ValidationError as error:
        raise BadRecord("field-invalid", _without_values(str(error))) from None


def _writer(value: bytes, schemas: SchemaSource | None) -> Schema:
    if len(value) < HEADER_BYTES:
        raise BadRecord("not-avro", "the value ends within the schema's id")
    if schemas is None:
        raise BadRecord("unknown-schema", "the value is Avro, and no schema registry is set")
    schema_id = int.from_bytes(value[1:HEADER_BYTES], "big")
    try:
        return schemas.schema(schema_id)
    except UnknownSchema:
        raise BadRecord("unknown-schema", f"no Avro schema has the id {schema_id}") from None


def _read_row(value: bytes, writer: Schema, reader: Schema) -> dict[str, Any]:
    stream = io.BytesIO(value)
    stream.seek(HEADER_BYTES)
    try:
        row: Any = fastavro.schemaless_reader(stream, writer, reader)
    except fastavro.read.SchemaResolutionError:
        raise BadRecord("field-invalid", f"its Avro schema does not fit {reader['name']}") from None
    except _AVRO_ERRORS:
        raise BadRecord("not-avro", "the value is not what its Avro schema says") from None
    if stream.tell() != len(value):
        raise BadRecord("not-avro", "the value goes on after its Avro record")
    return row  # type: ignore[no-any-return]


def _plain(raw: msgspec.Raw) -> Any:
    try:
        return msgspec.json.decode(raw)
    except msgspec.ValidationError:
        raise BadRecord("number-out-of-range", "a number is too large") from None


def _ms(cell: Any) -> Any:
    return (cell - _EPOCH) // _MS if isinstance(cell, datetime) else cell


def _check_nesting(value: bytes, limit: int) -> None:
    """Raises if brackets nest deeper than the limit: takes them off from the inside, by levels."""
    brackets = _TEXT.sub(b"", value).translate(_ONE_KIND, _NO_BRACKETS)
    for _ in range(limit):
        brackets = brackets.replace(b"[]", b"")
    if brackets:
        raise BadRecord("not-json", f"the value nests deeper than {limit}, or does not close")


def _without_values(message: str) -> str:
    """Returns what msgspec says, and where, without what it quotes from the value."""
    said, at, path = message.rpartition(" - at ")
    return re.sub("['\"].*", "...", said, flags=re.DOTALL) + at + path
