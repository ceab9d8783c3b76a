"""Dead letters from the shell: what there is, and sending it again once its cause is mended."""

import json

import pytest
from typer.testing import Result

from processors import app
from tests.builders import T0, encoded, track
from tests.embedded import Broker
from tests.unit.operations.test_letters import bury
from tests.unit.processors.commands import beckon
from tests.unit.runtime.test_streams import Start, start

__all__ = ["start"]


@pytest.fixture(autouse=True)
def plain(as_it_was: None, on_broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded broker leaves out the checksums of what ends its transactions."""
    monkeypatch.setenv("BECKON_LOG__LEVEL", "error")
    monkeypatch.setattr(app, "cluster_of", lambda settings: on_broker.cluster)


def said(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout


def rows(shown: str, broker: Broker) -> list[list[str]]:
    """Returns the cells of the table's rows, without instants."""
    lines = [line.split() for line in shown.splitlines() if f" {broker.prefix}" in line]
    return [cells[:5] for cells in lines if len(cells) == 6]


def test_letters_are_counted_and_shown_without_what_is_in_them(on_broker: Broker) -> None:
    bury(on_broker, b"secret")
    bury(on_broker, b"secret", source="definitions", reason="does-not-fit")
    shown = said(beckon("dead-letters"))
    assert rows(shown, on_broker) == [
        ["does-not-fit", f"{on_broker.prefix}definitions", "0", "1", "0"],
        ["not-json", f"{on_broker.prefix}events", "1", "0", "0"],
    ]
    assert f"0:0 of {on_broker.prefix}events 3:42, 20" in shown
    assert "not-json: the value is so and so" in shown
    assert "1 can be sent again, 1 can not, 0 were" in shown
    assert "secret" not in shown
    assert "ada" not in shown


def test_keys_and_values_are_shown_where_they_are_asked_for(on_broker: Broker) -> None:
    bury(on_broker, b"\xffsecret")
    assert "  ada: \\xffsecret\n" in said(beckon("dead-letters", "--values"))
    found = json.loads(said(beckon("dead-letters", "--values", "--json")))
    (sample,) = found["samples"]
    assert (sample["key"], sample["value"]) == ("ada", "\\xffsecret")
    assert (sample["partition"], sample["offset"], sample["from"]["offset"]) == (0, 0, 42)
    (kind,) = found["kinds"]
    assert (kind["reason"], kind["waiting"], kind["replayed"]) == ("not-json", 1, 0)
    (sample,) = json.loads(said(beckon("dead-letters", "--json")))["samples"]
    assert "value" not in sample


def test_worker_decides_on_what_is_sent_again(on_broker: Broker, start: Start) -> None:
    worker = start()
    bury(on_broker, encoded(track("view", person="ada")), reason="crashed")
    bury(on_broker, b"{", reason="not-json")
    shown = said(beckon("dead-letters", "replay", "--reason", "crashed", "--dry-run"))
    assert "1 can be sent again, 0 can not, 0 were; nothing was sent" in shown
    assert "1 dead letters were sent again" in said(
        beckon("dead-letters", "replay", "--reason", "crashed", "--yes")
    )
    worker.wait(1)
    assert worker.moves() == [("keen", "entered", 0, f"view@{T0}")]
    twice = said(beckon("dead-letters", "replay", "--reason", "crashed", "--yes"))
    assert "0 can be sent again, 0 can not, 1 were; nothing was sent" in twice


def test_sending_again_wants_to_be_asked_for(on_broker: Broker) -> None:
    bury(on_broker)
    result = beckon("dead-letters", "replay")
    assert result.exit_code == 1
    assert "would send 1 dead letters again: --yes does it without asking" in result.output
    assert on_broker.records(f"{on_broker.prefix}events") == []


def test_place_says_which_are_meant(on_broker: Broker) -> None:
    for _ in range(3):
        bury(on_broker)
    words = ("--partition", 0, "--from", 1, "--to", 1)
    assert "1 dead letters were sent" in said(beckon("dead-letters", "replay", *words, "--yes"))
    assert "2 can be sent again, 0 can not, 1 were" in said(beckon("dead-letters"))


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--from", "1"], "--from and --to want a --partition"),
        (["replay", "--to", "0"], "--from and --to want a --partition"),
        (["--reason", "crashed", "replay", "--yes"], "options stand behind replay"),
        (["--values", "replay", "--yes"], "options stand behind replay"),
    ],
)
def test_wrong_use_sends_nothing(on_broker: Broker, words: list[str], why: str) -> None:
    bury(on_broker)
    result = beckon("dead-letters", *words)
    assert (result.exit_code, why in result.output) == (2, True)
    assert on_broker.records(f"{on_broker.prefix}events") == []


def test_cluster_without_topics_says_what_to_do() -> None:
    result = beckon("dead-letters")
    assert (result.exit_code, "run `beckon topics create`" in result.output) == (1, True)
