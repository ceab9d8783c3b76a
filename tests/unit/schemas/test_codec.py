import io
import json
import re
from pathlib import Path
from typing import Any

import fastavro
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import codec, events, topics
from schemas.errors import (
    BadEvent,
    BadRecord,
    SchemaError,
    SchemasUnavailable,
    UnknownSchema,
)
from schemas.events import Event
from tests.unit.schemas import samples
from tests.unit.schemas.samples import event_bytes

DECODERS = {
    "commands.email": (codec.decode_command, samples.COMMAND),
    "outcomes": (codec.decode_outcome, samples.OUTCOME),
    "scores": (codec.decode_score, samples.SCORE),
    "segments": (codec.decode_segment, samples.SEGMENT),
    "segment-changes": (codec.decode_segment_change, samples.SEGMENT_CHANGE),
    "decisions": (codec.decode_decision, samples.DECISION),
}


def refusal(value: bytes | None, schemas: codec.SchemaSource | None = None) -> BadEvent:
    with pytest.raises(BadEvent) as caught:
        codec.decode_event(value, schemas=schemas)
    return caught.value


def nested(depth: int) -> bytes:
    """An event of this depth: the event, its properties, and lists in them."""
    return event_bytes(properties="@").replace(
        b'"@"', b'{"a":' + b"[" * (depth - 2) + b"]" * (depth - 2) + b"}"
    )


def test_event_is_read_from_json() -> None:
    event = codec.decode_event(event_bytes(properties={"total": 5}, unknown={"x": 1}))
    assert (event.message_id, event.event, event.user_id) == ("m-1", "Order Completed", "u-1")
    assert events.time_ms(event) == samples.AT_MS
    assert events.properties(event) == {"total": 5}


@pytest.mark.parametrize("kind", ["track", "identify", "page", "screen", "group", "alias"])
def test_all_six_types_are_read(kind: str) -> None:
    assert codec.decode_event(event_bytes(type=kind)).type == kind


def test_event_is_the_same_after_json() -> None:
    assert codec.decode_event(codec.encode(samples.EVENT)) == samples.EVENT


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "empty"),
        (b"", "empty"),
        (b" ", "not-json"),
        (b"not json", "not-json"),
        (b"{", "not-json"),
        (event_bytes() + b" x", "not-json"),
        (b"\xef\xbb\xbf" + event_bytes(), "not-json"),
        (event_bytes(properties={"a": float("nan")}), "not-json"),
        (event_bytes(properties={"a": float("inf")}), "not-json"),
        (event_bytes(context=[float("-inf")]), "not-json"),
        (b"\xff", "not-utf8"),
        (event_bytes(userId="@").replace(b"@", b"\xff"), "not-utf8"),
        (event_bytes(properties={"a": "@"}).replace(b"@", b"\xc3\x28"), "not-utf8"),
        (event_bytes(unknown="@").replace(b"@", b"\xed\xa0\x80"), "not-utf8"),
        (event_bytes(userId="@").replace(b"@", b"\\ud800"), "not-json"),
        (b"[]", "field-invalid"),
        (b"[" + event_bytes() + b"]", "field-invalid"),
        (b'"text"', "field-invalid"),
        (b"null", "field-invalid"),
        (b"{}", "field-invalid"),
        (event_bytes(messageId=None), "field-invalid"),
        (event_bytes(messageId=""), "field-invalid"),
        (event_bytes(messageId="m" * 100), "field-invalid"),
        (event_bytes(messageId=7), "field-invalid"),
        (event_bytes(type=None), "field-invalid"),
        (event_bytes(type="clock"), "field-invalid"),
        (event_bytes(event="e" * 10_000), "field-invalid"),
        (event_bytes(userId="u" * 10_000), "field-invalid"),
        (event_bytes(timestamp=None), "field-invalid"),
        (event_bytes(timestamp=samples.AT_MS), "field-invalid"),
        (event_bytes(timestamp="0000-01-01T00:00:00Z"), "field-invalid"),
        (event_bytes(timestamp="2024-05-01T12:34:56"), "field-invalid"),
        (event_bytes(timestamp="2024-05-01"), "field-invalid"),
        (event_bytes(sentAt="yesterday"), "field-invalid"),
        (b"x" * (codec.MAX_EVENT_BYTES + 1), "too-large"),
        (event_bytes(properties={"a": "x" * 2_000_000}), "too-large"),
        (b"{" * 10_000, "not-json"),
        (b"\0\0\0\0\1", "unknown-schema"),
        (b"\0\0", "not-avro"),
    ],
    ids=lambda case: case if isinstance(case, str) else repr(case)[:40],
)
def test_bad_event_is_refused_with_its_reason(value: bytes | None, reason: str) -> None:
    assert refusal(value).reason == reason


