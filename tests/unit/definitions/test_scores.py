"""Scores: groups, rules, levels and grades."""

from typing import Any

import pytest

from processors.definitions import documents
from processors.definitions.scores import Score
from tests.unit.definitions.builders import ORDERED, problems, rule, score, when_rule

DAY_MS = 86_400_000


def parse(document: Any) -> Score:
    found = documents.parse(document)
    assert isinstance(found, Score)
    return found


def test_score_is_read() -> None:
    where = [{"property": "total", "at_least": 50}]
    found = parse(
        score(
            rule(on={**ORDERED, "where": where}, max_occurrences=3, within="30d"),
            when_rule({"tag": "vip"}, id="vip", points=-5),
            limit=100,
            levels={"hot": 80, "cold": 0},
            grades={"A": 50},
        )
    )
    assert (found.limit, found.floor) == (100, 0)
    assert (found.levels, found.grades) == ({"hot": 80, "cold": 0}, {"A": 50})
    (group,) = found.groups
    assert (group.id, group.limit, group.floor) == ("all", None, None)
    first, second = group.rules
    assert first.on is not None
    assert first.on.event == "order.completed"
    assert first.on.where[0].property == "total"
    assert (first.max_occurrences, first.within) == (3, 30 * DAY_MS)
    assert (second.points, second.on) == (-5, None)
    assert second.when is not None


def test_floor_may_be_taken_away() -> None:
    assert parse(score(floor=None)).floor is None
    assert parse(score(floor=-10)).floor == -10


def test_score_without_rules_is_moved_by_triggers_alone() -> None:
    assert parse(score(groups=[])).groups == ()


def combined(**keys: Any) -> dict[str, Any]:
    """Returns a combined score; keys that it does not have go into `combined`."""
    inner = {key: keys.pop(key) for key in ("of", "matrix") if key in keys}
    both = {"of": ["fit", "engagement"]} | inner
    return {"kind": "score", "id": "both", "name": "Both", "combined": both} | keys


@pytest.mark.parametrize(
    ("written", "half_life", "per", "percent"),
    [
        ({"half_life": "14d"}, 14 * DAY_MS, None, None),
        ({"per": "30d", "percent": 20}, None, 30 * DAY_MS, 20),
        ({"per": "1d", "percent": 12.5}, None, DAY_MS, 12.5),
    ],
)
def test_decay_is_by_half_life_or_by_steps(
    written: dict[str, Any], half_life: int | None, per: int | None, percent: float | None
) -> None:
    (group,) = parse(score(rule(decay=written, within="90d", max_occurrences=3))).groups
    decay = group.rules[0].decay
    assert decay is not None
    assert (decay.half_life, decay.per, decay.percent) == (half_life, per, percent)


def test_combined_score_has_the_grades_a1_to_d4_unless_it_says_others() -> None:
    found = parse(combined(levels={"hot": 100, "cold": 0}))
    assert found.combined is not None
    assert found.combined.of == ("fit", "engagement")
    assert found.grade_names == [f"{row}{column}" for row in "ABCD" for column in "1234"]
    own = parse(combined(matrix={"rows": {"good": 5, "bad": 0}}))
    assert own.grade_names == [f"{row}{column}" for row in ("good", "bad") for column in "1234"]
    assert parse(score(grades={"A": 50})).grade_names == ["A"]


