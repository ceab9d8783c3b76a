"""How definitions change: compared, published after a question, ended, shown."""

import contextlib
import json
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import Message

from schemas.events import iso
from tests.builders import DAY, HOUR, T0, encoded, identify, keyed, track
from tests.embedded import Broker
from tests.unit.processors.commands import SHOP, beckon, written

pytestmark = pytest.mark.usefixtures("as_it_was")

SEGMENT = "kind: segment\nid: gold\nname: Gold\nwhen:\n  trait: plan\n  equals: gold\n"


def changed_shop(folder: Path) -> Path:
    """Returns the shop's definitions with a cart that is abandoned an hour later."""
    new = shutil.copytree(SHOP, folder / "new")
    cart = new / "cart-abandoners.yaml"
    cart.write_text(cart.read_text().replace("within: 1h", "within: 2h"))
    return new


def test_diff_of_a_set_with_itself_is_empty(tmp_path: Path) -> None:
    events = written(tmp_path, encoded(track("Product Added")))
    result = beckon("diff", SHOP, SHOP, "--events", events, "--exit-code")
    assert result.exit_code == 0, result.output
    assert "no differences over 1 events of 1 people" in result.output


def test_diff_says_what_moves_and_lists_it(tmp_path: Path) -> None:
    person = encoded(identify(email="ada@example.org"))
    events = written(tmp_path, person, encoded(track("Product Added")))
    words = ("diff", SHOP, changed_shop(tmp_path), "--events", events, "--until", iso(T0 + DAY))
    result = beckon(*words, "--out", tmp_path / "out", "--exit-code")
    assert result.exit_code == 3, result.output
    assert "cart-reminder  unchanged     0       0       0      1        0" in result.output
    assert f"cart-reminder moved: p {iso(T0 + HOUR)} +1:00:00" in result.output
    (row,) = (tmp_path / "out" / "commands.jsonl").read_text().splitlines()
    assert json.loads(row)["change"] == "moved"
    assert beckon(*words, "--samples", 0).exit_code == 0


def test_diff_reads_the_topic_and_writes_nothing_to_it(on_broker: Broker, tmp_path: Path) -> None:
    topic = on_broker.topic("events")
    late, early = track("Product Added", T0 + 9 * DAY, person="bob"), track("Product Added")
    on_broker.produce(topic, keyed(late), partition=0)
    on_broker.produce(topic, keyed(early), partition=1)
    result = beckon("diff", SHOP, changed_shop(tmp_path), "--from-topic", "--until", iso(T0 + DAY))
    assert result.exit_code == 0, result.output
    assert "differences over 2 events of 2 people (0 dead letters)" in result.output
    assert len(on_broker.records(topic)) == 2


@pytest.mark.parametrize("source", [(), ("--from-topic", "--events", "-")])
def test_diff_wants_one_source_of_history(source: tuple[str, ...]) -> None:
    result = beckon("diff", SHOP, SHOP, *source)
    assert result.exit_code == 2
    assert "either --events or --from-topic" in result.output


def published(broker: Broker) -> list[Message]:
    """Returns what was made active or ended, without what is kept beside it."""
    found = broker.records(f"{broker.prefix}definitions")
    return [each for each in found if b"@" not in (each.key() or b"")]


def test_publish_tells_what_becomes_of_each(on_broker: Broker) -> None:
    on_broker.topic("definitions")
    first, second = beckon("publish", "--yes", SHOP), beckon("publish", SHOP)
    assert first.exit_code == second.exit_code == 0, first.output
    assert "10 published, 0 unchanged" in first.output
    assert "nothing to do: 10 unchanged" in second.output
    assert len(published(on_broker)) == 10
    record = msgspec.json.decode(published(on_broker)[0].value() or b"")
    assert record["number"] == 1


def test_publish_without_a_terminal_says_what_it_would_do_and_wants_a_yes(
    on_broker: Broker, tmp_path: Path
) -> None:
    on_broker.topic("definitions")
    beckon("publish", "--yes", SHOP)
    result = beckon("publish", changed_shop(tmp_path))
    assert result.exit_code == 1
    assert "would publish 1 definition: --yes does it without asking" in result.output
    assert "segment/cart-abandoners, 1 to 2:" in result.output
    assert "-            within: 1h\n  +            within: 2h" in result.output
    (row,) = [line for line in result.output.splitlines() if " changed " in line]
    assert row.split() == [*row.split()[:3], "2", "trigger/cart-reminder"]
    assert len(published(on_broker)) == 10


