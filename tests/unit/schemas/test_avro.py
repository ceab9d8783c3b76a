"""The files in `schemas/avro` against the values, and against those of the last release."""

import copy
import io
import json
import types
import typing
from pathlib import Path
from typing import Any, Literal

import fastavro
import msgspec
import pytest
from fastavro.read import SchemaResolutionError

from schemas import codec
from tests.unit.schemas import samples

RELEASED = Path(__file__).parent / "released"
NAMES = sorted(samples.BY_SCHEMA)

INSTANT = {"type": "long", "logicalType": "timestamp-millis"}
INSTANTS = {"at", "expires_at", "since", "until", "timestamp", "sentAt", "receivedAt"}
TEXTS = {"properties", "traits", "context", "body", "headers"}
NAMED = {"segments", "lists", "topics"}


def avro_type(column: str, kind: Any) -> Any:
    """The Avro type that a field of this type must have."""
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        inner = next(part for part in typing.get_args(kind) if part is not type(None))
        return ["null", avro_type(column, inner)]
    if typing.get_origin(kind) is typing.Annotated:
        kind = typing.get_args(kind)[0]
    if column in INSTANTS:
        return INSTANT
    if column in TEXTS | NAMED or typing.get_origin(kind) is Literal:
        return "string"
    return {str: "string", int: "int", float: "double", bool: "boolean"}[kind]


def avro_default(field: msgspec.structs.FieldInfo, kind: Any) -> Any:
    if field.encode_name in TEXTS and not isinstance(kind, list):
        return "{}"
    if field.encode_name in NAMED:
        return "[]"
    return None if field.default is msgspec.NODEFAULT else field.default


@pytest.mark.parametrize("name", NAMES)
def test_schema_has_the_fields_of_the_value_in_its_order(name: str) -> None:
    value = samples.BY_SCHEMA[name]
    schema = codec.load_schema(name)
    assert schema["name"] == type(value).__name__
    assert [field["name"] for field in schema["fields"]] == list(value.__struct_encode_fields__)


@pytest.mark.parametrize("name", NAMES)
def test_each_field_has_the_type_of_the_values_and_its_default(name: str) -> None:
    kind = type(samples.BY_SCHEMA[name])
    hints = typing.get_type_hints(kind, include_extras=True)
    columns = {field["name"]: field for field in codec.load_schema(name)["fields"]}
    for field in msgspec.structs.fields(kind):
        column = columns[field.encode_name]
        assert column["type"] == avro_type(field.encode_name, hints[field.name]), field.name
        if not field.required:
            assert column["default"] == avro_default(field, column["type"]), field.name


@pytest.mark.parametrize("name", NAMES)
def test_every_field_is_explained_flat_and_optional_where_it_can_be_null(name: str) -> None:
    for field in codec.load_schema(name)["fields"]:
        assert len(field["doc"]) > 5
        kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
        assert all(kind == INSTANT or isinstance(kind, str) for kind in kinds)
        if "null" in kinds:
            assert kinds[0] == "null"
            assert field["default"] is None


