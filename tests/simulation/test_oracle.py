"""The engine against the oracle: whatever the definitions and the log, both say the same."""

from hypothesis import event as note
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import DAY, T0, Document, Json
from tests.properties import budget
from tests.simulation.results import compare
from tests.worlds import GAPS, about_amounts, busy_entries, definitions, histories, sequences


def end_of(log: list[Json], more_ms: int) -> int:
    return T0 + 60 * DAY + more_ms


@budget(500)
@given(definitions(), histories(), st.sampled_from(GAPS))
def test_engine_gives_what_the_oracle_recomputes(
    documents: list[Document], log: list[Json], more_ms: int
) -> None:
    result = compare(documents, log, end_of(log, more_ms))
    for kind in ("segment_changes", "score_changes", "commands", "too_late", "duplicates"):
        note(f"{kind}: {'some' if getattr(result, kind) else 'none'}")


def segment(when: Document) -> Document:
    return {"kind": "segment", "id": "s", "name": "s", "when": when}


@budget(1_500)
@given(st.one_of(about_amounts(), sequences()), histories(busy_entries, 24), st.sampled_from(GAPS))
def test_engine_gives_what_the_oracle_recomputes_of_amounts_and_sequences(
    when: Document, log: list[Json], more_ms: int
) -> None:
    result = compare([segment(when)], log, end_of(log, more_ms))
    changes = [row["change"] for row in result.segment_changes]
    note(f"{'sequence' if 'sequence' in when else 'amount'}: {changes[:3]}")
