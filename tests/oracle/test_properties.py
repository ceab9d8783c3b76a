"""What must hold of any log: seeded random ones over the examples' definitions."""

import random
from pathlib import Path
from typing import Any

import pytest

from tests.oracle.documents import Document, load
from tests.oracle.logs import DAY, HOUR, START, identify, track
from tests.oracle.recompute import Event, Result, recompute, time_ms
from tests.oracle.starbucks import DEFINITIONS, ROOT

SHOP = ROOT / "examples" / "shop"
NAMES = {
    DEFINITIONS: ["Offer Received", "Offer Viewed", "Offer Completed", "Transaction"],
    SHOP: ["Product Viewed", "Product Added", "Checkout Started", "Order Completed"],
}
END = START + 60 * DAY


def any_log(chance: random.Random, names: list[str]) -> list[Event]:
    """Returns a log of three people, in order of time, with many ties."""
    people = ["p", "q", "r"]
    events = [
        identify(n, 0, person, income=70_000, email="e", created_at="2026-01-01T00:00:00Z")
        for n, person in enumerate(people)
    ]
    for number in range(3, 80):
        amount = chance.choice([1, 15, 25, 150, 450, 600])
        properties = {"amount": amount, "total": amount, "reward": chance.choice([2, 5, 10])}
        at = chance.randrange(20 * 24) * HOUR
        events.append(track(number, at, chance.choice(names), chance.choice(people), **properties))
    return sorted(events, key=lambda event: event["timestamp"])


def standing(result: Result) -> tuple[Any, Any]:
    """Returns who is where at the end."""
    return (
        {(row["profile_id"], row["segment_id"]) for row in result.segments},
        {(row["profile_id"], row["score_id"]): row["value"] for row in result.scores},
    )


@pytest.mark.parametrize("folder", list(NAMES), ids=["starbucks", "shop"])
@pytest.mark.parametrize("seed", range(8))
def test_evaluating_at_every_instant_gives_nothing_more(folder: Path, seed: int) -> None:
    chance = random.Random(seed)
    events = any_log(chance, NAMES[folder])
    if seed % 2:
        chance.shuffle(events)
    quick = recompute(folder, events, END)
    assert quick == recompute(folder, events, END, thorough=True)
    assert quick.segment_changes
    assert len({row["id"] for row in quick.commands}) == len(quick.commands) > 0


@pytest.mark.parametrize("folder", list(NAMES), ids=["starbucks", "shop"])
@pytest.mark.parametrize("seed", range(8))
def test_any_order_of_arrival_ends_like_the_sorted_one(folder: Path, seed: int) -> None:
    chance = random.Random(seed)
    definitions = [d for d in load(folder) if d["kind"] in {"segment", "score"}]
    events = any_log(chance, NAMES[folder])
    for middle in range(3 * DAY, 20 * DAY, 3 * DAY):
        until = START + middle
        known = [e for e in events if time_ms(e) <= until]
        late = sorted(known, key=lambda e: time_ms(e) + chance.randrange(7 * DAY))
        assert standing(recompute(definitions, late, until)) == standing(
            recompute(definitions, known, until)
        )


FADING: list[Document] = [
    {
        "kind": "score",
        "id": "heat",
        "groups": [
            {
                "id": "g",
                "limit": 25,
                "rules": [
                    {"id": "a", "points": 9, "on": {"event": "A"}, "decay": {"half_life": "2d"}},
                    {"id": "b", "points": -7, "on": {"event": "B"}, "decay": {"half_life": "1d"}},
                ],
            }
        ],
        "levels": {"hot": 12, "cold": 0},
    },
    {
        "kind": "score",
        "id": "steps",
        "groups": [
            {
                "id": "g",
                "rules": [
                    {
                        "id": "c",
                        "points": 10,
                        "on": {"event": "C"},
                        "max_occurrences": 3,
                        "decay": {"per": "3d", "percent": 30},
                    }
                ],
            }
        ],
    },
    {"kind": "score", "id": "both", "combined": {"of": ["heat", "steps"]}},
    {"kind": "segment", "id": "s", "when": {"score": "both", "between": [5, 20]}},
]


@pytest.mark.parametrize("seed", range(4))
def test_fading_scores_turn_at_no_other_instants(seed: int) -> None:
    events = any_log(random.Random(seed), ["A", "B", "C"])
    quick = recompute(FADING, events, END)
    assert quick == recompute(FADING, events, END, thorough=True)
    assert any(row["cause"] == "clock" for row in quick.segment_changes)


def keys(part: Any) -> set[str]:
    """Returns every key that is used anywhere in the documents."""
    if isinstance(part, list):
        return set().union(*(keys(one) for one in part))
    if isinstance(part, dict):
        return set(part) | keys(list(part.values()))
    return set()


GRAMMAR = """
    all any not trait event segment score level grade list tag status account property bucket
    where at_least at_most exactly within since
    equals not_equals contains not_contains starts_with ends_with matches in not_in
    is_set is_not_set greater_than less_than between before after
    within_last within_next older_than missing
    groups limit floor rules on when points max_occurrences levels grades
    change crosses direction becomes changes times priority do
    send webhook emit add_tag remove_tag set_trait set_status add_to_list remove_from_list
    add_points
"""


def test_examples_use_all_of_the_grammar() -> None:
    documents = load(DEFINITIONS)
    assert set(GRAMMAR.split()) - keys(documents) == set()
    assert {document["kind"] for document in documents} == {"segment", "list", "score", "trigger"}


def test_shop_has_ten_definitions() -> None:
    kinds = sorted(document["kind"] for document in load(SHOP))
    assert kinds == ["score", *["segment"] * 4, *["template"] * 2, *["trigger"] * 3]