def breaks(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Says what keeps old readers from new data or new readers from old data, in any order."""
    before = {field["name"]: field for field in old["fields"]}
    after = {field["name"]: field for field in new["fields"]}
    found = []
    if (old["namespace"], old["name"]) != (new["namespace"], new["name"]):
        found.append("the record has another name")
    for name in before.keys() - after.keys():
        if "default" not in before[name]:
            found.append(f"{name} is gone and had no default")
    for name in after.keys() - before.keys():
        if "default" not in after[name]:
            found.append(f"{name} is new and has no default")
    for name in before.keys() & after.keys():
        if before[name]["type"] != after[name]["type"]:
            found.append(f"{name} has another type")
        if "default" in before[name] and before[name] != {
            **after[name],
            "doc": before[name]["doc"],
        }:
            found.append(f"{name} has lost or changed its default")
    return found


def through(row: dict[str, Any], writer: dict[str, Any], reader: dict[str, Any]) -> Any:
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, fastavro.parse_schema(writer), row)
    stream.seek(0)
    return fastavro.schemaless_reader(
        stream, fastavro.parse_schema(writer), fastavro.parse_schema(reader)
    )


def released(name: str) -> dict[str, Any]:
    return typing.cast(dict[str, Any], json.loads((RELEASED / f"{name}.avsc").read_text("utf-8")))


def row_of(name: str) -> dict[str, Any]:
    value = samples.BY_SCHEMA[name]
    wire = codec.encode_avro(value, 1)
    row = fastavro.schemaless_reader(
        io.BytesIO(wire[codec.HEADER_BYTES :]), fastavro.parse_schema(codec.load_schema(name)), None
    )
    assert isinstance(row, dict)
    return row


def test_no_schema_of_the_last_release_is_gone() -> None:
    assert {path.stem for path in RELEASED.glob("*.avsc")} <= set(NAMES)


@pytest.mark.parametrize("path", sorted(RELEASED.glob("*.avsc")), ids=lambda path: path.stem)
def test_schema_is_compatible_with_the_last_release_both_ways(path: Path) -> None:
    old, new = released(path.stem), codec.load_schema(path.stem)
    assert breaks(old, new) == []
    row = row_of(path.stem)
    shared = {field["name"] for field in old["fields"]} & row.keys()
    for writer, reader in ((old, new), (new, old)):
        read = through(row, writer, reader)
        assert {name: read[name] for name in shared} == {name: row[name] for name in shared}


@pytest.mark.parametrize("path", sorted(RELEASED.glob("*.avsc")), ids=lambda path: path.stem)
def test_a_row_of_the_last_release_with_nothing_optional_is_read(path: Path) -> None:
    old = released(path.stem)
    required = {field["name"] for field in old["fields"] if "default" not in field}
    row = {name: cell for name, cell in row_of(path.stem).items() if name in required}
    read = through(row, old, codec.load_schema(path.stem))
    assert {name: read[name] for name in required} == row


def field_of(schema: dict[str, Any], name: str) -> dict[str, Any]:
    return typing.cast(
        dict[str, Any], next(field for field in schema["fields"] if field["name"] == name)
    )


def test_check_lets_a_new_field_with_a_default_through() -> None:
    old = codec.load_schema("score_change")
    new = copy.deepcopy(old)
    new["fields"].append({"name": "note", "type": "string", "default": "", "doc": "New"})
    assert breaks(old, new) == []
    row = row_of("score_change")
    assert through(row, old, new) == {**row, "note": ""}
    assert through({**row, "note": "x"}, new, old) == row


def test_check_stops_a_default_that_is_taken_away() -> None:
    old = codec.load_schema("score_change")
    new = copy.deepcopy(old)
    del field_of(new, "late")["default"]
    assert breaks(old, new) == ["late has lost or changed its default"]
    earlier = copy.deepcopy(old)
    earlier["fields"].remove(field_of(earlier, "late"))
    row = {name: cell for name, cell in row_of("score_change").items() if name != "late"}
    assert through(row, earlier, old)["late"] is False
    with pytest.raises(SchemaResolutionError):
        through(row, earlier, new)


def test_check_stops_a_default_that_changes() -> None:
    new = codec.load_schema("score_change")
    field_of(new, "late")["default"] = True
    assert breaks(codec.load_schema("score_change"), new) == [
        "late has lost or changed its default"
    ]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda schema: schema["fields"].pop(0), "profile_id is gone and had no default"),
        (
            lambda schema: schema["fields"].append({"name": "x", "type": "int", "doc": "New"}),
            "x is new and has no default",
        ),
        (lambda schema: schema["fields"][2].update(type="int"), "old has another type"),
        (lambda schema: schema.update(name="Other"), "the record has another name"),
    ],
)
def test_check_stops_what_old_or_new_readers_can_not_read(change: Any, problem: str) -> None:
    new = codec.load_schema("score_change")
    change(new)
    assert breaks(codec.load_schema("score_change"), new) == [problem]


@pytest.mark.parametrize("name", NAMES)
def test_value_is_the_same_after_avro(name: str) -> None:
    value = samples.BY_SCHEMA[name]
    registry = samples.Registry()
    schema_id = registry.register("s", codec.schema_text(name))
    wire = codec.encode_avro(value, schema_id)
    assert wire[:5] == b"\0" + schema_id.to_bytes(4, "big")
    assert codec.decode(wire, type(value), schemas=registry) == value
