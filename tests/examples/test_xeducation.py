"""Leads scored before anybody knew who would buy: what goes in, and how well the scores tell."""

import csv
import io
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from examples.xeducation import convert, evaluate
from processors.definitions import files
from tests import sources
from tests.oracle.recompute import recompute

EXAMPLE = sources.ROOT / "examples" / "xeducation"

LEAD = {
    "Prospect ID": "p",
    "Lead Number": "579534",
    "Lead Origin": "API",
    "Lead Source": "Google",
    "Do Not Email": "Yes",
    "Do Not Call": "No",
    "Converted": "1",
    "TotalVisits": "2",
    "Total Time Spent on Website": "150",
    "Page Views Per Visit": "2.5",
    "Last Activity": "Email Opened",
    "Country": "",
    "Specialization": "Select",
    "How did you hear about X Education": "Select",
    "What is your current occupation": "Student",
    "What matters most to you in choosing a course": "",
    "City": "Select",
    "A free copy of Mastering The Interview": "Yes",
    **dict.fromkeys(convert.SEEN_IN, "No"),
    "Search": "Yes",
    **dict.fromkeys(convert.WRITTEN_AFTERWARDS - {"Converted"}, "Might be"),
}


def written(folder: Path, *rows: dict[str, str]) -> Path:
    out = io.StringIO(newline="")
    table = csv.DictWriter(out, list(rows[0]))
    table.writeheader()
    table.writerows(rows)
    (folder / "Leads.csv").write_text(out.getvalue(), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def source() -> Path:
    return sources.source("xeducation", "Leads.csv")


@pytest.fixture(scope="module")
def rows(source: Path) -> list[dict[str, str]]:
    return list(convert.read(source))


@pytest.fixture(scope="module")
def events(source: Path) -> list[dict[str, Any]]:
    return convert.convert(source)


def test_lead_becomes_what_it_is_and_did(tmp_path: Path) -> None:
    identified, *tracked = convert.convert(written(tmp_path, LEAD))
    assert identified == {
        "userId": "p",
        "messageId": "579534-profile",
        "type": "identify",
        "timestamp": "2026-01-01T00:01:00.000Z",
        "traits": {
            "origin": "API",
            "source": "Google",
            "occupation": "Student",
            "do_not_email": True,
            "do_not_call": False,
            "seen_in": ["Search"],
        },
    }
    assert {(event["userId"], event["type"]) for event in tracked} == {("p", "track")}
    assert [
        (event["messageId"][7:], event["timestamp"][5:19], event["event"], event["properties"])
        for event in tracked
    ] == [
        ("created", "01-01T00:01:00", "Lead Created", {"number": 579534}),
        ("visit-1", "01-01T00:01:00", "Site Visited", {"pages": 2.5}),
        ("ping-1", "01-01T00:02:00", "Page Ping", {"minute": 1}),
        ("content", "01-01T00:02:00", "Content Requested", {"title": "Mastering The Interview"}),
        ("visit-2", "01-02T00:01:00", "Site Visited", {"pages": 2.5}),
        ("ping-2", "01-02T00:01:45", "Page Ping", {"minute": 2}),
        ("last", "01-03T00:01:00", "Email Opened", {}),
    ]


def test_time_on_the_site_is_one_visit_where_visits_are_not_known(tmp_path: Path) -> None:
    unknown = LEAD | {"TotalVisits": "", "Page Views Per Visit": ""}
    visits = [
        event
        for event in convert.convert(written(tmp_path, unknown))
        if event.get("event") == "Site Visited"
    ]
    assert [event["properties"] for event in visits] == [{}]


def test_many_visits_begin_within_seven_days(tmp_path: Path) -> None:
    lead = LEAD | {"TotalVisits": "251", "Last Activity": "SMS Sent"}
    assert convert.convert(written(tmp_path, lead))[-1]["timestamp"] < "2026-01-08T00:01"


def test_what_the_house_did_is_not_what_the_lead_did(tmp_path: Path) -> None:
    for activity in ("SMS Sent", "Had a Phone Conversation", "Converted to Lead", ""):
        found = convert.convert(written(tmp_path, LEAD | {"Last Activity": activity}))
        assert not [event for event in found if event["messageId"].endswith("-last")]


def test_source_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"there is neither .*Leads\.csv"):
        convert.convert(tmp_path)


