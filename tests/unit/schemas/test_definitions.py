import pytest

from schemas import definitions
from schemas.codec import decode_definition, encode
from schemas.errors import BadRecord
from tests.unit.schemas.samples import DEFINITION


def test_key_is_kind_and_id() -> None:
    assert definitions.key(DEFINITION.kind, DEFINITION.id) == "segment/vip"


@pytest.mark.parametrize("number", [1, 42, 999_999_999])
def test_key_of_a_version_comes_back(number: int) -> None:
    key = definitions.numbered_key("segment", "vip", number)
    assert definitions.parse_key(key.encode()) == ("segment", "vip", number)


@pytest.mark.parametrize(
    "key",
    ["", "vip", "/vip", "segment/", "a/b/c", "segment/vip@", "segment/vip@0", "segment/vip@01",
     "segment/vip@x", "segment/vip@1@2", "segment/@1", "segment/vip@1234567890"],
)  # fmt: skip
def test_other_key_is_refused(key: str) -> None:
    with pytest.raises(BadRecord, match="must be kind/id or kind/id@number"):
        definitions.parse_key(key.encode())


def test_document_comes_back_as_it_was_written() -> None:
    assert decode_definition(encode(DEFINITION)) == DEFINITION
