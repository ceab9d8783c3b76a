import uuid

import msgspec

from schemas import commands
from tests.unit.schemas.samples import COMMAND

PARTS = ("welcome", "0123456789ab", "u-1", "0", "m-1")


def test_id_is_the_same_in_every_release() -> None:
    assert commands.derive_id(*PARTS) == "790a539f-1b9a-5050-bf25-38b281c07491"


def test_every_part_changes_the_id() -> None:
    ids = {commands.derive_id(*PARTS)}
    for place in range(len(PARTS)):
        changed = [*PARTS]
        changed[place] += "x"
        ids.add(commands.derive_id(*changed))
    assert len(ids) == len(PARTS) + 1


def test_text_can_not_move_from_one_part_to_the_next() -> None:
    assert commands.derive_id("a", "b", "c", "1", "2") != commands.derive_id(
        "ab", "", "c", "1", "2"
    )
    assert commands.derive_id('a","b', "", "", "", "") != commands.derive_id("a", "b", "", "", "")


def test_id_is_a_uuid5() -> None:
    assert uuid.UUID(commands.derive_id(*PARTS)).version == 5


def test_what_is_not_said_does_not_travel() -> None:
    bare = msgspec.structs.replace(COMMAND, priority=0, url=None, body=None, traits={})
    assert b"url" not in msgspec.json.encode(bare)
    assert b"traits" not in msgspec.json.encode(bare)