def test_all_leads_become_events_in_order(events: list[dict[str, Any]]) -> None:
    assert len({event["userId"] for event in events}) == 9_240
    assert len({event["messageId"] for event in events}) == len(events) == 130_396
    times = [event["timestamp"] for event in events]
    assert times == sorted(times)
    names = Counter(event.get("event", event["type"]) for event in events)
    assert (names["identify"], names["Lead Created"]) == (9_240, 9_240)
    assert (names["Site Visited"], names["Page Ping"]) == (31_499, 71_699)
    assert (names["Content Requested"], names["Email Opened"]) == (2_888, 3_437)


def test_nobodys_choice_is_no_value(events: list[dict[str, Any]]) -> None:
    said = {
        value
        for event in events
        for value in event.get("traits", {}).values()
        if isinstance(value, str)
    }
    assert "Finance Management" in said
    assert not said & {"", "Select"}


def test_what_came_of_a_lead_reaches_no_event(
    rows: list[dict[str, str]], events: list[dict[str, Any]], tmp_path: Path
) -> None:
    chance = random.Random(7)
    for column in convert.WRITTEN_AFTERWARDS:
        values = [row[column] for row in rows]
        chance.shuffle(values)
        rows = [row | {column: value} for row, value in zip(rows, values, strict=True)]
    assert convert.convert(written(tmp_path, *rows)) == events
    keys = {
        key for event in events for part in ("traits", "properties") for key in event.get(part, ())
    }
    assert keys == {
        *convert.TRAITS.values(),
        *convert.FLAGS.values(),
        *("seen_in", "number", "pages", "minute", "title"),
    }


def test_definitions_are_few_and_fit_together() -> None:
    found = files.load(EXAMPLE / "definitions")
    assert [len(kind) for kind in (found.scores, found.segments, found.triggers)] == [2, 3, 2]


def test_points_tell_the_buyers_of_the_half_that_nobody_looked_at(
    source: Path, rows: list[dict[str, str]]
) -> None:
    assert sum(row["Converted"] == "1" for row in rows) == 3_561
    script = [sys.executable, str(EXAMPLE / "evaluate.py"), str(source)]
    printed = subprocess.run(script, check=True, capture_output=True, text=True).stdout
    held_out = {
        line[:33].strip(): float(line[33:45].strip(" ,")) for line in printed.split("\n")[1:-1]
    }
    assert 0.75 < held_out["fit"] < 0.95
    assert 0.75 < held_out["engagement"] < 0.95
    assert 0.84 < held_out["fit + engagement"] < 0.95
    assert 0.65 < held_out["vendor's sum"] < 0.67
    assert printed in (EXAMPLE / "README.md").read_text("utf-8")


def test_quarter_of_the_scores_are_what_the_oracle_says(
    source: Path, events: list[dict[str, Any]], tmp_path: Path
) -> None:
    found = {
        (lead, score, value)
        for score, values in evaluate.replayed(source, tmp_path).items()
        for lead, value in values.items()
        if lead[0] in "0123"
    }
    log = [event for event in events if event["userId"][0] in "0123"]
    wanted = recompute(EXAMPLE / "definitions", log).scores
    assert found == {(row["profile_id"], row["score_id"], row["value"]) for row in wanted}
    assert len(found) > 4_000


def test_halves_are_those_of_a_stable_hash(rows: list[dict[str, str]]) -> None:
    halves = Counter(evaluate.is_held_out(row["Prospect ID"]) for row in rows)
    assert halves == {True: 4_636, False: 4_604}


@pytest.mark.parametrize(
    ("values", "positive", "area"),
    [
        ([1, 2, 3, 4], [False, False, True, True], 1.0),
        ([4, 3, 2, 1], [False, False, True, True], 0.0),
        ([5, 5, 5, 5], [False, True, False, True], 0.5),
        ([1, 2, 2, 3], [False, False, True, True], 0.875),
    ],
)
def test_area_counts_pairs_and_ties_by_half(
    values: list[float], positive: list[bool], area: float
) -> None:
    assert evaluate.auc(values, positive) == area


def test_area_needs_both_kinds() -> None:
    with pytest.raises(ValueError, match="both"):
        evaluate.auc([1, 2], [True, True])
