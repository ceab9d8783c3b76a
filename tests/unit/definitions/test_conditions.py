"""Conditions: how they are read, and the one message that each mistake brings."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from processors.definitions import comparisons, conditions
from processors.definitions.comparisons import Comparison
from processors.definitions.conditions import Condition
from tests.unit.definitions.builders import problems, segment, trigger

READER: TypeAdapter[Condition] = TypeAdapter(Condition)


def read(raw: dict[str, Any]) -> Any:
    return READER.validate_python(raw)


def test_memberships_are_read() -> None:
    assert read({"segment": "vip"}).is_member is True
    assert read({"segment": "vip", "is": "in"}).is_member is True
    assert read({"segment": "vip", "is": "out"}).is_member is False
    assert read({"list": "guests"}).list_id == "guests"
    assert read({"tag": "new"}).tag == "new"
    assert read({"status": "lead"}).status == "lead"


def test_score_condition_is_read() -> None:
    found = read({"score": "fit", "between": [1, 5]})
    assert found.comparison == Comparison.model_construct(
        operator="between", operand=(1, 5), missing=True
    )
    assert (found.score, found.grade, found.level) == ("fit", None, None)
    assert read({"score": "fit", "grade": "A"}).grade == "A"
    assert read({"score": "fit", "level": "hot"}).level == "hot"
    assert read({"score": "fit", "level": "hot"}).comparison is None
    assert read({"score": "fit", "in": [1, 2]}).comparison.operand == (1, 2)


def test_bucket_is_read() -> None:
    found = read({"bucket": {"salt": "s", "from": 0, "to": 25}})
    assert (found.salt, found.low, found.high) == ("s", 0.0, 25.0)


def test_conditions_nest() -> None:
    found = read({"all": [{"any": [{"tag": "a"}]}, {"not": {"tag": "b"}}]})
    assert found.all[0].any[0].tag == "a"
    assert found.all[1].negated.tag == "b"


def test_parsed_condition_may_stand_in_for_a_written_one() -> None:
    inner = read({"tag": "a"})
    assert read({"not": inner}).negated is inner
    assert inner.model_validate(inner) is inner


BAD: list[tuple[Any, list[str]]] = [
    # what a condition is
    (3, [f"when: must be a condition: a mapping with one of {', '.join(conditions.HEADS)}, "
         "found the number 3"]),
    ({}, [f"when: a condition needs one of {', '.join(conditions.HEADS)}; "
          "found an empty mapping"]),
    ({"level": "hot"}, [f"when: a condition needs one of {', '.join(conditions.HEADS)}; "
                        "found level"]),
    ({"trat": "a", "equals": 1}, ["when.trat: unknown key; did you mean trait?"]),
    ({"trait": "a", "tag": "b"},
     ["when: a condition is one thing only, found trait and tag: make them separate"]),
    ({"consent": {"topic": "news"}}, ["when.consent: needs the key channel"]),
    ({"suppressed": "mail"}, ['when.suppressed: must be one of email, sms, push, whatsapp, inbox, '
        'slack, webhook, crm, task, audience, found the text "mail"']),
    ({"all": []}, ["when.all: must be a list with at least one item, found a list"]),
    ({"any": {"tag": "a"}}, ["when.any: must be a list, found a mapping"]),
    ({"not": [{"tag": "a"}]},
     [f"when.not: must be a condition: a mapping with one of {', '.join(conditions.HEADS)}, "
      "found a list"]),
    ({"not": None}, ["when.not: is empty; give it a value or leave the key out"]),
    ({"tag": "a", "equals": 1}, ["when.equals: unknown key; allowed here: tag"]),
    ({"tag": "a", "when": 1}, ["when.when: unknown key; allowed here: tag"]),
    # memberships and scores
    ({"segment": "VIP"},
     ["when.segment: must be an id (small letters, digits, _ and -, beginning with a letter or "
      'digit, at most 64), found the text "VIP"']),
    ({"segment": "vip", "is": True}, ["when.is: must be in or out, found true"]),
    ({"segment": "vip", "is": "out", "for": "14d"},
     ["when.for: may only stand with is: in: since when people are out is not kept"]),
    ({"segment": "vip", "within": "14d"}, ["when.within: unknown key; did you mean for?"]),
    ({"segment": "vip", "for": 14},
     ["when.for: must be a duration such as 90s, 15m, 2h, 7d or 4w, more than 0, at most ten "
      "years, found the number 14"]),
    ({"score": "fit"},
     [f"when: needs an operator: one of {', '.join(comparisons.NUMBER_OPERATORS)}"]),
    ({"score": "fit", "levl": "hot"}, ["when.levl: unknown key; did you mean level?"]),
    ({"score": "fit", "at_least": 3, "level": "hot"},
     ["when: takes only one of an operator, grade and level, found at_least and level"]),
    ({"score": "fit", "at_least": 3, "at_most": 5},
     ["when: takes only one operator, found at_least and at_most: join two by all"]),
    ({"score": "fit", "equals": "high"},
     ['when.equals: must be a number, found the text "high"']),
    ({"score": "fit", "in": [1, True]}, ["when.in[1]: must be a number, found true"]),
    ({"score": "fit", "is_set": True},
     [f"when.is_set: unknown key; allowed here: score, {', '.join(comparisons.NUMBER_OPERATORS)}, "
      "grade, level"]),
    # buckets
    ({"bucket": 25}, ["when.bucket: must be a mapping of salt, from, to, found the number 25"]),
    ({"bucket": {"salt": "s", "from": 50, "to": 25}},
     ["when.bucket: from must lie below to, found from 50 to 25"]),
    ({"bucket": {"salt": "s", "from": -1, "to": 101}},
     ["when.bucket.from: must be a percentage from 0 to 100, found the number -1",
      "when.bucket.to: must be a percentage from 0 to 100, found the number 101"]),
    ({"bucket": {"from": 0}}, ["when.bucket: needs the key salt", "when.bucket: needs the key to"]),
    ({"bucket": {"salt": "s", "form": 0, "to": 5}},
     ["when.bucket.form: unknown key; did you mean from?"]),
]  # fmt: skip


@pytest.mark.parametrize(("when", "expected"), BAD, ids=[str(when) for when, _ in BAD])
def test_mistake_brings_one_plain_message(when: Any, expected: list[str]) -> None:
    assert problems(segment(when)) == expected


def test_all_mistakes_are_named_at_once() -> None:
    when = {"all": [{"tag": 3}, {"any": [{"tag": 4}, {"tagg": "x"}]}, {"not": {"event": ""}}]}
    assert problems(segment(when)) == [
        "when.all[0].tag: must be text (put it in quotes), found the number 3",
        "when.all[1].any[0].tag: must be text (put it in quotes), found the number 4",
        "when.all[1].any[1].tagg: unknown key; did you mean tag?",
        "when.all[2].not.event: must be one line of 1 to 256 characters, found an empty text",
    ]


def test_property_conditions_are_found_wherever_they_are_misplaced() -> None:
    asked = {"property": "x", "equals": 1}
    when = {"all": [asked, {"any": [{"not": asked}]}, {"event": "a", "where": [asked]}]}
    message = "property: a segment has no event at hand; use event with where"
    assert problems(segment(when)) == [
        f"when.all[0].{message}",
        f"when.all[1].any[0].not.{message}",
    ]
    assert problems(trigger(when=when)) == []


def test_membership_may_be_asked_to_have_lasted() -> None:
    found = read({"segment": "vip", "is": "in", "for": "14d"})
    assert (found.segment, found.is_member, found.lasting) == ("vip", True, 14 * 86_400_000)
    assert read({"segment": "vip"}).lasting is None


def test_people_of_the_account_are_asked() -> None:
    found = read({"account": {"any": {"tag": "new"}}})
    assert (found.quantifier, found.condition.tag) == ("any", "new")
    assert read({"account": {"all": {"tag": "new"}}}).quantifier == "all"
    assert read({"account": {"none": {"tag": "new"}}}).key == found.key
    assert read({"account": {"any": {"tag": "old"}}}).key != found.key
    assert READER.validate_python(found) == found


def test_key_of_what_is_asked_of_people_hangs_on_no_order_of_keys() -> None:
    one = read({"account": {"any": {"trait": "plan", "equals": "gold"}}})
    other = read({"account": {"any": {"equals": "gold", "trait": "plan"}}})
    assert one.key == other.key
    assert len(one.key) == 7


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "when.account: takes exactly one of any, all, none, found nothing"),
        ({"some": {"tag": "x"}}, "when.account.some: unknown key; allowed here: any, all, none"),
        (
            {"any": {"tag": "x"}, "all": {"tag": "x"}},
            "when.account: takes exactly one of any, all, none, found any and all",
        ),
        (
            {"any": {"all": [{"property": "total", "equals": 1}]}},
            "when.account.any.all[0].property: people of the account have no event at hand;"
            " use event with where",
        ),
        (
            {"none": {"not": {"account": {"any": {"tag": "x"}}}}},
            "when.account.none.not.account: people of the account are not asked about theirs;"
            " ask for a segment of them",
        ),
        ({"any": None}, "when.account.any: is empty; give it a value or leave the key out"),
    ],
)
def test_what_can_not_be_asked_of_people_is_refused(asked: dict[str, Any], said: str) -> None:
    assert problems(segment({"account": asked})) == [said]


def test_all_that_is_asked_of_people_is_found() -> None:
    people = [{"account": {each: {"tag": each}}} for each in ("any", "all", "none")]
    found = read({"all": [people[0], {"any": [people[1], {"tag": "x"}]}, {"not": people[2]}]})
    asked: list[Any] = [each.condition for each in conditions.about_people(found)]
    assert [each.tag for each in asked] == ["any", "all", "none"]
    assert [*conditions.about_people(None)] == []
