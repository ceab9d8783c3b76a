"""The demo as a person runs it: to its end, and stopped in the middle."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
LIMIT_S = 120.0

pytestmark = pytest.mark.slow


def words(out: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "processors", "demo", "--out", str(out), *more]


def lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        yield from map(json.loads, file)


def environment(**more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **more}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A demo that has run to its end: its folder, and what it said."""
    out = tmp_path_factory.mktemp("demo")
    ran = subprocess.run(
        words(out, "--plain", "--people", "200", "--days", "21"),
        cwd=out.parent,
        env=environment(BECKON_KAFKA__BOOTSTRAP_SERVERS="nowhere:1"),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr + (out / "demo.log").read_text()
    assert ran.stderr == ""
    return out, ran.stdout


def test_lines_tell_how_far_it_is(done: tuple[Path, str]) -> None:
    _, said = done
    told = [line for line in said.splitlines() if " s | " in line]

    assert told
    assert all("members: at-risk" in line and "commands: " in line for line in told)


def test_every_check_passed_and_the_next_steps_follow(done: tuple[Path, str]) -> None:
    out, said = done
    page = (out / "summary.md").read_text()

    assert said.count("\n yes ") == page.count("| yes |") == 5
    assert "NO" not in page
    assert "beckon publish" in said
    assert "\x1b" not in said


def test_events_are_all_accounted_for(done: tuple[Path, str]) -> None:
    out, _ = done
    sent = (out / "events.jsonl").read_bytes().splitlines()

    assert len(sent) > 2_000
    assert f"| events sent | {len(sent):,} |" in (out / "summary.md").read_text()


def test_commands_are_in_the_file_of_their_channel_once(done: tuple[Path, str]) -> None:
    out, _ = done
    files = sorted(out.glob("commands.*.jsonl"))
    commands = [(path.name, each) for path in files for each in lines(path)]

    assert [path.name for path in files] == [
        "commands.email.jsonl",
        "commands.push.jsonl",
        "commands.webhook.jsonl",
    ]
    assert all(name == f"commands.{each['channel']}.jsonl" for name, each in commands)
    assert len({each["id"] for _, each in commands}) == len(commands)
    assert {each["command_id"] for each in lines(out / "outcomes.jsonl")} == {
        each["id"] for _, each in commands
    }


def test_fired_decisions_and_commands_belong_together(done: tuple[Path, str]) -> None:
    out, _ = done
    fired = Counter(
        each["definition_id"] for each in lines(out / "decisions.jsonl") if each["outcome"] == "yes"
    )
    given = Counter(
        each["definition_id"]
        for path in out.glob("commands.*.jsonl")
        for each in lines(path)
        if each["step"] == "0"
    )

    assert fired == given
    assert set(fired) == {"cart-reminder", "hot-lead", "order-thanks"}


def test_members_are_those_whose_last_change_was_to_enter(done: tuple[Path, str]) -> None:
    out, _ = done
    latest = {
        (each["profile_id"], each["segment_id"]): each["change"]
        for each in lines(out / "segment-changes.jsonl")
    }
    with (out / "segments.csv").open() as file:
        members = {(each["profile_id"], each["segment_id"]) for each in csv.DictReader(file)}

    assert members == {key for key, change in latest.items() if change == "entered"}
    assert {segment for _, segment in members} == {
        "at-risk",
        "big-spenders",
        "cart-abandoners",
        "new-customers",
    }


def test_replay_of_the_events_gives_the_same(done: tuple[Path, str], tmp_path: Path) -> None:
    out, _ = done
    replay = [sys.executable, "-m", "processors", "replay", "--out", str(tmp_path)]
    replay += ["--definitions", str(ROOT / "examples" / "shop")]
    replay += ["--events", str(out / "events.jsonl"), "--until", "2026-01-26T00:00:00+0000"]
    subprocess.run(replay, env=environment(), check=True, capture_output=True, timeout=LIMIT_S)

    with (out / "scores.csv").open() as file:
        scores = {each["profile_id"]: float(each["value"]) for each in csv.DictReader(file)}
    commands = {each["id"] for path in out.glob("commands.*.jsonl") for each in lines(path)}

    assert scores == {
        each["profile_id"]: each["value"] for each in lines(tmp_path / "scores.jsonl")
    }
    assert commands == {each["id"] for each in lines(tmp_path / "commands.jsonl")}
    assert list(lines(out / "segments.jsonl")) == list(lines(tmp_path / "segments.jsonl"))


def test_interrupt_in_the_middle_ends_it_cleanly(tmp_path: Path) -> None:
    out = tmp_path / "out"
    running = subprocess.Popen(
        words(out, "--people", "2000"),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    for line in running.stdout:
        if "| running |" in line and (out / "outcomes.jsonl").read_text():
            break
    asked_s = time.monotonic()
    running.send_signal(signal.SIGINT)
    said, errors = running.communicate(timeout=LIMIT_S)

    assert running.returncode == 130, said + errors
    assert errors == ""
    assert "stopped early" in said
    assert time.monotonic() - asked_s < 20
    assert "Traceback" not in (out / "demo.log").read_text()
    commands = [each["id"] for path in out.glob("commands.*.jsonl") for each in lines(path)]
    assert len(set(commands)) == len(commands)
    for name in ("segment-changes", "decisions", "outcomes", "segments"):
        assert list(lines(out / f"{name}.jsonl"))


def test_bad_folder_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    ran = subprocess.run(
        words(tmp_path / "file"),
        env=environment(),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )

    assert ran.returncode == 1
    assert ran.stderr.startswith("can not use the folder")
