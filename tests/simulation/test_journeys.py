"""Journeys, the engine against the oracle: whatever the steps and the log, both tell the same."""

from hypothesis import event as note
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import DAY, T0, Document, Json, compiled
from tests.properties import budget
from tests.simulation.results import compare, of_engine, of_records
from tests.travels import any_of, definitions, travels
from tests.worlds import GAPS

END = T0 + 60 * DAY


@budget(300)
@given(definitions(), travels(), st.sampled_from(GAPS))
def test_runs_go_as_the_oracle_finds(
    documents: list[Document], log: list[Json], more_ms: int
) -> None:
    result = compare(documents, log, END + more_ms)
    for happened in any_of(result.journey_runs):
        note(happened)


@budget(60)
@given(definitions(), travels())
def test_runs_go_the_same_way_whenever_they_are_stored_and_read_again(
    documents: list[Document], log: list[Json]
) -> None:
    known = compiled(*documents)
    once, _ = of_engine(known, log, END)
    each, _ = of_engine(known, log, END, [1] * len(log))
    assert of_records(once) == of_records(each)
