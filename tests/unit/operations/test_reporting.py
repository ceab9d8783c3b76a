"""Words of the reports: rows, sums and remarks for people; the same numbers for programs."""

import json
from typing import Any

from rich.table import Table

from processors.operations import reporting
from processors.operations.conversions import Question
from processors.operations.effectiveness import Effectiveness, People, Rule
from processors.operations.upkeep import Options, Segment
from schemas.events import iso
from tests.builders import DAY, T0

OPTIONS = Options(now_ms=T0, days=30, limit=2_000)
ASKED = Question(score="fit", conversion="buy")


def cells(table: Table) -> list[list[str]]:
    return [list(each) for each in zip(*(column.cells for column in table.columns), strict=True)]


def segment(**more: Any) -> Segment:
    given: dict[str, Any] = {
        "id": "vip",
        "name": "Gold",
        "description": "",
        "version": "v",
        "number": 1,
        "created_at": None,
        "updated_at": T0,
        "members": 3_000,
        "entered": 2,
        "exited": 1,
        "changed_at": T0,
        "used_by": ("score/fit", "trigger/hello"),
        "remarks": ("stale", "above its limit"),
        "is_above_limit": True,
    }
    return Segment(**given | more)


def test_segment_has_a_row_with_counts_users_and_remarks() -> None:
    rows = [segment(), segment(id="new", members=0, changed_at=None, used_by=(), remarks=())]
    assert cells(reporting.segments_table(rows)) == [
        [
            *("vip", "Gold", "3,000", "2", "1", iso(T0)),
            *("score/fit, trigger/hello", "stale, above its limit"),
        ],
        ["new", "Gold", "0", "2", "1", "", "", ""],
    ]


def test_total_says_since_when_and_how_many_are_too_large() -> None:
    since = iso(T0 - 30 * DAY)
    assert reporting.segments_total([segment()], OPTIONS) == (
        f"1 segment; entered and exited since {since}; 1 with more than 2,000 members"
    )
    without = Options(now_ms=T0, days=30)
    assert reporting.segments_total([], without) == f"0 segments; entered and exited since {since}"


def test_segments_for_programs_have_instants_as_text() -> None:
    found = json.loads(reporting.segments_json([segment()], OPTIONS, ["a note"]))
    assert (found["at"], found["limit"], found["notes"]) == (iso(T0), 2_000, ["a note"])
    (row,) = found["segments"]
    assert (row["members"], row["changed_at"], row["created_at"]) == (3_000, iso(T0), None)
    assert row["used_by"] == ["score/fit", "trigger/hello"]


def test_what_the_table_does_not_show_is_noted() -> None:
    assert list(reporting.notes(["calls", "vips"], {"old": 1}, (90, 7))) == [
        "static lists are counted by `beckon lists`: calls, vips",
        "old is not published, but the topic still has 1 member of it",
        "segment-changes keeps 7 days: entries and exits before that are not counted",
    ]
    assert list(reporting.notes([], {}, (7, 7))) == []
    assert list(reporting.notes([], {}, (90, None))) == []


def found(**more: Any) -> Effectiveness:
    view = Rule(
        points=1_250.5,
        share=0.4,
        holders=People(people=1_000, conversions=500),
        others=People(people=1_000, conversions=250),
    )
    given: dict[str, Any] = {
        "everybody": People(people=2_000, conversions=750),
        "bands": {"hot": People(people=2_000, conversions=750), "cold": People()},
        "auc": 0.75,
        "rules": {"view": view},
        "added": Rule(),
        "events": 9_000,
    }
    return Effectiveness(**given | more)


def test_bands_and_rules_have_a_table_each() -> None:
    bands, rules = map(cells, reporting.effectiveness_tables(found()))
    assert bands == [
        ["hot", "2,000", "750", "37.5%"],
        ["cold", "0", "0", ""],
        ["all", "2,000", "750", "37.5%"],
    ]
    assert rules == [["view", "1,250.5", "40.0%", "1,000", "50.0%", "25.0%", "2.00"]]


def test_points_of_triggers_have_a_row_where_there_are_any() -> None:
    added = Rule(points=-20, share=0.6)
    *_, rules = reporting.effectiveness_tables(found(added=added, rules={"none": Rule()}))
    assert cells(rules) == [
        ["none", "0", "", "0", "", "", ""],
        ["by triggers", "-20", "60.0%", "", "", "", ""],
    ]


def test_score_without_bands_and_rules_has_no_tables() -> None:
    assert list(reporting.effectiveness_tables(found(bands={}, rules={}))) == []


def test_sum_says_how_many_convert_and_how_well_they_are_told_apart() -> None:
    assert list(reporting.effectiveness_total(found(late=1, dead_letters=2), ASKED)) == [
        "750 of 2,000 people convert by buy (37.5%), over 9,000 events (2 dead letters)",
        "area under the ROC curve: 0.750 (0.5 is chance, 1 tells all apart)",
        "left out: 1 person whose conversion came after later events of theirs",
    ]


def test_history_of_nobody_is_told_with_a_warning() -> None:
    nobody = found(everybody=People(), auc=None, rules={}, events=0)
    assert list(reporting.effectiveness_total(nobody, ASKED)) == [
        "0 of 0 people convert by buy (none), over 0 events (0 dead letters)",
        "warning: nobody converts: is the event named as in the history?",
    ]


def test_effectiveness_for_programs_has_the_same_numbers() -> None:
    row = json.loads(reporting.effectiveness_json(found(late=3), ASKED))
    assert (row["score"], row["conversion"], row["auc"], row["left_out"]) == ("fit", "buy", 0.75, 3)
    assert row["bands"][1] == {"band": "cold", "people": 0, "conversions": 0, "rate": None}
    (rule,) = row["rules"]
    assert (rule["rule"], rule["points"], rule["lift"]) == ("view", 1250.5, 2.0)
    assert rule["holders"] == {"people": 1000, "conversions": 500, "rate": 0.5}
    assert row["warnings"] == []
