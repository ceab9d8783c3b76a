"""A model that foretells who leaves: what it gives, and what definitions make of it."""

from pathlib import Path

import pytest

from examples.models.churn import churn, logistic
from processors import predicates
from processors.cases import files, reports, runs
from processors.decisions.persons import Person, names_by_kind
from processors.decisions.scales import Scale, ladder
from processors.definitions import sets
from processors.state.profiles import Profile, ScoreState
from tests import sources

FOLDER = sources.ROOT / "examples" / "models" / "definitions"
USAGE = Scale(
    bounds=(), names={}, groups={}, floor=0, limit=30, levels=ladder({}), grades=ladder({}), empty=0
)


def risk(profile: Profile) -> float:
    return churn.gives(Person(profile, names_by_kind(churn.facts), {"usage": USAGE}))


def test_cases_pass_with_the_model() -> None:
    known = predicates.watched(predicates.found("examples.models.churn"))
    results = list(runs.run(*files.load(FOLDER, known)))
    told = "\n".join(line.text for line in reports.lines(results))
    assert results
    assert all(each.has_passed for each in results), told


def test_without_the_model_the_definitions_stand_and_a_warning_says_what_is_missing() -> None:
    definitions, _ = files.load(FOLDER)
    (warning,) = sets.warnings(definitions)
    assert warning.line == 11
    assert "model churn is not registered here" in str(warning)
    assert Path(warning.file or "").name == "churn-risk.yaml"


def test_risk_rises_with_silence_and_falls_with_use() -> None:
    monthly = {"plan": ("monthly", 1), "monthsPaid": (2, 1)}
    quiet = Profile(traits=monthly, segments={"gone-quiet": 1})
    used = Profile(traits=monthly, scores={"usage": ScoreState(30)})
    assert risk(used) < risk(Profile(traits=monthly)) < risk(quiet)


@pytest.mark.parametrize("months", [None, "two", 36, 600])
def test_it_takes_whatever_people_have(months: object) -> None:
    assert 0 < risk(Profile(traits={"monthsPaid": (months, 1)})) < 1


def test_logistic_is_a_half_in_the_middle() -> None:
    assert logistic(0) == 0.5
    assert logistic(2) + logistic(-2) == pytest.approx(1)
