from schemas import definitions
from schemas.codec import decode_definition, encode
from tests.unit.schemas.samples import DEFINITION


def test_key_is_kind_and_id() -> None:
    assert definitions.key(DEFINITION.kind, DEFINITION.id) == "segment/vip"


def test_document_comes_back_as_it_was_written() -> None:
    assert decode_definition(encode(DEFINITION)) == DEFINITION