def test_event_of_the_largest_size_is_read() -> None:
    room = codec.MAX_EVENT_BYTES - len(event_bytes(properties={"a": ""}))
    assert len(event_bytes(properties={"a": "x" * room})) == codec.MAX_EVENT_BYTES
    codec.decode_event(event_bytes(properties={"a": "x" * room}))
    assert refusal(event_bytes(properties={"a": "x" * (room + 1)})).reason == "too-large"


def test_event_may_nest_to_the_limit_and_no_deeper() -> None:
    codec.decode_event(nested(codec.MAX_EVENT_NESTING))
    assert refusal(nested(codec.MAX_EVENT_NESTING + 1)).reason == "not-json"
    assert refusal(nested(10_000)).reason == "not-json"


def test_many_brackets_that_do_not_nest_are_no_depth() -> None:
    wide = {"items": [{"tags": [["a"]]} for _ in range(200)], "text": '["\\{' * 200}
    assert events.properties(codec.decode_event(event_bytes(properties=wide))) == wide


def test_limit_of_depth_does_not_hang_on_the_callers_stack() -> None:
    def called_from(frames: int) -> Event:
        if frames:
            return called_from(frames - 1)
        return codec.decode_event(nested(codec.MAX_EVENT_NESTING))

    assert called_from(700) == called_from(0)


def test_text_that_does_not_end_takes_no_square_time() -> None:
    assert refusal(b'{"a":"' + b'\\"[' * 10_000).reason == "not-json"


def test_of_a_field_that_occurs_twice_the_last_counts() -> None:
    twice = event_bytes().replace(b'"userId": "u-1"', b'"userId": "u-1", "userId": "u-2"')
    assert codec.decode_event(twice).user_id == "u-2"


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "ann@example.com"},
        {"timestamp": "ann@example.com"},
        {"messageId": "ann@example.com" * 20},
        {"userId": "ann@example.com" * 20},
        {"userId": ["ann@example.com"]},
        {"type": "it's ann@example.com's"},
        {"type": "ann@example.com\n'x"},
    ],
)
def test_refusal_names_the_field_and_never_what_is_in_it(fields: dict[str, Any]) -> None:
    error = refusal(event_bytes(**fields))
    assert error.reason == "field-invalid"
    assert f"$.{next(iter(fields))}" in str(error)
    assert "ann" not in str(error)
    assert error.__suppress_context__


@pytest.mark.parametrize("topic", DECODERS)
def test_record_is_the_same_after_json(topic: str) -> None:
    decode, value = DECODERS[topic]
    assert decode(codec.encoder(topic)(value)) == value


@pytest.mark.parametrize("topic", DECODERS)
def test_record_is_the_same_after_avro(topic: str) -> None:
    decode, value = DECODERS[topic]
    registry = samples.Registry()
    write = codec.encoder(topic, registry, prefix="shop.")
    assert registry.subjects == [f"shop.{topic}-value"]
    assert write(value)[0] == codec.MAGIC
    assert decode(write(value), schemas=registry) == value


def test_command_with_nothing_optional_is_the_same_after_avro() -> None:
    bare = msgspec.structs.replace(samples.COMMAND, body=None, traits={}, template=None, priority=0)
    registry = samples.Registry()
    value = codec.encoder("commands.sms", registry)(bare)
    assert codec.decode_command(value, schemas=registry) == bare


@pytest.mark.parametrize("topic", ["events", "events.raw", "definitions", "dead-letters"])
def test_topics_that_are_not_for_analysts_stay_json_with_a_registry(topic: str) -> None:
    registry = samples.Registry()
    assert codec.encoder(topic, registry)(samples.DEFINITION) == codec.encode(samples.DEFINITION)
    assert registry.subjects == []


def test_writer_of_no_topic_is_refused() -> None:
    with pytest.raises(KeyError):
        codec.encoder("score")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "empty"),
        (b"{", "not-json"),
        (b"[]", "field-invalid"),
        (b"{}", "field-invalid"),
        (b"\0\0\0\0\1x", "unknown-schema"),
        (b'{"a":' + b"[" * 300 + b"]" * 300 + b"}", "not-json"),
        (b" " * (codec.MAX_RECORD_BYTES + 1), "too-large"),
    ],
)
def test_bad_record_is_refused_with_its_reason(value: bytes | None, reason: str) -> None:
    with pytest.raises(BadRecord) as caught:
        codec.decode_command(value)
    assert caught.value.reason == reason


def test_definition_is_json_only() -> None:
    with pytest.raises(BadRecord) as caught:
        codec.decode_definition(b"\0\0\0\0\1x")
    assert caught.value.reason == "not-json"


