"""People of accounts: each result was found by hand."""

from typing import Any

import pytest

from tests.oracle.accounts import members
from tests.oracle.documents import Document, iso
from tests.oracle.grammar import condition
from tests.oracle.logs import DAY, HOUR, START
from tests.oracle.recompute import Event

LOGIN: Document = {"event": "login", "within": "1d"}


def event(kind: str, person: str, after_ms: int, **fields: Any) -> Event:
    ids = {"messageId": f"{person}@{after_ms}", "userId": person, "type": kind}
    return {**ids, "timestamp": iso(START + after_ms), **fields}


LOG = [
    event("group", "ann", 0, groupId="acme"),
    event("group", "bob", 1, groupId="acme", traits={"tier": "gold"}),
    event("track", "bob", HOUR, event="login"),
    event("track", "dan", HOUR, event="login"),
    event("group", "bob", 2 * HOUR, groupId="other"),
    event("group", "bob", HOUR, groupId="acme"),
]


def found(when: Document, after_ms: int) -> set[str]:
    when_held = {"s": condition(when, [])}
    return {person for person, _ in members(when_held, LOG, START + after_ms)}


@pytest.mark.parametrize(
    ("quantifier", "after_ms", "who"),
    [
        ("any", HOUR - 1, set()),
        ("any", HOUR, {"ann", "bob"}),
        ("all", HOUR, set()),
        ("none", HOUR - 1, {"ann", "bob"}),
        ("none", HOUR, set()),
        ("any", 2 * HOUR, {"bob"}),
        ("all", 2 * HOUR, {"bob"}),
        ("none", 2 * HOUR, {"ann"}),
        ("any", HOUR + DAY, set()),
    ],
)
def test_an_account_is_all_who_belong_to_it_then(
    quantifier: str, after_ms: int, who: set[str]
) -> None:
    assert found({"account": {quantifier: LOGIN}}, after_ms) == who


def test_segments_of_segments_are_found_out() -> None:
    segments = {
        "near": condition({"account": {"any": LOGIN}}, []),
        "far": condition({"account": {"all": {"segment": "near"}}}, []),
        "gold": condition({"account": "tier", "equals": "gold"}, []),
    }
    assert members(segments, LOG, START + HOUR) == {
        ("ann", "near"),
        ("ann", "far"),
        ("bob", "near"),
        ("bob", "far"),
        ("bob", "gold"),
    }
