import msgspec
import pytest

from schemas.outcomes import Outcome, derive_id
from tests.unit.schemas.samples import OUTCOME


def test_every_field_is_a_column() -> None:
    row = msgspec.json.decode(msgspec.json.encode(OUTCOME))
    assert set(row) == set(Outcome.__struct_fields__)
    assert not any(isinstance(cell, dict | list) for cell in row.values())


def test_result_is_one_of_a_closed_set() -> None:
    row = {**msgspec.to_builtins(OUTCOME), "result": "maybe"}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(row, Outcome)


def test_same_end_of_the_same_message_has_the_same_id() -> None:
    assert derive_id("m-1", "sent") == derive_id("m-1", "sent")
    assert (
        len({derive_id(*each) for each in (("m-1", "sent"), ("m-1", "failed"), ("m-2", "sent"))})
        == 3
    )
