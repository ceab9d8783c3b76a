"""Models of who leaves, when to send, what to recommend: what they give, and what comes of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from examples.models.churn import churn, logistic
from examples.models.products import also_bought
from examples.models.send_hour import send_hour, zone
from processors import predicates
from processors.cases import files, reports, runs
from processors.decisions.persons import Person, names_by_kind
from processors.decisions.scales import Scale, ladder
from processors.definitions import sets
from processors.state.profiles import Profile, ScoreState
from tests import sources
from tests.builders import DAY, T0, Json, encoded, identify, track
from tests.unit.processors.commands import beckon, written

MODULES = "examples.models.churn,examples.models.send_hour,examples.models.products"
FOLDER = sources.ROOT / "examples" / "models" / "definitions"
USAGE = Scale(
    bounds=(), names={}, groups={}, floor=0, limit=30, levels=ladder({}), grades=ladder({}), empty=0
)


def risk(profile: Profile) -> float:
    found: float = churn.gives(Person(profile, names_by_kind(churn.facts), {"usage": USAGE}))
    return found


def test_cases_pass_with_the_model() -> None:
    known = predicates.watched(predicates.found(MODULES))
    results = list(runs.run(*files.load(FOLDER, known)))
    told = "\n".join(line.text for line in reports.lines(results))
    assert results
    assert all(each.has_passed for each in results), told


def test_without_the_model_the_definitions_stand_and_a_warning_says_what_is_missing() -> None:
    definitions, _ = files.load(FOLDER)
    found = [
        (Path(each.file or "").name, each.line, str(each)) for each in sets.warnings(definitions)
    ]
    assert [each[:2] for each in found] == [
        ("churn-risk.yaml", 11),
        ("learn-send-hour.yaml", 9),
        ("learn-send-hour.yaml", 13),
        ("recommend.yaml", 9),
        ("recommend.yaml", 13),
        ("recommend-first.yaml", 9),
    ]
    assert "model churn is not registered here: its rule gives 0 points" in found[0][2]
    assert "model opened-hours is not registered here: no trait is set" in found[1][2]


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


def asked(read: Any, **traits: Any) -> Person:
    """Returns somebody with traits, as a model sees them."""
    held = {name: (value, 1) for name, value in traits.items()}
    return Person(Profile(traits=held), names_by_kind(read.facts), {})


@pytest.mark.parametrize(
    ("hours", "hour"),
    [(None, 9), ("18", 9), ([], 9), ([18, 18], 9), ([18, 7, 18, 18], 18), ([7, 18] * 3, 7)],
)
def test_hour_is_that_of_most_opens_where_there_are_enough(hours: object, hour: int) -> None:
    assert send_hour.value(asked(send_hour, openedHours=hours), otherwise=9) == hour


@pytest.mark.parametrize("name", [None, 3, "", "Nowhere/Land", "../etc"])
def test_clocks_of_nowhere_are_those_of_utc(name: object) -> None:
    assert str(zone(name)) == "UTC"


@pytest.mark.parametrize(
    ("bought", "likeliest"),
    [
        (None, ["tent", "lamp", "stove"]),
        (["boat"], ["tent", "lamp", "stove"]),
        (["tent"], ["sleeping-bag", "stove", "lamp"]),
        (["tent", "stove"], ["gas", "sleeping-bag", "pot"]),
    ],
)
def test_what_is_recommended_goes_with_what_was_bought_and_is_not_there_yet(
    bought: object, likeliest: list[str]
) -> None:
    assert also_bought.value(asked(also_bought, bought=bought)) == likeliest


def rows(folder: Path, name: str) -> list[Json]:
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


def test_replay_sends_at_the_hour_and_recommends_and_says_by_which_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BECKON_PREDICATES", MODULES)
    opens = [track("Email Opened", T0 + day * DAY + DAY // 4, id=f"o{day}") for day in range(3)]
    told = [
        identify(T0, timezone="Europe/Berlin"),
        *opens,
        track("Order Completed", T0 + 3 * DAY, product_id="stove"),
        track("Newsletter Ready", T0 + 4 * DAY),
    ]
    log = written(tmp_path, *(encoded(each) for each in told))
    words = ["--definitions", FOLDER, "--events", log, "--until", "2026-01-20T00:00:00Z"]
    found = beckon("replay", *words, "--out", tmp_path)
    assert found.exit_code == 0, found.output
    commands = {each["template"]: each for each in rows(tmp_path, "commands.jsonl")}
    assert commands["newsletter"]["at"] == "2026-01-05T06:00:00.000Z"
    assert commands["newsletter"]["traits"]["recommended"] == ["gas", "pot", "tent"]
    assert commands["gas-for-your-stove"]["at"] == "2026-01-11T00:00:00.000Z"
    noted = [each["models"] for each in rows(tmp_path, "decisions.jsonl") if "models" in each]
    assert [sorted(json.loads(each)) for each in noted] == [
        *[["openedHours", "sendHour"]] * 3,
        ["bought", "recommended"],
    ]
    assert json.loads(noted[-1])["recommended"] == {
        "model": "also-bought",
        "version": "2026-03",
        "inputs": {"read": {"traits.bought": ["stove"]}, "told": {}},
        "gave": ["gas", "pot", "tent"],
    }
