"""What becomes of runs: said beforehand, and then so done by the engine itself."""

from typing import Any

import pytest

from processors.decisions.runs import held
from processors.definitions import files, sets
from processors.definitions.errors import InvalidDefinitions
from processors.definitions.sets import OLDER
from processors.operations import plans
from processors.operations.edits import Edit
from processors.operations.positions import Position, Positions
from processors.state.runs import ENDED
from tests.builders import (
    HELLO,
    PAUSE,
    T0,
    Document,
    Person,
    journey,
    on,
    score,
    segment,
    static_list,
    step,
    track,
    wait,
)
from tests.unit.operations.test_plans import archive, record

LONG = wait("pause", for_="5h")
REST = wait("rest", for_="1d")
OLD = journey("a", PAUSE, HELLO)


def change(*documents: Document, old: Document = OLD, prune: bool = False) -> Edit | None:
    """Returns what publishing documents over a journey means to its runs."""
    before = archive([old, static_list("l")], record(old, 1))
    plan = plans.plan(before, sets.from_documents([static_list("l"), *documents]), prune=prune)
    assert len(plan.edits) <= 1
    return plan.edits[0] if plan.edits else None


def standing(person: Person) -> Positions:
    return Positions(
        Position("j", each.version, each.step)
        for each in held(person.profile, "j")
        if each.state != ENDED
    )


def edited(old: Document, new: Document | None) -> tuple[list[tuple[str, str]], Person]:
    """Returns what is said of a run that waits, and whoever is in it after that has happened."""
    person = Person(old)
    person.hears(track("a"))
    documents = [] if new is None else [new]
    found = change(*documents, old=old, prune=True)
    assert found is not None
    fates = list(found.fates(standing(person)))
    assert [(each.step, each.runs) for each in fates] == [("pause", 1)]
    person.gets(*documents, {OLDER: old}, adopted_ms=T0 + 1)
    return [(each.what, each.where) for each in fates], person


def where(person: Person) -> list[str]:
    return [each.step for each in standing(person)]


@pytest.mark.parametrize(
    ("new", "fate", "steps"),
    [
        (journey("a", LONG, HELLO), ("stays on its version", ""), ["pause"]),
        (journey("a", REST), ("stays on its version", ""), ["pause"]),
        (journey("a", LONG, HELLO, live_edit="follow"), ("goes on", ""), ["pause"]),
        (journey("a", REST, live_edit="follow"), ("ends", "step-gone"), []),
        (
            journey("a", REST, live_edit="follow", moves={"pause": "rest"}),
            ("moves", "rest"),
            ["rest"],
        ),
        (
            journey("a", REST, live_edit="migrate", moves={"pause": "rest", "hello": "rest"}),
            ("moves", "rest"),
            ["rest"],
        ),
        (journey("a", PAUSE, HELLO, live_edit="follow"), ("goes on", ""), ["pause"]),
        (journey("a", PAUSE, HELLO, status="archived"), ("ends", "archived"), []),
        (None, ("ends", "deleted"), []),
    ],
)
def test_what_is_said_is_what_the_engine_does(
    new: Document | None, fate: tuple[str, str], steps: list[str]
) -> None:
    said, person = edited(OLD, new)
    assert said == [fate]
    assert where(person) == steps
    if steps == ["pause"] and new is not None:
        is_pinned = fate[0] == "stays on its version"
        document = OLD if is_pinned else new
        version = next(iter(standing(person))).version
        assert version == sets.from_documents([document]).journeys["j"].steps_version


def test_pinned_runs_whose_version_names_what_is_gone_stand_still() -> None:
    old = journey("a", PAUSE, step("list", {"add_to_list": "gone"}))
    person = Person(old, static_list("gone"))
    person.hears(track("a"))
    before = archive([old, static_list("gone")], record(old, 1))
    plan = plans.plan(before, sets.from_documents([OLD]), prune=True)
    (found,) = plan.edits
    (fate,) = found.fates(standing(person))
    assert fate.what == "stands still"


def test_run_on_a_version_that_is_kept_no_longer_follows() -> None:
    found = change(journey("a", LONG))
    assert found is not None
    gone = Positions({Position("j", "0" * 12, "pause"): 3, Position("j", "0" * 12, "hello"): 2})
    fates = [(each.step, each.runs, each.what, each.where) for each in found.fates(gone)]
    assert fates == [("pause", 3, "goes on", ""), ("hello", 2, "ends", "step-gone")]


def test_fates_come_in_the_order_of_the_steps_and_only_of_this_journey() -> None:
    found = change(journey("a", REST, LONG, HELLO, live_edit="follow"))
    assert found is not None
    ids = ("nowhere", "rest", "hello", "pause")
    mine = {Position("j", "v", each): 1 for each in ids}
    fates = found.fates(Positions(mine | {Position("k", "v", "pause"): 9}))
    assert [each.step for each in fates] == ["pause", "hello", "rest", "nowhere"]


@pytest.mark.parametrize(
    "new",
    [
        OLD,
        OLD | {"name": "Other words"},
        OLD | {"status": "paused"},
        OLD | {"priority": 9},
    ],
)
def test_what_runs_do_not_feel_is_no_edit(new: Document) -> None:
    assert change(new) is None


def test_journey_that_is_new_or_not_in_the_folder_is_no_edit() -> None:
    assert change(journey("b", PAUSE, id="k")) is None


def test_archived_journey_that_stays_so_ends_nothing_anew() -> None:
    old = OLD | {"status": "archived"}
    assert change(old | {"name": "Other words"}, old=old) is None


MIGRATING = """kind: journey
id: j
entry: {event: a}
live_edit: migrate
moves: {hello: rest}
steps:
  - {id: rest, wait: {for: 1d}}
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            MIGRATING,
            ":5: moves: migrate needs a step in moves for each that is gone: pause",
        ),
        (
            MIGRATING.replace("moves: {hello: rest}\n", ""),
            ":4: live_edit: migrate needs a step in moves for each that is gone: pause, hello",
        ),
    ],
)
def test_migration_that_leaves_steps_out_is_refused(tmp_path: Any, text: str, said: str) -> None:
    file = tmp_path / "j.yaml"
    file.write_text(text)
    with pytest.raises(InvalidDefinitions) as failure:
        plans.plan(archive([OLD]), files.load(file))
    assert files.render(failure.value.problems) == f"{file}{said}"


def test_migration_that_forgets_steps_is_told_beside_all_else_that_does_not_fit() -> None:
    hot = score(on("view"), levels={"hot": 10})
    asks = segment({"score": "fit", "level": "hot"}, "best")
    new = sets.from_documents([journey("a", REST, live_edit="migrate"), score(on("view"))])
    with pytest.raises(InvalidDefinitions) as failure:
        plans.plan(archive([OLD, hot, asks]), new)
    assert [str(each).split(": ", 2)[0] for each in failure.value.problems] == [
        "journey/j",
        "segment/best",
    ]
