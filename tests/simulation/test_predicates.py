"""A predicate that asks what a condition can ask gives its very answers, at its very instants."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from processors.definitions import sets
from processors.definitions.predicates import Model, Predicate, model, predicate
from processors.predicates import Person
from processors.runtime.memory import Driver
from tests.builders import (
    DAY,
    Document,
    Json,
    Recorder,
    compiled,
    holding,
    keyed,
    score,
    segment,
)
from tests.logs import histories
from tests.properties import budget
from tests.worlds import definitions, ids


def alike(documents: list[Document]) -> tuple[Document, Predicate]:
    """Returns a condition, and a predicate that asks the same."""
    inside = [{"segment": each} for each in ids(documents, "segment")[:1]]
    plain = {
        "any": [
            {"trait": "plan", "equals": "x"},
            {"account": "tier", "equals": "1"},
            {"all": [{"tag": "t1"}, {"not": {"tag": "t2"}}, *inside]},
            {"all": [{"list": "l1"}, {"status": "lead"}]},
        ]
    }
    names = [f"segments.{each['segment']}" for each in inside]
    reads = ["traits.plan", "account", "tags", "lists.l1", "status", *names]

    @predicate("alike", reads=reads, version="1")
    def holds(person: Person) -> bool:
        is_inside = all(each["segment"] in person.segments for each in inside)
        return (
            person.traits.get("plan") == "x"
            or person.account.get("tier") == "1"
            or ("t1" in person.tags and "t2" not in person.tags and is_inside)
            or ("l1" in person.lists and person.status == "lead")
        )

    return plain, holds


def estimating(holds: Predicate) -> Model:
    """Returns a model that gives all where a predicate holds, and nothing else."""

    @model("certain", reads=holds.reads, version="1")
    def gives(person: Person) -> float:
        return 1.0 if holds.holds(person) else 0.0

    return gives


@budget(40)
@given(st.data())
def test_predicate_model_and_condition_turn_together(data: st.DataObject) -> None:
    documents = data.draw(definitions())
    log: list[Json] = data.draw(histories())
    plain, holds = alike(documents)
    both = [
        segment(plain, "x-plain"),
        segment({"custom": "alike"}, "x-custom"),
        score(holding(plain), id="y-plain"),
        score({"id": "held", "points": 10, "model": "certain"}, id="y-model"),
    ]
    out = Recorder()
    registered: list[Predicate | Model] = [holds, estimating(holds)]
    driver = Driver(compiled(*documents, *both, predicates=registered), out)
    for each in (one for one in log if one["type"] != "clock"):
        driver.feed([keyed(each)])
    driver.advance(driver.table.progress.high_water + 30 * DAY)
    turns: dict[str, list[Any]] = {"x-plain": [], "x-custom": []}
    for _, change in out.of("segment-changes"):
        if change.segment_id in turns:
            who = (change.profile_id, change.change, change.at, change.cause, change.late)
            turns[change.segment_id].append(who)
    assert turns["x-custom"] == turns["x-plain"]
    moves: dict[str, list[Any]] = {"y-plain": [], "y-model": []}
    for _, change in out.of("score-changes"):
        if change.score_id in moves:
            moved = (
                change.profile_id,
                change.old,
                change.new,
                change.at,
                change.cause,
                change.late,
            )
            moves[change.score_id].append(moved)
    assert moves["y-model"] == moves["y-plain"]


def test_sets_without_predicates_are_as_they_were() -> None:
    written = [segment({"tag": "x"})]
    _, holds = alike([])
    assert sets.from_documents(written).id == (
        sets.from_documents(written, predicates={"alike": holds}).id
    )