def on_terminal(
    answer: bytes, *words: object, meanwhile: Callable[[], object] = lambda: None
) -> tuple[str, int]:
    """Runs a command where somebody sits, who answers its question once something has happened.

    Returns what they see, and the exit code.
    """
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "processors", *map(str, words)]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as ran:
        os.close(theirs)
        said = b""
        with contextlib.suppress(OSError):  # so a terminal tells that nobody writes any more
            while part := os.read(ours, 4_096):
                said += part
                if answer and b"[y/N]" in said:
                    meanwhile()
                    os.write(ours, answer)
                    answer = b""
    os.close(ours)
    return said.decode(), ran.returncode


def test_publish_on_a_terminal_asks(on_broker: Broker) -> None:
    on_broker.topic("definitions")
    said, code = on_terminal(b"\n", "publish", SHOP)
    assert "Publish 10 definitions? [y/N]" in said
    assert "nothing is changed" in said
    assert (code, published(on_broker)) == (1, [])
    said, code = on_terminal(b"y\n", "publish", SHOP)
    assert "10 published, 0 unchanged" in said
    assert (code, len(published(on_broker))) == (0, 10)


def test_what_is_published_meanwhile_is_not_run_over(on_broker: Broker, tmp_path: Path) -> None:
    on_broker.topic("definitions")
    (tmp_path / "gold.yaml").write_text(SEGMENT)

    def somebody_else() -> None:
        assert beckon("publish", "--yes", tmp_path).exit_code == 0

    said, code = on_terminal(b"y\n", "publish", tmp_path, meanwhile=somebody_else)
    assert "somebody has published meanwhile" in said
    assert (code, len(published(on_broker))) == (1, 1)


def test_prune_ends_what_is_no_longer_in_the_folder(on_broker: Broker, tmp_path: Path) -> None:
    on_broker.topic("definitions")
    beckon("publish", "--yes", SHOP)
    new = changed_shop(tmp_path)
    (new / "cart-reminder.yaml").unlink()
    kept = beckon("publish", "--yes", new)
    said = "1 published, 8 unchanged, 1 not in the folder (--prune ends them)"
    assert said in kept.output
    ended = beckon("publish", "--yes", "--prune", new)
    assert "0 published, 9 unchanged, 1 ended" in ended.output
    assert "trigger/cart-reminder" in ended.output
    pruned = [each.key() for each in published(on_broker) if each.value() is None]
    assert pruned == [b"trigger/cart-reminder"]
    assert "9 published" in beckon("definitions").output


def test_prune_of_what_others_use_is_refused_with_who_does(
    on_broker: Broker, tmp_path: Path
) -> None:
    on_broker.topic("definitions")
    beckon("publish", "--yes", SHOP)
    new = changed_shop(tmp_path)
    (new / "cart-abandoners.yaml").unlink()
    result = beckon("publish", "--yes", "--prune", new)
    assert result.exit_code == 1
    assert "cart-reminder.yaml:6: on.segment: there is no segment cart-abandoners" in result.output
    assert len(published(on_broker)) == 10


def test_definitions_shows_what_is_published(on_broker: Broker, tmp_path: Path) -> None:
    on_broker.topic("events")
    on_broker.topic("definitions")
    (tmp_path / "gold.yaml").write_text(SEGMENT.replace("name: Gold", "name: '[b]Gold :cat:'"))
    beckon("publish", "--yes", tmp_path)
    listed = beckon("definitions")
    assert listed.exit_code == 0, listed.output
    assert "segment/gold" in listed.output
    assert "[b]Gold :cat:" in listed.output
    assert "1 published" in listed.output


