import msgspec
import pytest

from tests.unit.schemas import samples

RECORDS = [
    samples.SCORE,
    samples.SCORE_CHANGE,
    samples.SEGMENT,
    samples.SEGMENT_CHANGE,
    samples.DECISION,
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_every_field_is_a_column_and_none_is_left_out(record: msgspec.Struct) -> None:
    row = msgspec.json.decode(msgspec.json.encode(record))
    assert list(row) == list(record.__struct_fields__)
    assert not any(isinstance(cell, dict | list) for cell in row.values())


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_record_can_not_be_changed(record: msgspec.Struct) -> None:
    with pytest.raises(AttributeError):
        record.profile_id = "other"  # type: ignore[attr-defined]


def test_instants_are_ms() -> None:
    assert msgspec.to_builtins(samples.SCORE)["at"] == samples.AT_MS
