"""Living with journeys from the shell: what workers tell of runs, and what they are told to do."""

import json
from pathlib import Path

import pytest
from typer.testing import Result

from processors import app
from processors.operations import texts
from processors.runtime.partitioners import partition
from tests.builders import HELLO, T0, Document, journey, keyed, segment, tag, track, trigger, wait
from tests.embedded import Broker
from tests.unit.processors.commands import beckon
from tests.unit.processors.test_revisions import on_terminal
from tests.unit.runtime.test_streams import Start, Worker, start

__all__ = ["start"]

pytestmark = pytest.mark.usefixtures("as_it_was")

PAUSE = wait("pause", for_="1h")
HEARD = journey("a", PAUSE, HELLO, id="heard", name="By an event", goal={"event": "buy"})
BY_HAND = journey({"manual": True}, PAUSE, id="by-hand", live_edit="follow")
CALL = trigger({"manual": True}, tag("called"), id="call")
VIP = segment({"event": "a"}, "vip")
DOCUMENTS: list[Document] = [HEARD, BY_HAND, CALL, VIP]


def said(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout


def written(folder: Path, *documents: Document) -> Path:
    folder.mkdir(exist_ok=True)
    for each in documents:
        (folder / f"{each['kind']}-{each['id']}.yaml").write_text(texts.text(each))
    return folder


@pytest.fixture
def folder(
    as_it_was: None, on_broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The definitions that are published."""
    monkeypatch.setenv("BECKON_LOG__LEVEL", "error")  # commands' log ends before a worker
    on_broker.topic("definitions")
    found = written(tmp_path / "definitions", *DOCUMENTS)
    said(beckon("publish", "--yes", found))
    return found


@pytest.fixture
def worker(
    folder: Path, on_broker: Broker, start: Start, monkeypatch: pytest.MonkeyPatch
) -> Worker:
    """A worker by which three people have entered a journey; its turns are taken by hand."""
    monkeypatch.setattr(app, "cluster_of", lambda settings: on_broker.cluster)
    found = start(*DOCUMENTS)
    found.decide(*(keyed(track("a", person=each)) for each in ("ada", "bob", "cid")))
    found.decide(keyed(track("buy", T0 + 1, person="cid")))
    return found


def rows(text: str, first: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if line.startswith(first)]


def counted(days: int = 3_650) -> dict[str, dict[str, object]]:
    found = json.loads(said(beckon("journeys", "--days", days, "--json")))
    return {each["id"]: each for each in found["journeys"]}


@pytest.mark.usefixtures("worker")
def test_journeys_are_counted_with_their_steps() -> None:
    shown = said(beckon("journeys", "--days", 3_650))
    (head,) = rows(shown, "heard")
    assert head[-7:] == ["active", "2", "3", "0", "1", "1", "33.3%"]
    assert rows(shown, "pause") == [
        ["pause", "wait", "0", "0"],
        ["pause", "wait", "2", "0", "1", "goal"],
    ]
    assert "runs that entered since 20" in shown
    heard = counted()["heard"]
    assert (heard["entered"], heard["goals"], heard["exited"]) == (3, 1, {"goal": 1})


@pytest.mark.usefixtures("worker")
def test_runs_of_long_ago_are_not_counted_but_stand_where_they_stand() -> None:
    heard = counted(days=30)["heard"]
    assert (heard["entered"], heard["now"]) == (0, 2)


def test_journeys_where_none_is_published_says_what_to_do(on_broker: Broker) -> None:
    on_broker.topic("definitions")
    result = beckon("journeys")
    assert (result.exit_code, result.output) == (
        1,
        "no journey is published: beckon publish FOLDER\n",
    )


@pytest.mark.usefixtures("worker")
def test_runs_of_a_person_are_drawn() -> None:
    shown = said(beckon("runs", "cid"))
    head, *lines, _, total = shown.splitlines()
    assert head.startswith("heard, run ")
    assert lines[-1] == "└ 2026-01-01T00:00:00.001Z  pause  exited: goal"
    assert total == "1 run of cid"
    assert said(beckon("runs", "cid", "--journey", "by-hand")) == (
        "0 runs of journey by-hand of cid\n"
    )
    (run,) = json.loads(said(beckon("runs", "cid", "--json")))["runs"]
    assert [each["what"] for each in run["records"]] == ["entered", "waiting", "goal", "exited"]
    assert said(beckon("runs", "nobody")) == "0 runs of nobody\n"


def test_everybody_in_a_segment_or_a_file_is_asked_for(
    worker: Worker, on_broker: Broker, tmp_path: Path
) -> None:
    (tmp_path / "people").write_text("dan\neve\n")
    asked = said(beckon("fire", "by-hand", "--segment", "vip"))
    assert asked.startswith("journey by-hand is asked for 3 people, by ")
    assert "by-hand is asked for 2 people" in said(
        beckon("fire", "by-hand", "dan", "--file", tmp_path / "people")
    )
    assert "trigger call is asked for 1 people" in said(beckon("fire", "call", "ada"))
    worker.wait(4 + 6)
    assert counted()["by-hand"]["now"] == 5


def test_people_are_named_or_a_segment_is() -> None:
    for words in (["by-hand"], ["by-hand", "ada", "--segment", "vip"]):
        result = beckon("fire", *words)
        assert (result.exit_code, "give profile ids" in result.output) == (2, True)


@pytest.mark.usefixtures("folder")
def test_nobody_is_asked_for_where_an_id_or_the_segment_is_none(on_broker: Broker) -> None:
    topic = on_broker.topic("events")
    bad = beckon("fire", "call", "ada", "b\tob")
    assert (bad.exit_code, "'b\\tob' is no profile id" in bad.output) == (1, True)
    unknown = beckon("fire", "call", "--segment", "vips")
    assert unknown.output.endswith("no segment vips is published; did you mean vip?\n")
    assert on_broker.records(topic) == []


@pytest.mark.usefixtures("folder")
def test_journey_is_paused_and_goes_on() -> None:
    paused = said(beckon("pause", "heard", "--yes"))
    assert "+status: paused" in paused
    assert "journey heard is paused: " in paused
    assert "put `status: paused` into it, or the next `beckon publish`" in paused
    assert said(beckon("pause", "heard", "--yes")) == "nothing to do: journey heard is paused\n"
    resumed = said(beckon("resume", "heard", "--overdue", "skip", "--yes"))
    assert "-status: paused" in resumed
    assert "put `overdue: skip` into it and take `status` out of it" in resumed
    assert "status: draining" in said(beckon("drain", "heard", "--yes"))


@pytest.mark.usefixtures("worker")
def test_archiving_says_whose_runs_end() -> None:
    shown = said(beckon("archive", "heard", "--yes"))
    assert "journey/heard: 2 runs under way, archived" in shown
    assert rows(shown, "pause")[0][2:] == ["2", "ends", "as", "archived"]


@pytest.mark.usefixtures("folder")
def test_without_a_terminal_it_is_said_what_would_happen() -> None:
    result = beckon("pause", "heard")
    assert result.exit_code == 1
    assert "would pause journey heard: --yes does it without asking" in result.output
    assert "status" not in said(beckon("definitions", "journey/heard", "--version", 1))


@pytest.mark.usefixtures("folder")
def test_on_a_terminal_it_is_asked_for() -> None:
    shown, code = on_terminal(b"y\n", "pause", "heard")
    assert "Pause journey heard? [y/N]" in shown
    assert (code, "journey heard is paused" in shown) == (0, True)


@pytest.mark.usefixtures("folder")
def test_nothing_is_done_where_somebody_has_published_meanwhile() -> None:
    shown, code = on_terminal(
        b"y\n", "pause", "heard", meanwhile=lambda: said(beckon("drain", "heard", "--yes"))
    )
    assert (code, "somebody has published meanwhile: do it again" in shown) == (1, True)


@pytest.mark.usefixtures("folder")
def test_journey_that_there_is_not_is_not_paused() -> None:
    result = beckon("pause", "herd", "--yes")
    assert (result.exit_code, result.output) == (
        1,
        "no journey herd is published; did you mean heard?\n",
    )


def test_overdue_runs_go_on_or_are_skipped_and_nothing_else() -> None:
    result = beckon("resume", "heard", "--overdue", "later")
    assert (result.exit_code, "--overdue takes run or skip" in result.output) == (2, True)


@pytest.mark.usefixtures("worker")
def test_publishing_says_what_becomes_of_runs(folder: Path) -> None:
    changed = HEARD | {"steps": [wait("rest", for_="1d")], "live_edit": "follow"}
    result = beckon("publish", written(folder, changed))
    assert "journey/heard: 2 runs under way, live_edit: follow" in result.output
    assert rows(result.output, "pause")[-1][2:] == ["2", "ends", "as", "step-gone"]
    assert "would publish 1 definition" in result.output


def test_single_runs_are_moved_and_ended_by_hand(
    folder: Path, on_broker: Broker, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "cluster_of", lambda settings: on_broker.cluster)
    waiting = journey("a", wait("look", until={"event": "never"}), HELLO, id="long")
    said(beckon("publish", "--yes", written(folder, waiting)))
    worker = start(waiting)
    here = (f"p{n}" for n in range(100) if partition(f"p{n}".encode(), 4) == 0)
    ada, bob = next(here), next(here)
    worker.decide(*(keyed(track("a", person=each)) for each in (ada, bob)))
    (run,) = json.loads(said(beckon("runs", ada, "--json")))["runs"]
    shown = said(beckon("runs", ada, "--move", run["run_id"], "--to", "hello"))
    assert f"run {run['run_id']} of {ada} is asked to go on at hello, by" in shown
    worker.stream.process(worker.poll())
    assert "is moved here by hand" in said(beckon("runs", ada))
    (run,) = json.loads(said(beckon("runs", bob, "--json")))["runs"]
    assert "is asked to end" in said(beckon("runs", bob, "--cancel", run["run_id"]))
    worker.stream.process(worker.poll())
    assert "exited: cancelled" in said(beckon("runs", bob))
    result = beckon("runs", bob, "--cancel", run["run_id"])
    over = f"run {run['run_id']} of journey long is over\n"
    assert (result.exit_code, result.output.endswith(over)) == (1, True)


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    "words", [["--move", "r"], ["--to", "hello"], ["--cancel", "r", "--move", "r", "--to", "s"]]
)
def test_run_is_either_moved_to_a_step_or_ended(words: list[str]) -> None:
    result = beckon("runs", "ada", *words)
    assert (result.exit_code, "give --cancel RUN, or --move RUN" in result.output) == (2, True)
