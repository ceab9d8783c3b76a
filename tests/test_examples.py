"""The examples do what they say: their tests pass, and leave nothing out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from processors.cases import files, reports, runs
from processors.cases.documents import Expectation
from processors.content.libraries import Library
from processors.content.rendering import Renderer
from processors.definitions.actions import Send
from tests.builders import DAY, HOUR, T0, Person, identify, track
from tests.unit.content.builders import Ours

EXAMPLES = Path(__file__).parent.parent / "examples"
KINDS = ("segments", "scores", "triggers", "journeys", "success")
TEMPLATES = tuple(f"templates/{one}" for one in KINDS)
PACKS = tuple(f"policies/{one}" for one in ("can-spam", "daily-summary", "gdpr"))
FOLDERS = ("shop", "starbucks/definitions", *PACKS, *TEMPLATES)


def expectations(folder: str) -> Iterator[Expectation]:
    _, found = files.load(EXAMPLES / folder)
    for file in found:
        for case in file.cases:
            yield from (step.expect for step in case.steps if step.expect is not None)


@pytest.mark.parametrize("folder", FOLDERS)
def test_cases_pass(folder: str) -> None:
    results = list(runs.run(*files.load(EXAMPLES / folder)))
    told = "\n".join(line.text for line in reports.lines(results))
    assert all(each.has_passed for each in results), told


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_segment_and_list_is_expected_in_and_out(folder: str) -> None:
    definitions, _ = files.load(EXAMPLES / folder)
    said = {
        each
        for expect in expectations(folder)
        for part in (expect.segments, expect.lists)
        for each in (part or {}).items()
    }
    assert said == {
        (name, side)
        for name in (*definitions.segments, *definitions.lists)
        for side in ("in", "out")
    }


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_level_and_grade_is_expected(folder: str) -> None:
    definitions, _ = files.load(EXAMPLES / folder)
    said = {
        (name, rung)
        for expect in expectations(folder)
        for name, score in (expect.scores or {}).items()
        for rung in (score.level, score.grade)
        if rung is not None
    }
    scores = definitions.scores
    assert said == {(name, rung) for name in scores for rung in scores[name].levels} | {
        (name, rung) for name in scores for rung in scores[name].grades
    }


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_trigger_fires_and_where_it_has_a_limit_is_refused(folder: str) -> None:
    definitions, _ = files.load(EXAMPLES / folder)
    fired, refused = set[str](), set[str]()
    for expect in expectations(folder):
        fired |= {each.doer[1] for each in expect.commands or () if each.trigger}
        for each in expect.decisions or ():
            (fired if each.outcome == "yes" else refused).add(each.doer[1])
    triggers = definitions.triggers
    fired, refused = fired & set(triggers), refused & set(triggers)
    assert fired == set(triggers)
    assert refused >= {name for name in triggers if triggers[name].limit is not None}


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_journey_is_entered_and_sends_from_each_step_that_sends(folder: str) -> None:
    definitions, _ = files.load(EXAMPLES / folder)
    sent = {
        (each.journey, each.template)
        for expect in expectations(folder)
        for each in expect.commands or ()
        if each.journey and each.template
    }
    entered = {name for name, _ in sent} | {
        each.journey for expect in expectations(folder) for each in expect.decisions or ()
    }
    assert entered >= set(definitions.journeys)
    assert sent >= {
        (name, step.does.template)
        for name, journey in definitions.journeys.items()
        for step in journey.steps
        if isinstance(step.does, Send)
    }


def test_the_daily_summary_shows_all_that_it_combines() -> None:
    definitions, _ = files.load(EXAMPLES / "policies/daily-summary")
    one = Person(*map(dict, definitions.documents.values()))
    one.hears(track("product.in_stock", T0))
    for hours, name, title in ((1, "reduced", "Lamp"), (2, "in_stock", "Chair")):
        about: dict[str, Any] = {
            "title": title,
            "price": 39.9,
            "url": f"https://shop.example/{title}",
        }
        one.hears(track(f"product.{name}", T0 + hours * HOUR, **about))
    one.hears(identify(T0 + 3 * HOUR, email="ann@example.com"))
    (command,) = one.waits(T0 + DAY).commands
    library = Library(definitions.documents.values())
    (message,) = Renderer(library, links=Ours()).compose(command)
    assert message.subject == "2 pieces of news for you"
    for shown in ("Lamp costs €39.90 now", "Chair is back", "https://shop.example/Chair"):
        assert shown in (message.html or "")
