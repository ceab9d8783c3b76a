"""The view shows the numbers that it is given, on a terminal and in a log."""

import io

import pytest
from rich.console import Console, RenderableType

from processors.demo import view
from processors.demo.people import DAY_MS, START_MS
from processors.demo.view import Work
from tests.unit.demo.pictures import NOTHING, WORK, picture

END_MS = START_MS + 28 * DAY_MS


def shown(what: RenderableType, width: int = 120) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None, legacy_windows=False)
    console.print(what)
    found = console.file
    assert isinstance(found, io.StringIO)
    return found.getvalue()


@pytest.mark.parametrize(
    "number",
    [
        "Thu 2026-01-08 00:00",
        "1,234 events/s",
        "120 events of 17 people",
        "1,007",
        "Engagement: hot",
        "42",
        "limit 4, loop 1",
        "email 1 (1 sent)",
        "hot-lead ← engagement becomes hot ← Product Added (p00001-7)",
    ],
)
def test_terminal_shows_the_numbers(number: str) -> None:
    assert number in shown(view.render(picture(), WORK, END_MS))


@pytest.mark.parametrize(
    "number",
    [
        "9.9 s",
        "running",
        "Thu 2026-01-08 00:00",
        "120 events",
        "at-risk 1,007",
        "hot 42",
        "email 1",
    ],
)
def test_line_has_the_numbers(number: str) -> None:
    found = view.line(picture(), WORK)

    assert number in found
    assert "\n" not in found


def test_nothing_yet_can_be_shown() -> None:
    work = Work(phase="starting")

    assert "nothing yet" in view.line(NOTHING, work)
    assert "0 events of 0 people" in shown(view.render(NOTHING, work, END_MS))


@pytest.mark.parametrize("width", [60, 80, 200])
def test_view_fits_a_terminal_of_24_lines(width: int) -> None:
    found = shown(view.render(picture(), WORK, END_MS), width).splitlines()

    assert len(found) <= 24
    assert all(len(each) <= width for each in found)


def test_sparkline_is_as_high_as_its_largest_value() -> None:
    assert view.sparkline([0, 7, 0]) == "▁█▁"
    assert view.sparkline([0, 0]) == "▁▁"
    assert view.sparkline([]) == ""


def test_long_curve_is_cut_down_to_the_width_and_keeps_its_end() -> None:
    found = view.sparkline([0] * 999 + [5], width=10)

    assert found == "▁" * 9 + "█"