class Source:
    """One schema under the id 1."""

    def __init__(self, schema: codec.Schema) -> None:
        self._schema = schema

    def schema(self, schema_id: int) -> codec.Schema:
        if schema_id != 1:
            raise UnknownSchema("no such schema")
        return self._schema


def written(schema: dict[str, Any], row: Any) -> tuple[bytes, Source]:
    """The value and its schema, as another producer would write them."""
    parsed = codec.parse_schema(json.dumps(schema))
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, parsed, row)
    return b"\0\0\0\0\1" + stream.getvalue(), Source(parsed)


def avro_event(**fields: Any) -> tuple[bytes, Source]:
    row = {"messageId": "m-1", "type": "track", "userId": "u-1", "timestamp": samples.AT_MS}
    return written(codec.load_schema("event"), {**row, **fields})


def test_event_in_avro_is_the_event_it_would_be_in_json() -> None:
    value, source = avro_event(event="Order Completed", properties='{"total":5}')
    in_json = codec.decode_event(event_bytes(properties={"total": 5}).replace(b": ", b":"))
    in_avro = codec.decode_event(value, schemas=source)
    assert in_avro == in_json
    assert events.properties(in_avro) == {"total": 5}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"messageId": ""}, "field-invalid"),
        ({"type": "ann@example.com"}, "field-invalid"),
        ({"properties": "{"}, "not-json"),
        ({"properties": '{},"userId":"u-2"'}, "not-json"),
        ({"traits": '{"a":NaN}'}, "not-json"),
        ({"context": '{"a":' + "[" * 100 + "]" * 100 + "}"}, "not-json"),
        ({"properties": ""}, "not-json"),
        ({"timestamp": 2**62}, "not-avro"),
    ],
)
def test_event_in_avro_obeys_the_rules_of_json(fields: dict[str, Any], reason: str) -> None:
    value, source = avro_event(**fields)
    error = refusal(value, source)
    assert error.reason == reason
    assert "ann" not in str(error)


def test_event_in_avro_that_is_too_large_is_refused() -> None:
    value, source = avro_event(properties=json.dumps({"a": "x" * codec.MAX_EVENT_BYTES}))
    assert refusal(value, source).reason == "too-large"


def test_avro_cut_anywhere_is_refused() -> None:
    value, source = avro_event(properties='{"a":1}')
    for end in range(1, len(value)):
        assert refusal(value[:end], source).reason == "not-avro"


def test_avro_that_goes_on_after_its_end_is_refused() -> None:
    value, source = avro_event()
    assert refusal(value + b"x", source).reason == "not-avro"


def test_avro_with_an_id_that_nobody_knows_is_refused() -> None:
    value, source = avro_event()
    assert refusal(b"\0\0\0\0\2" + value[5:], source).reason == "unknown-schema"


def test_avro_without_a_registry_is_refused() -> None:
    assert refusal(avro_event()[0]).reason == "unknown-schema"


def test_silence_of_the_registry_is_no_fault_of_the_event() -> None:
    class Silent:
        def schema(self, schema_id: int) -> codec.Schema:
            raise SchemasUnavailable(str(schema_id))

    with pytest.raises(SchemasUnavailable):
        codec.decode_event(avro_event()[0], schemas=Silent())


def test_producer_may_leave_out_what_has_a_default_and_add_what_we_do_not_know() -> None:
    schema = codec.load_schema("event")
    keep = {"messageId", "type", "userId", "timestamp"}
    schema["fields"] = [field for field in schema["fields"] if field["name"] in keep]
    schema["fields"].append({"name": "shop", "type": {"type": "array", "items": "int"}})
    value, source = written(
        schema,
        {"messageId": "m", "type": "page", "userId": "u", "timestamp": 0, "shop": [1, 2]},
    )
    event = codec.decode_event(value, schemas=source)
    assert (event.user_id, events.time_ms(event), events.properties(event)) == ("u", 0, {})


def test_producer_may_count_in_microseconds() -> None:
    schema = codec.load_schema("event")
    schema["fields"][8]["type"]["logicalType"] = "timestamp-micros"
    row = {"messageId": "m", "type": "page", "timestamp": samples.AT_MS * 1_000}
    value, source = written(schema, row)
    assert events.time_ms(codec.decode_event(value, schemas=source)) == samples.AT_MS


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "record", "name": "beckon.Event", "fields": []},
        {**codec.load_schema("event"), "name": "Other"},
        {"type": "record", "name": "beckon.Event", "fields": [{"name": "type", "type": "int"}]},
    ],
)
def test_avro_whose_schema_does_not_fit_is_refused(schema: dict[str, Any]) -> None:
    row = {"messageId": "m", "timestamp": 1, "type": "page" if len(schema["fields"]) > 1 else 1}
    value, source = written(schema, row)
    assert refusal(value, source).reason == "field-invalid"


