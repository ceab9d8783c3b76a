"""Journeys, the engine against the oracle: whatever the steps and the log, both tell the same."""

from typing import Any

import pytest
from hypothesis import event as note
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import DAY, HOUR, T0, Document, Json, compiled, tag, track, trigger
from tests.properties import budget
from tests.simulation.results import compare, of_engine, of_records
from tests.travels import any_of, definitions, travels
from tests.worlds import GAPS

END = T0 + 60 * DAY


@budget(200)
@given(definitions(), travels(), st.sampled_from(GAPS))
def test_runs_go_as_the_oracle_finds(
    documents: list[Document], log: list[Json], more_ms: int
) -> None:
    result = compare(documents, log, END + more_ms)
    for happened in any_of(result.journey_runs):
        note(happened)


@budget(40)
@given(definitions(), travels())
def test_runs_go_the_same_way_whenever_they_are_stored_and_read_again(
    documents: list[Document], log: list[Json]
) -> None:
    known = compiled(*documents)
    once, _ = of_engine(known, log, END)
    each, _ = of_engine(known, log, END, [1] * len(log))
    assert of_records(once) == of_records(each)


SEND: Document = {"id": "s", "send": {"channel": "email", "template": "hello"}}
HOUR_LONG: Document = {"id": "w", "wait": {"for": "1h"}}
BOUGHT: Document = {"event": "bought", "same": "k"}
START: Document = {"start_journey": "j"}


def journey(*steps: Document, **more: Any) -> Document:
    entry: Document = {"event": "in"}
    return {"kind": "journey", "id": "j", "name": "j", "entry": entry, "steps": [*steps]} | more


WORKED_OUT: dict[str, tuple[list[Document], list[Json]]] = {
    "goal that is an exit too": (
        [journey(HOUR_LONG, exit=[BOUGHT], goal=BOUGHT | {"within": "7d"})],
        [track("in", T0, k=1), track("bought", T0 + 1, k=1)],
    ),
    "goal that comes with the event that began the run": (
        [
            trigger("on", START, priority=9),
            journey(HOUR_LONG, exit=[{"event": "on"}], goal={"event": "on"}),
        ],
        [track("on", T0)],
    ),
    "refused for two reasons": (
        [trigger("on", START), journey(SEND, targeting={"event": "on", "at_most": 1})],
        [track("on", T0), track("on", T0 + 1)],
    ),
    "targeting that asks what the run is to know": (
        [trigger("on", START), journey(SEND, targeting={"property": "k", "equals": 1})],
        [track("on", T0, k=1)],
    ),
    "runs that stop each other": (
        [journey(HOUR_LONG, {"id": "stop", "stop_journey": "j"}, per="k")],
        [track("in", T0, id="m1", k=1), track("in", T0, id="m2", k=2)],
    ),
    "time of a goal that is over": (
        [journey(SEND, goal={"event": "bought", "within": "1h"}), trigger("other", tag("t"))],
        [
            track("in", T0),
            track("in", T0 + 2 * HOUR, person="q"),
            track("other", T0 + HOUR // 2),
        ],
    ),
}


@pytest.mark.parametrize("name", WORKED_OUT)
def test_runs_go_as_was_worked_out(name: str) -> None:
    documents, log = WORKED_OUT[name]
    assert compare(documents, log, END).decisions