BAD: list[tuple[Any, list[str]]] = [
    (score(rule(points="10")),
     ['groups[0].rules[0].points: must be a whole number (write it without quotes), '
      'found the text "10"']),
    (score(rule(points=1.0)),
     ["groups[0].rules[0].points: must be a whole number, found the number 1.0"]),
    (score(rule(points=True)),
     ["groups[0].rules[0].points: must be a whole number, found true"]),
    (score(rule(points=2_000_000)),
     ["groups[0].rules[0].points: must lie between -1000000 and 1000000, "
      "found the number 2000000"]),
    (score(rule(when={"tag": "x"})),
     ["groups[0].rules[0]: takes only one of on, when, model and people, found on "
      "and when: make them two"]),
    (score({"id": "a", "points": 1}),
     ["groups[0].rules[0]: needs on (points for each event), when (points while it is true), "
      "people or model (a share of the points)"]),
    (score({"id": "a", "points": 1, "people": {"sum": "b"}, "within": "7d"}),
     ["groups[0].rules[0].within: may only stand beside on"]),
    (score(rule(people={"sum": "b"})),
     ["groups[0].rules[0]: takes only one of on, when, model and people, "
      "found on and people: make them two"]),
    (score({"id": "a", "points": 1, "people": {}}),
     ["groups[0].rules[0].people: takes exactly one of sum, average, max, found nothing"]),
    (score({"id": "a", "points": 1, "people": {"sum": "b", "max": "c"}}),
     ["groups[0].rules[0].people: takes exactly one of sum, average, max, found sum and max"]),
    (score({"id": "a", "points": 1, "people": {"total": "b"}}),
     ["groups[0].rules[0].people.total: unknown key; allowed here: sum, average, max"]),
    (score({"id": "a", "points": 1, "event": "x"}),
     ["groups[0].rules[0].event: unknown key; did you mean on?"]),
    (score(when_rule({"tag": "x"}, within="7d", max_occurrences=1)),
     ["groups[0].rules[0].max_occurrences: may only stand beside on",
      "groups[0].rules[0].within: may only stand beside on"]),
    (score(rule(max_occurrences=0)),
     ["groups[0].rules[0].max_occurrences: must be a count from 1 to 10000, found the number 0"]),
    (score(when_rule({"tag": "x"}, decay={"half_life": "14d"})),
     ["groups[0].rules[0].decay: may only stand beside on"]),
    (score({"id": "a", "points": 40, "model": "churn", "within": "7d"}),
     ["groups[0].rules[0].within: may only stand beside on"]),
    (score({"id": "a", "points": 40, "model": "Churn!"}),
     ["groups[0].rules[0].model: must be an id (small letters, digits, _ and -, beginning with a "
      'letter or digit, at most 64), found the text "Churn!"']),
    (score(rule(model="churn")),
     ["groups[0].rules[0]: takes only one of on, when, model and people, found on "
      "and model: make them two"]),
    (score(when_rule({"tag": "x"}, per="article")),
     ["groups[0].rules[0].per: may only stand beside on"]),
    (score(rule(per="article", decay={"half_life": "14d"})),
     ["groups[0].rules[0].decay: may not stand beside per"]),
    (score(when_rule({"tag": "x"}, for_each={"property": "n"})),
     ["groups[0].rules[0].for_each: may only stand beside on"]),
    (score(rule(for_each={"property": "n"}, per="n", max_occurrences=3, decay={"half_life": "1d"})),
     [f"groups[0].rules[0].{each}: may not stand beside for_each"
      for each in ("per", "max_occurrences", "decay")]),
    (score(rule(for_each={"property": "n", "amount": 0})),
     ["groups[0].rules[0].for_each.amount: must be a number above 0, found the number 0"]),
    (score(rule(per="article..id")),
     ["groups[0].rules[0].per: must be a path such as company.country, 1 to 16 names, "
      'found the text "article..id"']),
    (score(rule(distinct="article")),
     ["groups[0].rules[0].distinct: unknown key; did you mean per?"]),
    (score(rule(decay={})),
     ["groups[0].rules[0].decay: needs half_life, or both per and percent"]),
    (score(rule(decay={"per": "30d"})),
     ["groups[0].rules[0].decay: needs half_life, or both per and percent"]),
    (score(rule(decay={"half_life": "14d", "percent": 20})),
     ["groups[0].rules[0].decay: takes half_life, or per and percent; "
      "found half_life and percent"]),
    (score(rule(decay={"period": "30d", "percent": 20})),
     ["groups[0].rules[0].decay.period: unknown key; did you mean per?"]),
    (score(rule(decay={"per": "30d", "percent": 0})),
     ["groups[0].rules[0].decay.percent: must be a percentage from 0.01 to 100, "
      "found the number 0"]),
    (score(rule(decay={"half_life": 14})),
     ["groups[0].rules[0].decay.half_life: must be a duration such as 90s, 15m, 2h, 7d or 4w, "
      "more than 0, at most ten years, found the number 14"]),
    (score(rule(on="order")),
     ['groups[0].rules[0].on: must be a mapping of event, where, found the text "order"']),
    (score(rule(on={"event": "a", "at_least": 3})),
     ["groups[0].rules[0].on.at_least: unknown key; allowed here: event, where"]),
    (score(when_rule({"not": {"property": "x", "equals": 1}})),
     ["groups[0].rules[0].when.not.property: when has no event at hand; use on with where"]),
    (score(rule(), rule()),
     ["groups[0].rules[1].id: rule orders is there twice, first at groups[0].rules[0]"]),
    (score(groups=[{"id": "g", "rules": [rule()]}, {"id": "g", "rules": [rule(id="b")]}]),
     ["groups[1].id: group g is there twice, first at groups[0]"]),
    (score(groups=[{"id": "g", "rules": []}]),
     ["groups[0].rules: must be a list with at least one item, found a list"]),
    (score(groups=[{"id": "g", "limit": -1, "floor": 0, "rules": [rule()]}]),
     ["groups[0].limit: must not lie below the floor 0, found the number -1"]),
    (score(groups=[3]), ["groups[0]: must be a mapping of id, name, limit, floor, rules, "
                         "found the number 3"]),
    (score(groups=[{"id": "g", "rules": 3}]), ["groups[0].rules: must be a list, "
                                               "found the number 3"]),
    (score(recommendations=[{"text": "call"}]),
     ["recommendations[0]: needs level (of this score), when (a condition), or both"]),
    (score(recommendations=[{"text": "call", "if": {"tag": "x"}}]),
     ["recommendations[0].if: unknown key; did you mean when?"]),
    (score(recommendations=[{"when": {"property": "x", "equals": 1}, "text": "call"}]),
     ["recommendations[0].when.property: a score has no event at hand"]),
    (score(recommendations=[{"when": {"tag": "x"}, "text": ""}]),
     ["recommendations[0].text: must be one line of 1 to 256 characters, found an empty text"]),
    (score(groups={}), ["groups: must be a list, found a mapping"]),
    (score(3), ["groups[0].rules[0]: must be a mapping of id, name, points, on, per, for_each, "
                "when, model, max_occurrences, within, decay, people, found the number 3"]),
    (score(limit=-5), ["limit: must not lie below the floor 0, found the number -5"]),
    (score(limit=None), ["limit: is empty; give it a value or leave the key out"]),
    (score(levels={"hot": "80"}),
     ['levels.hot: must be a whole number (write it without quotes), found the text "80"']),
    (score(levels={"hot": 80, "warm": 80}),
     ["levels: two of them have the same threshold, so that one could never be reached"]),
    (score(levels={"": 80}),
     ["levels: must be one line of 1 to 256 characters, found an empty text"]),
    (score(levels=[80]), ["levels: must be a mapping, found a list"]),
    (score(combined={"of": ["fit", "health"]}), ["groups: may not stand beside combined"]),
    (combined(limit=100, floor=0, grades={"A": 5}),
     ["limit: may not stand beside combined",
      "floor: may not stand beside combined",
      "grades: may not stand beside combined"]),
    (combined(of=["fit"]), ["combined.of: must name two different scores"]),
    (combined(of=["fit", "fit"]), ["combined.of: must name two different scores"]),
    (combined(of="fit"), ["combined.of: must be a list, found the text \"fit\""]),
    (combined(of=["fit", "a b"]),
     ["combined.of[1]: must be an id (small letters, digits, _ and -, beginning with a letter "
      "or digit, at most 64), found the text \"a b\""]),
    (combined(matrix={"rows": {}}), ["combined.matrix.rows: must name at least one threshold"]),
    (combined(matrix={"rows": {"A": 5, "A1": 0}, "columns": {"1": 5, "11": 0}}),
     ["combined.matrix: two pairs of row and column make the same grade A11"]),
    (combined(matrix={"rows": 3}), ["combined.matrix.rows: must be a mapping, "
                                    "found the number 3"]),
    ({"kind": "score", "id": "fit", "name": "Fit"},
     ["needs groups (of its own rules) or combined (of two other scores)"]),
    ({"kind": "score", "id": "fit", "name": "Fit", "group": []},
     ["group: unknown key; did you mean groups?"]),
    (score(level={"hot": 1}), ["level: unknown key; did you mean levels?"]),
]  # fmt: skip


@pytest.mark.parametrize(("document", "expected"), BAD, ids=[row[1][0] for row in BAD])
def test_mistake_brings_one_plain_message(document: Any, expected: list[str]) -> None:
    assert problems(document) == expected
