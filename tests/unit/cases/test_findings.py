"""What helps to see why something is not as expected."""

from typing import Any

from processors.cases.findings import MAX_TEXT, Findings, shown, why
from processors.decisions.compiling import compile_set
from processors.definitions import sets
from schemas.records import DecisionRecord
from tests.builders import MINUTE, T0, trigger

LIMITED = trigger("a", when={"tag": "vip"}, limit={"times": 1})


def decided(
    reason: str = "fired", at_ms: int = T0, *, id: str = "t", late: bool = False
) -> DecisionRecord:
    return DecisionRecord(
        profile_id="p",
        definition_id=id,
        version="",
        outcome="yes" if reason == "fired" else "no",
        reason=reason,
        at=at_ms,
        cause="m",
        late=late,
    )


def reasons(*decisions: DecisionRecord) -> list[str]:
    definitions = sets.from_documents([LIMITED])
    nothing: list[Any] = []
    findings = Findings(
        definitions=definitions,
        compiled=compile_set(definitions),
        at_ms=T0,
        profile=None,
        moves=nothing,
        commands=nothing,
        decided=decisions,
        decisions=nothing,
    )
    return why(findings, ("trigger", "t"), decisions)


def test_values_are_shown_as_they_are_written() -> None:
    assert shown(None) == "nothing"
    assert shown("5") == '"5"'
    assert shown({"a": [1.5, True]}) == '{"a":[1.5,true]}'
    assert len(shown("x" * 1000)) == MAX_TEXT


def test_stimulus_that_did_not_come_is_named() -> None:
    assert reasons(decided(id="other")) == [
        'trigger t: never asked, since {"event":"a"} did not come'
    ]


def test_reasons_are_explained_by_the_definition() -> None:
    assert reasons(
        decided(), decided("condition"), decided("limit", late=True), decided("loop")
    ) == [
        "trigger t: yes, fired, at 2026-01-01T00:00:00.000Z",
        'trigger t: no, condition ({"tag":"vip"} did not hold), at 2026-01-01T00:00:00.000Z',
        'trigger t: no, limit ({"times":1} was reached), at 2026-01-01T00:00:00.000Z, late',
        "trigger t: no, loop, at 2026-01-01T00:00:00.000Z",
    ]


def test_like_decisions_become_one_line() -> None:
    assert reasons(decided("condition"), decided("condition", T0 + MINUTE), decided()) == [
        'trigger t: no, condition ({"tag":"vip"} did not hold), '
        "2 times, last at 2026-01-01T00:01:00.000Z",
        "trigger t: yes, fired, at 2026-01-01T00:00:00.000Z",
    ]


def test_only_the_last_reasons_are_told() -> None:
    told = reasons(*[decided(), decided("limit", late=True)] * 5)
    assert len(told) == 5
    assert told[-1].endswith("late")