def test_version_before_can_be_read_and_published_again(on_broker: Broker, tmp_path: Path) -> None:
    on_broker.topic("definitions")
    file = tmp_path / "gold.yaml"
    for trait in ("plan", "tier"):
        file.write_text(SEGMENT.replace("plan", trait))
        beckon("publish", "--yes", tmp_path)
    first = beckon("definitions", "segment/gold", "--version", 1)
    assert (first.exit_code, first.output) == (0, SEGMENT)
    file.write_text(first.output)
    assert "1 published" in beckon("publish", "--yes", tmp_path).output
    shown = beckon("definitions", "gold")
    assert shown.exit_code == 0, shown.output
    rows = [line.split() for line in shown.output.splitlines()[1:-1]]
    assert [(row[0], *row[3:]) for row in rows] == [
        ("1",),
        ("2", "when"),
        ("3", "active", "back", "to", "1"),
    ]
    assert shown.output.endswith("\nbeckon definitions gold --version N prints one\n")
    assert beckon("definitions", "gold", "--version", 3).output == SEGMENT


def test_versions_of_what_has_ended_are_shown(on_broker: Broker, tmp_path: Path) -> None:
    on_broker.topic("definitions")
    (tmp_path / "gold.yaml").write_text(SEGMENT)
    (tmp_path / "rest.yaml").write_text(SEGMENT.replace("id: gold", "id: rest"))
    beckon("publish", "--yes", tmp_path)
    (tmp_path / "gold.yaml").unlink()
    beckon("publish", "--yes", "--prune", tmp_path)
    shown = beckon("definitions", "gold")
    assert (shown.exit_code, "active" in shown.output) == (0, False)
    assert "it has ended; beckon definitions gold --version N prints one" in shown.output
    assert beckon("definitions", "gold", "--version", 1).output == SEGMENT


def test_what_is_not_published_is_told(on_broker: Broker, tmp_path: Path) -> None:
    on_broker.topic("definitions")
    (tmp_path / "gold.yaml").write_text(SEGMENT)
    beckon("publish", "--yes", tmp_path)
    unknown = beckon("definitions", "golden")
    assert (unknown.exit_code, unknown.output) == (
        1,
        "nothing is published as golden; did you mean gold?\n",
    )
    absent = beckon("definitions", "gold", "--version", 2)
    assert (absent.exit_code, absent.output) == (
        1,
        "segment/gold has no version 2; the earliest is 1, the latest 1\n",
    )
    assert beckon("definitions", "gold", "--version", 0).exit_code == 2
    assert beckon("definitions", "--version", 1).exit_code == 2


def test_prune_of_a_single_file_is_refused(on_broker: Broker) -> None:
    on_broker.topic("definitions")
    beckon("publish", "--yes", SHOP)
    result = beckon("publish", "--yes", "--prune", SHOP / "cart-abandoners.yaml")
    assert result.exit_code == 2
    assert "--prune takes a folder" in result.output
    assert len(published(on_broker)) == 10


FLAT = """
- {field: plan, operator: equals, value: gold, logicalOperator: OR}
- {field: plan, operator: equals, value: silver}
- {field: age, operator: gte, value: 18}
"""


def test_flat_rules_are_printed_as_a_definition_that_can_be_checked(tmp_path: Path) -> None:
    source = tmp_path / "rules.yaml"
    source.write_text(FLAT)
    result = beckon("import-rules", source, "--id", "grown", "--name", "Grown up")
    assert result.exit_code == 0, result.output
    assert result.output == (
        "# AND and OR are mixed: read from left to right, as ((1 OR 2) AND 3)\n"
        "kind: segment\nid: grown\nname: Grown up\nwhen:\n  all:\n    - any:\n"
        "        - trait: plan\n          equals: gold\n"
        "        - trait: plan\n          equals: silver\n"
        "    - trait: age\n      at_least: 18\n"
    )
    folder = tmp_path / "definitions"
    folder.mkdir()
    (folder / "grown.yaml").write_text(result.output)
    assert beckon("check", folder).exit_code == 0


def test_flat_rules_that_can_not_be_read_are_told_with_their_lines(tmp_path: Path) -> None:
    source = tmp_path / "rules.yaml"
    source.write_text(FLAT.replace("gte", "gtee"))
    result = beckon("import-rules", source, "--id", "grown", "--name", "Grown up")
    assert result.exit_code == 1
    assert result.output == (
        f'{source}:4: [2].operator: unknown operator "gtee"; did you mean gte?\n'
    )
    source.write_text("- &a {field: plan}\n")
    result = beckon("import-rules", source)
    assert (result.exit_code, f"{source}:1: " in result.output) == (1, True)