def test_number_too_large_in_a_commands_text_is_refused() -> None:
    row = {**msgspec.to_builtins(samples.COMMAND), "body": None, "headers": "{}"}
    row["traits"] = '{"a":1e999}'
    row["segments"] = row["topics"] = "[]"
    value, source = written(codec.load_schema("command"), row)
    with pytest.raises(BadRecord) as caught:
        codec.decode_command(value, schemas=source)
    assert caught.value.reason == "number-out-of-range"


def test_record_in_avro_with_a_word_outside_its_set_is_refused() -> None:
    row = {**msgspec.to_builtins(samples.OUTCOME), "result": "ann@example.com"}
    value, source = written(codec.load_schema("outcome"), row)
    with pytest.raises(BadRecord) as caught:
        codec.decode_outcome(value, schemas=source)
    assert caught.value.reason == "field-invalid"
    assert "ann" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "7", '"long"', '{"type":"nonsense"}'],
)
def test_text_that_is_no_schema_of_a_record_is_refused(text: str) -> None:
    with pytest.raises(SchemaError):
        codec.parse_schema(text)


AVRO, SOURCE = avro_event(event="e", sentAt=1, properties='{"a":[1,"x"]}')
JSON = codec.encode(samples.EVENT)

mutations = st.lists(
    st.tuples(st.integers(0, 400), st.binary(max_size=3), st.integers(0, 3)), max_size=6
)


def mutated(value: bytes, changes: list[tuple[int, bytes, int]]) -> bytes:
    for place, put, cut in changes:
        value = value[:place] + put + value[place + cut :]
    return value


REASONS = {
    "empty",
    "too-large",
    "not-utf8",
    "not-json",
    "not-an-object",
    "not-avro",
    "unknown-schema",
    "field-invalid",
    "number-out-of-range",
    "id-missing",
    "id-unprintable",
    "name-missing",
    "time-out-of-range",
}


def outcome(value: bytes) -> dict[str, Any] | str:
    """What the event's free-form parts hold, or why it was refused; all else is a bug."""
    try:
        event = codec.decode_event(value, schemas=SOURCE)
        for part in (events.profile_id, events.name, events.time_ms):
            part(event)
        return {**events.properties(event), **events.traits(event)}
    except BadEvent as error:
        return error.reason


def read_all(value: bytes) -> None:
    """Holds that an event can be kept in full, or is refused for a reason that is known."""
    found = outcome(value)
    if isinstance(found, str):
        assert found in REASONS
    else:
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(found)) == found


@given(mutations)
def test_changed_bytes_of_json_give_an_event_or_its_refusal(
    changes: list[tuple[int, bytes, int]],
) -> None:
    read_all(mutated(JSON, changes))


@given(mutations)
def test_changed_bytes_of_avro_give_an_event_or_its_refusal(
    changes: list[tuple[int, bytes, int]],
) -> None:
    read_all(AVRO[:5] + mutated(AVRO[5:], changes))


@given(st.binary(max_size=300), st.sampled_from([b"", b"\0", b"\0\0\0\0\1", b"{"]))
def test_any_bytes_give_an_event_or_its_refusal(tail: bytes, head: bytes) -> None:
    read_all(head + tail)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(list(samples.EVENT.__struct_encode_fields__)), json_values))
def test_any_values_of_fields_give_an_event_or_its_refusal(fields: dict[str, Any]) -> None:
    read_all(event_bytes(**fields))


@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_free_form_parts_come_back_as_they_were_or_are_refused(data: dict[str, Any]) -> None:
    found = outcome(event_bytes(type="identify", traits=data))
    if isinstance(found, str):
        assert found in {"not-json", "number-out-of-range", "too-large"}
    else:
        assert found == data


def test_page_explains_every_reason() -> None:
    page = (Path(__file__).parents[3] / "docs" / "schemas.md").read_text("utf-8")
    assert {reason for reason in REASONS if f"| `{reason}` |" not in page} == set()
    code = "".join(
        (Path(codec.__file__).parent / name).read_text() for name in ("codec.py", "events.py")
    )
    assert set(re.findall(r'Bad(?:Event|Record)\(\s*"([a-z0-9-]+)"', code)) == REASONS


def test_every_topic_for_analysts_has_a_kind_of_value() -> None:
    named = {topic.schema for topic in topics.TOPICS.values() if topic.schema}
    assert named == set(samples.BY_SCHEMA)
