from pathlib import Path

import pytest

from benchmarks import catalogues
from benchmarks.catalogues import RULES, SCORES, TOUCHED, TRIGGERS
from benchmarks.workloads import NAMES
from processors.decisions.compiling import compile_set
from processors.definitions import files


@pytest.mark.parametrize("segments", [100, 1_000])
def test_an_event_touches_as_many_definitions_whatever_their_number(
    tmp_path: Path, segments: int
) -> None:
    found = files.load(catalogues.write(tmp_path / "set", segments))

    assert (len(found.segments), len(found.scores), len(found.triggers)) == (
        segments,
        SCORES,
        TRIGGERS,
    )
    rules = [
        rule for score in found.scores.values() for group in score.groups for rule in group.rules
    ]
    assert len(rules) == SCORES * RULES
    documents = list(catalogues.documents(segments))
    for name in NAMES:
        assert str(documents).count(f"'event': '{name}'") == TOUCHED
    plans = compile_set(found).plans
    assert all(plans[name].plain and plans[name].triggers for name in NAMES)
