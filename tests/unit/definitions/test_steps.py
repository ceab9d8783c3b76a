"""Steps of journeys, as they are read."""

from typing import Any

import pytest

from processors.definitions import documents, steps
from processors.definitions.actions import ACTIONS, AddTag, Send
from processors.definitions.journeys import Journey
from processors.definitions.steps import HEADS, KINDS, MAX_CASES, MAX_VARIANTS
from tests.unit.definitions.builders import IS_GOLD, journey, one_day, problems


def read(**does: Any) -> Any:
    """Returns what the first step does; `end` is another."""
    found = documents.parse(journey({"id": "it"} | does, "end"))
    assert isinstance(found, Journey)
    return found.steps[0].does


def test_every_kind_of_step_is_read() -> None:
    ways = {"cases": [{"when": IS_GOLD, "go": "end"}]}
    assert isinstance(read(add_tag="a"), AddTag)
    assert isinstance(read(send={"channel": "sms", "template": "t"}), Send)
    assert isinstance(read(branch=ways), steps.Branch)
    assert read(start_journey="other") == steps.Start(journey="other")
    started = read(start_journey={"journey": "other", "wait": True})
    assert started == steps.Start(journey="other", wait=True)
    assert read(split={"variants": {"a": 50, "b": 50}}).variants == {"a": 50, "b": 50}
    assert isinstance(read(go="end"), steps.Go)
    last = documents.parse(journey({"id": "it", "exit": "over"}))
    assert isinstance(last, Journey)
    assert last.steps[0].does == steps.Exit(reason="over")
    assert {*KINDS, *ACTIONS} == {*HEADS}


@pytest.mark.parametrize(
    "wait",
    [
        {"for": "2d"},
        {"for": "2d", "at": "09:00", "days": ["mon"], "timezone": "profile"},
        {"days": ["sat", "sun"]},
        {"for": "2d", "at": {"trait": "send.hour", "else": "09:00"}},
        {"until": {"event": "a"}},
        {"until": IS_GOLD, "timeout": "2d", "from": "entry", "else": "end"},
        {"date": "renewal", "offset": "-90d", "at": "09:00", "missing": "hold", "past": "end"},
    ],
)
def test_waits_are_read(wait: Any) -> None:
    assert isinstance(read(wait=wait), steps.Wait)


def test_an_event_alone_is_one_that_comes_else_it_is_a_condition() -> None:
    comes = read(wait={"until": {"event": "a", "same": {"x.y": "z"}}}).until
    assert isinstance(comes, steps.Arrival)
    assert comes.same == {"x.y": "z"}
    assert read(wait={"until": {"event": "a", "same": "n"}}).until.same == {"n": "n"}
    assert not isinstance(read(wait={"until": {"event": "a", "at_least": 1}}).until, steps.Arrival)


def test_why_a_run_ends_is_a_text() -> None:
    found = problems(journey({"id": "it", "exit": 3}))
    assert found == ["steps[0].exit: must be text (put it in quotes), found the number 3"]


ONE = "steps[0]"
BAD: list[tuple[dict[str, Any], list[str]]] = [
    ({}, [f"{ONE}: a step needs one of {', '.join(HEADS)}, or go"]),
    ({"add_tag": "a", "exit": "b"},
     [f"{ONE}: a step is one thing only, found add_tag and exit: make them separate"]),
    ({"sned": {}}, [f"{ONE}.sned: unknown key; did you mean send?"]),
    ({"crm": {}}, [f"{ONE}.crm: not in this version"]),
    ({"wait": {"for": "1d"}, "when": IS_GOLD},
     [f"{ONE}.when: may only stand beside an action; for ways there is branch"]),
    ({"add_tag": "a", "when": {"tag": 3}},
     [f"{ONE}.when.tag: must be text (put it in quotes), found the number 3"]),
    ({"exit": "over", "go": "end"},
     [f"{ONE}.go: may not stand beside exit: nothing comes after it"]),
    ({"add_tag": 3}, [f"{ONE}.add_tag: must be text (put it in quotes), found the number 3"]),
    ({"start_journey": {"journey": "a", "wat": True}},
     [f"{ONE}.start_journey.wat: unknown key; did you mean wait?"]),
    ({"wait": {}}, [f"{ONE}.wait: needs one of for, at, days, until, date"]),
    ({"wait": {"duration": "2d"}}, [f"{ONE}.wait.duration: unknown key; did you mean for?"]),
    ({"wait": {"until": IS_GOLD, "date": "x"}},
     [f"{ONE}.wait: waits for one thing only, found until and date: make them two steps"]),
    ({"wait": {"for": "2d", "timeout": "1d"}},
     [f"{ONE}.wait.timeout: may only stand beside until"]),
    ({"wait": {"until": IS_GOLD, "at": "09:00"}},
     [f"{ONE}.wait.at: may only stand beside for, days or date"]),
    ({"wait": {"until": IS_GOLD, "from": "entry"}},
     [f"{ONE}.wait.from: may only stand beside timeout"]),
    ({"wait": {"date": "x", "at": {"trait": "hour", "else": "09:00"}}},
     [f"{ONE}.wait.at: is a time of day beside date, not that of a trait"]),
    ({"wait": {"at": {"trait": "hour"}}}, [f"{ONE}.wait.at: needs the key else"]),
    ({"wait": {"at": {"trait": "hour", "else": 9}}},
     [f'{ONE}.wait.at.else: must be a time of day such as "09:00", found the number 9']),
    ({"wait": {"date": "x", "missing": "wait"}},
     [f'{ONE}.wait.missing: must be one of skip, exit, hold, found the text "wait"']),
    ({"wait": {"for": "1d", "days": ["monday"]}},
     [f"{ONE}.wait.days[0]: must be one of mon, tue, wed, thu, fri, sat, sun, "
      'found the text "monday"']),
    ({"webhook": {"url": "https://example.com", "else": "end"}},
     [f"{ONE}.webhook.else: may only stand beside timeout"]),
    ({"branch": {"cases": []}},
     [f"{ONE}.branch.cases: must be a list with at least one item, found a list"]),
    ({"branch": {"cases": [{"when": IS_GOLD, "go": "end"}] * (MAX_CASES + 1)}},
     [f"{ONE}.branch.cases: must have at most {MAX_CASES} cases, found {MAX_CASES + 1}"]),
    ({"split": {"variants": {"a": 50, "b": 40}}},
     [f"{ONE}.split.variants: must add up to 100, found 90"]),
    ({"split": {"variants": {"a": 50, "b": "50"}}},
     [f"{ONE}.split.variants.b: must be a number (write it without quotes), "
      'found the text "50"']),
    ({"split": {"variants": {"a": 100}, "go": {"b": "end"}}},
     [f"{ONE}.split.go.b: is no variant; they are a"]),
    ({"split": {"variants": {" ": 100}}},
     [f'{ONE}.split.variants[" "]: as a name it must be one line of 1 to 256 characters, '
      'found the text " "']),
    ({"split": {"variants": {f"v{n}": 4 for n in range(25)}}},
     [f"{ONE}.split.variants: must have at most {MAX_VARIANTS}, found 25"]),
    ({"split": {"variants": []}}, [f"{ONE}.split.variants: must be a mapping, found a list"]),
]  # fmt: skip


@pytest.mark.parametrize(("does", "expected"), BAD, ids=[row[1][0] for row in BAD])
def test_mistake_brings_one_plain_message(does: dict[str, Any], expected: list[str]) -> None:
    assert problems(journey({"id": "it"} | does, one_day("end"))) == expected
