"""The summary claims only what its numbers show."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from processors.demo import summaries
from processors.demo.boards import Picture, SegmentRow
from processors.demo.traffic import Delivery, Traffic
from processors.demo.view import Work
from tests.unit.demo.pictures import NOTHING, WORK, picture

TRAFFIC = Traffic(
    deliveries=[Delivery(0, "ann", b"")] * 122, duplicates=5, late=0, broken=1, people=17
)


def failed(
    found: Picture, work: Work = WORK, traffic: Traffic = TRAFFIC, files: tuple[str, ...] = ("c1",)
) -> list[str]:
    checks = summaries.final_checks(found, work, traffic, files=files)
    return [each.claim for each in checks if not each.is_true]


def test_numbers_that_add_up_pass() -> None:
    assert failed(picture()) == []


def test_lost_event_is_seen() -> None:
    assert failed(picture(), Work(phase="", decided=119, duplicates=5)) == [
        "every event was decided on exactly once"
    ]


def test_duplicate_that_counted_is_seen() -> None:
    assert failed(picture(), Work(phase="", decided=120, duplicates=4)) == [
        "every event was decided on exactly once"
    ]


def test_event_that_did_not_arrive_is_seen() -> None:
    assert "every event was decided on exactly once" in failed(picture(events=121))


@pytest.mark.parametrize("files", [(), ("c1", "c1"), ("c1", "c2")])
def test_command_that_is_missing_or_doubled_in_the_files_is_seen(files: tuple[str, ...]) -> None:
    assert failed(picture(), files=files) == ["every command was carried out, once"]


def test_command_without_an_outcome_is_seen() -> None:
    assert failed(picture(outcomes=0)) == ["every command was carried out, once"]


def test_repeated_command_is_seen() -> None:
    assert failed(picture(command_repeats=1)) == ["no command was given twice"]


def test_broken_event_that_passed_is_seen() -> None:
    assert failed(picture(unreadable=0)) == ["what was made up to go wrong was noticed"]


def test_members_that_do_not_add_up_are_seen() -> None:
    row = SegmentRow(id="a", name="A", members=2, entered=5, left=4, curve=())

    assert failed(picture(segments=(row,))) == ["members are those who entered and did not leave"]


def test_page_has_the_numbers_and_the_verdicts() -> None:
    found = summaries.final_checks(picture(), WORK, TRAFFIC, files=["c1"])

    page = summaries.markdown(picture(), WORK, found, sent=122)

    assert "| events sent | 122 |" in page
    assert "| events decided on | 115 |" in page
    assert "| dead letters | not-json 1, too-late 1 |" in page
    assert "| At risk | 1,007 | `▁▄█` | 1,010 | 3 |" in page
    assert "| no command was given twice | yes | 1 commands, 0 repeated ids |" in page


def test_summary_of_nothing_can_be_shown() -> None:
    console = Console(file=io.StringIO(), width=100)

    summaries.show(console, NOTHING, Work(phase=""), found=summaries.checks(NOTHING), sent=0)

    assert isinstance(console.file, io.StringIO)
    assert "no command was given twice" in console.file.getvalue()


def test_next_steps_name_places_from_where_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["pytest"])

    found = summaries.next_steps(tmp_path / "examples" / "shop", Path("demo-out"))

    assert "beckon check examples/shop\n" in found
    assert "--events demo-out/events.jsonl" in found
    assert str(tmp_path) not in found


def test_next_steps_call_us_where_the_shell_would_not_find_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.argv", [".venv/bin/beckon", "demo"])

    found = summaries.next_steps(tmp_path / "examples" / "shop", Path("demo-out"))

    assert "  .venv/bin/beckon check examples/shop\n" in found
    assert "BECKON_STREAM__CLOCK=stream .venv/bin/beckon worker\n" in found
