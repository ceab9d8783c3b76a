"""What progress tells, and how seldom."""

import io
import sys

import pytest

from processors import progress
from processors.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class HandMoved:
    """A clock in the place of the module `time`."""

    now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> HandMoved:
    moved = HandMoved()
    monkeypatch.setattr(progress, "time", moved)
    return moved


def shown(monkeypatch: pytest.MonkeyPatch, kind: type[io.StringIO]) -> io.StringIO:
    stream = kind()
    monkeypatch.setattr(sys, "stderr", stream)
    return stream


KINDS = pytest.mark.parametrize("kind", [Terminal, io.StringIO])


@KINDS
def test_end_is_always_told_with_count_and_speed(
    clock: HandMoved, monkeypatch: pytest.MonkeyPatch, kind: type[io.StringIO]
) -> None:
    told = shown(monkeypatch, kind)
    with Progress("replayed", "events") as tell:
        clock.now_s += 0.01
        tell(1_000)
        clock.now_s += 1.99
        tell(200_000)
    assert "replayed 200,000 events, 100,000/s" in told.getvalue()
    assert told.getvalue().endswith("\n")


@KINDS
def test_work_that_takes_no_time_is_no_division_by_zero(
    clock: HandMoved, monkeypatch: pytest.MonkeyPatch, kind: type[io.StringIO]
) -> None:
    told = shown(monkeypatch, kind)
    with Progress("replayed", "events") as tell:
        tell(0)
    assert "replayed 0 events, 0/s" in told.getvalue()
    assert told.getvalue().endswith("\n")


@KINDS
def test_end_is_told_also_of_work_that_fails(
    clock: HandMoved, monkeypatch: pytest.MonkeyPatch, kind: type[io.StringIO]
) -> None:
    told = shown(monkeypatch, kind)
    tell = Progress("ingested", "events")
    tell(5)
    tell.__exit__(RuntimeError, RuntimeError(), None)
    assert "ingested 5 events" in told.getvalue()


def times_told(stream: io.StringIO, clock: HandMoved) -> int:
    """Returns how often was told of a hundred steps within ten seconds."""
    with Progress("replayed", "events") as tell:
        for number in range(100):
            clock.now_s += 0.1
            tell(number)
    return stream.getvalue().count("replayed")


def test_terminal_is_told_often_on_one_line(
    clock: HandMoved, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = shown(monkeypatch, Terminal)
    assert 30 <= times_told(stream, clock) <= 51
    assert stream.getvalue().count("\n") == 1


def test_log_is_told_seldom(clock: HandMoved, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = shown(monkeypatch, io.StringIO)
    assert times_told(stream, clock) <= 3
    assert "\r" not in stream.getvalue()
    assert "\x1b" not in stream.getvalue()
