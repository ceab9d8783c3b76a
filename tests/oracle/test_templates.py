"""The templates of journeys: by the oracle's account they do what their tests say."""

import pytest

from tests.oracle.cases import cases, faults
from tests.oracle.documents import Document
from tests.oracle.starbucks import ROOT

JOURNEYS = ROOT / "examples" / "templates" / "journeys"


@pytest.mark.parametrize(("name", "case"), list(cases(JOURNEYS)))
def test_journeys_do_what_their_tests_say(name: str, case: Document) -> None:
    assert faults(JOURNEYS, case) == []
