"""The real input: what is in it, and that the oracle counts it rightly."""

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from examples.starbucks.convert import convert
from tests.oracle import starbucks
from tests.oracle.documents import Document, instant_ms
from tests.oracle.recompute import recompute

DAY = 86_400_000


@pytest.fixture(scope="module")
def events() -> list[dict[str, Any]]:
    return list(starbucks.events())


def of(events: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [event for event in events if event["event"] == name]


def test_every_line_is_an_event(events: list[dict[str, Any]]) -> None:
    assert len(events) == 306_534
    assert len({event["userId"] for event in events}) == 17_000
    assert Counter(event["event"] for event in events) == {
        "Offer Received": 76_277,
        "Offer Viewed": 57_725,
        "Offer Completed": 33_579,
        "Transaction": 138_953,
    }


def test_purchases_add_up_to_the_cent(events: list[dict[str, Any]]) -> None:
    amounts = [Decimal(str(e["properties"]["amount"])) for e in of(events, "Transaction")]
    assert sum(amounts) == Decimal("1775451.97")


def test_offers_are_named_in_one_way(events: list[dict[str, Any]]) -> None:
    keys = {(event["event"], *event["properties"]) for event in events}
    assert keys == {
        ("Offer Received", "offer_id"),
        ("Offer Viewed", "offer_id"),
        ("Offer Completed", "offer_id", "reward"),
        ("Transaction", "amount"),
    }


def test_exact_repeats_are_kept_and_have_ids_of_their_own(events: list[dict[str, Any]]) -> None:
    assert [event["messageId"] for event in (events[0], events[-1])] == [
        "line-000001",
        "line-306534",
    ]
    assert len({event["messageId"] for event in events}) == 306_534
    bare = Counter(json.dumps(event | {"messageId": ""}) for event in events)
    repeated = [json.loads(text)["event"] for text, times in bare.items() for _ in range(times - 1)]
    assert repeated == ["Offer Completed"] * 397


def test_log_is_in_order_of_time_with_ties(events: list[dict[str, Any]]) -> None:
    times = [event["timestamp"] for event in events]
    assert times == sorted(times)
    assert (times[0], times[-1]) == ("2026-01-01T00:00:00.000Z", "2026-01-30T18:00:00.000Z")
    assert len(set(times)) == 120


def test_people_are_identified_without_what_is_unknown() -> None:
    people = [e for e in starbucks.events(profiles=True) if e["type"] == "identify"]
    assert len(people) == 17_000
    assert Counter(tuple(sorted(person["traits"])) for person in people) == {
        ("age", "became_member_on", "gender", "income"): 14_825,
        ("became_member_on",): 2_175,
    }
    assert max(person["traits"].get("age", 0) for person in people) < 118


def test_final_memberships_are_those_that_a_count_gives(events: list[dict[str, Any]]) -> None:
    where = [{"property": "amount", "at_least": 20}]
    spenders: Document = {
        "kind": "segment",
        "id": "spenders",
        "when": {"event": "Transaction", "where": where, "at_least": 3, "within": "10d"},
    }
    value: Document = {
        "kind": "score",
        "id": "value",
        "limit": 12,
        "groups": [
            {"id": "g", "rules": [{"id": "r", "points": 5, "on": {"event": "Transaction"}}]}
        ],
    }
    result = recompute([spenders, value], events)
    end = instant_ms(events[-1]["timestamp"]) or 0
    large: Counter[str] = Counter()
    bought: Counter[str] = Counter()
    for event in of(events, "Transaction"):
        bought[event["userId"]] += 1
        at = instant_ms(event["timestamp"]) or 0
        large[event["userId"]] += event["properties"]["amount"] >= 20 and end < at + 10 * DAY
    assert {row["profile_id"] for row in result.segments} == {p for p, n in large.items() if n >= 3}
    assert {row["profile_id"]: row["value"] for row in result.scores} == {
        person: min(12, 5 * times) for person, times in bought.items()
    }


def test_offers_led_to_what_is_known_of_them(events: list[dict[str, Any]]) -> None:
    found = starbucks.responses(events, starbucks.offers())
    assert found.received == starbucks.RECEPTIONS
    assert found.viewed == starbucks.VIEWED
    assert found.completed == starbucks.COMPLETED
    assert found.viewed_first == starbucks.VIEWED_FIRST


def test_source_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"there is neither .*transcript\.json"):
        list(convert(tmp_path))


def test_plain_files_are_read_too(tmp_path: Path) -> None:
    line = {"person": "p", "event": "offer viewed", "value": {"offer id": "o"}, "time": 30}
    (tmp_path / "transcript.json").write_text(json.dumps(line) + "\n\n")
    (tmp_path / "profile.json").write_text(
        json.dumps(
            {
                "gender": None,
                "age": 118,
                "id": "p",
                "became_member_on": "20170212",
                "income": None,
            }
        )
    )
    grouped, identified, tracked = convert(tmp_path, profiles=True, cohorts=True)
    assert grouped["traits"] == {"cohort": {"year": 2017, "members": 1}}
    assert identified["traits"] == {"became_member_on": "2017-02-12T00:00:00.000Z"}
    assert tracked == {
        "messageId": "line-000001",
        "type": "track",
        "event": "Offer Viewed",
        "userId": "p",
        "timestamp": "2026-01-02T06:00:00.000Z",
        "properties": {"offer_id": "o"},
    }
