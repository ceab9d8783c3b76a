"""What the command line says, and with which code it ends."""

import contextlib
import json
import logging
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
import typer
from typer.testing import CliRunner, Result

from processors import logs, settings
from processors.cli import cli, told
from processors.definitions.errors import InvalidDefinitions, Problem
from processors.operations.errors import OperationFailed
from processors.runtime.batches import read_tick
from processors.runtime.errors import StateLost
from processors.settings import InvalidSettings
from schemas.events import iso
from tests.builders import DAY, HOUR, T0, encoded, identify, keyed, track
from tests.embedded import Broker

SHOP = Path(__file__).parents[3] / "examples" / "shop"
SEGMENT = "kind: segment\nid: gold\nname: Gold\nwhen:\n  trait: plan\n  equals: gold\n"


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No settings from outside, and the log as pytest had it."""
    for name in list(os.environ):
        if name.startswith(settings.PREFIX):
            monkeypatch.delenv(name)
    monkeypatch.setenv("BECKON_HEALTH__PORT", "0")
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    quiet = {name: logging.getLogger(name).level for name in logs.QUIET}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, old in quiet.items():
        logging.getLogger(name).setLevel(old)
    logging.captureWarnings(False)


@pytest.fixture
def on_broker(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> Broker:
    """Has commands go to a broker in this process."""
    monkeypatch.setenv("BECKON_KAFKA__BOOTSTRAP_SERVERS", broker.cluster.bootstrap)
    monkeypatch.setenv("BECKON_TOPICS__PREFIX", broker.prefix)
    return broker


def beckon(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def ended(error: BaseException) -> int:
    """Returns the exit code of a command that raises."""

    @told
    def command() -> None:
        raise error

    with pytest.raises(typer.Exit) as caught:
        command()
    return caught.value.exit_code


def test_definitions_that_fit_are_counted() -> None:
    result = beckon("check", SHOP)
    assert result.exit_code == 0
    assert "4 segments, 1 scores, 3 triggers; all fit together" in result.output


def test_folder_without_definitions_is_told_as_a_mistake(tmp_path: Path) -> None:
    result = beckon("check", tmp_path)
    assert result.exit_code == 1
    assert "no definitions" in result.output


def test_mistakes_are_told_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "gold.yaml").write_text(SEGMENT.replace("equals", "equal"))
    result = beckon("check", tmp_path)
    assert result.exit_code == 1
    assert "gold.yaml:6" in result.output
    assert "did you mean equals?" in result.output


def test_folder_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    assert beckon("check", tmp_path / "absent").exit_code == 2


def written(folder: Path, *lines: bytes) -> Path:
    path = folder / "events.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def test_replay_writes_its_files_and_sums_up(tmp_path: Path) -> None:
    events = written(tmp_path, encoded(track("Product Added")), b"{")
    out = tmp_path / "out"
    until = iso(T0 + DAY)
    result = beckon(
        "replay", "--definitions", SHOP, "--events", events, "--out", out, "--until", until
    )
    assert result.exit_code == 0, result.output
    assert "1 events of 1 people: 2 segment changes, 0 commands, 1 dead letters" in result.output
    changes = [
        json.loads(line) for line in (out / "segment-changes.jsonl").read_text().splitlines()
    ]
    assert [each["change"] for each in changes] == ["entered", "exited"]


def test_replay_of_a_file_that_is_not_there_fails(tmp_path: Path) -> None:
    absent = tmp_path / "absent.jsonl"
    result = beckon("replay", "--definitions", SHOP, "--events", absent, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "can not read" in result.output


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


def test_instant_without_a_zone_is_wrong_use(tmp_path: Path) -> None:
    assert beckon("tick", "2026-01-01T00:00:00").exit_code == 2


def test_settings_are_shown_and_secrets_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BECKON_KAFKA__SASL_PASSWORD", "hush")
    monkeypatch.setenv("BECKON_SLOT", "w1")
    result = beckon("config")
    assert result.exit_code == 0
    assert "slot = 'w1'" in result.output
    assert "kafka.bootstrap_servers = 'localhost:9092'" in result.output
    assert "hush" not in result.output


def test_wrong_settings_end_a_command_before_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BECKON_HELTH__PORT", "1")
    result = beckon("worker")
    assert result.exit_code == 1
    assert "BECKON_HELTH__PORT: there is no such setting" in result.output


def test_channel_without_a_sender_is_wrong_use() -> None:
    result = beckon("sender", "email")
    assert result.exit_code == 2
    assert "webhook and jsonl" in result.output


def test_sender_of_webhooks_needs_a_secret() -> None:
    result = beckon("sender", "webhook")
    assert result.exit_code == 1
    assert "BECKON_WEBHOOK__SECRETS" in result.output


@pytest.mark.parametrize("role", [("worker",), ("sender", "jsonl")])
def test_role_without_a_cluster_gives_up_after_its_patience(
    role: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BECKON_KAFKA__BOOTSTRAP_SERVERS", "localhost:1")
    monkeypatch.setenv("BECKON_KAFKA__PATIENCE_S", "0")
    assert beckon(*role).exit_code == 69


def test_events_are_ingested_and_bad_lines_told(on_broker: Broker, tmp_path: Path) -> None:
    topic = on_broker.topic("events")
    events = written(tmp_path, encoded(track("A", person="ada")), b"{")
    result = beckon("ingest", events)
    assert result.exit_code == 1
    assert f"{events}:2: not-json: " in result.output
    assert f"1 events sent to {topic}, 1 bad lines" in result.output
    assert [record.key() for record in on_broker.records(topic)] == [b"ada"]


def test_raw_events_go_before_identity(on_broker: Broker, tmp_path: Path) -> None:
    topic = on_broker.topic("events.raw")
    result = beckon("ingest", "--raw", written(tmp_path, encoded(track("A"))))
    assert result.exit_code == 0, result.output
    assert len(on_broker.records(topic)) == 1


def test_tick_tells_of_its_partitions(on_broker: Broker) -> None:
    topic = on_broker.topic("events")
    result = beckon("tick", "2026-01-01T00:00:00Z")
    assert result.exit_code == 0, result.output
    assert "each of 4 partitions" in result.output
    assert {read_tick(record.value()) for record in on_broker.records(topic)} == {T0}


def test_publish_tells_what_becomes_of_each(on_broker: Broker) -> None:
    topic = on_broker.topic("definitions")
    first, second = beckon("publish", "--yes", SHOP), beckon("publish", SHOP)
    assert first.exit_code == second.exit_code == 0, first.output
    assert "8 published, 0 unchanged" in first.output
    assert "0 published, 8 unchanged" in second.output
    assert len(on_broker.records(topic)) == 8
    record = msgspec.json.decode(on_broker.records(topic)[0].value() or b"")
    assert record["number"] == 1


def test_publish_without_a_terminal_says_what_it_would_do_and_wants_a_yes(
    on_broker: Broker, tmp_path: Path
) -> None:
    topic = on_broker.topic("definitions")
    beckon("publish", "--yes", SHOP)
    result = beckon("publish", changed_shop(tmp_path))
    assert result.exit_code == 1
    assert "would publish 1 definition: --yes does it without asking" in result.output
    assert "segment/cart-abandoners, 1 to 2:" in result.output
    assert "-            within: 1h\n  +            within: 2h" in result.output
    (row,) = [line for line in result.output.splitlines() if " changed " in line]
    assert row.endswith(" 2       trigger/cart-reminder")
    assert len(on_broker.records(topic)) == 8


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
    topic = on_broker.topic("definitions")
    said, code = on_terminal(b"\n", "publish", SHOP)
    assert "Publish 8 definitions? [y/N]" in said
    assert "nothing is changed" in said
    assert (code, on_broker.records(topic)) == (1, [])
    said, code = on_terminal(b"y\n", "publish", SHOP)
    assert "8 published, 0 unchanged" in said
    assert (code, len(on_broker.records(topic))) == (0, 8)


def test_what_is_published_meanwhile_is_not_run_over(on_broker: Broker, tmp_path: Path) -> None:
    topic = on_broker.topic("definitions")
    (tmp_path / "gold.yaml").write_text(SEGMENT)

    def somebody_else() -> None:
        assert beckon("publish", "--yes", tmp_path).exit_code == 0

    said, code = on_terminal(b"y\n", "publish", tmp_path, meanwhile=somebody_else)
    assert "somebody has published meanwhile" in said
    assert (code, len(on_broker.records(topic))) == (1, 1)


def test_prune_ends_what_is_no_longer_in_the_folder(on_broker: Broker, tmp_path: Path) -> None:
    topic = on_broker.topic("definitions")
    beckon("publish", "--yes", SHOP)
    new = changed_shop(tmp_path)
    (new / "cart-reminder.yaml").unlink()
    kept = beckon("publish", "--yes", new)
    said = "1 published, 6 unchanged, 1 not in the folder (--prune ends them)"
    assert said in kept.output
    ended = beckon("publish", "--yes", "--prune", new)
    assert "0 published, 7 unchanged, 1 ended" in ended.output
    assert "trigger/cart-reminder" in ended.output
    pruned = [each.key() for each in on_broker.records(topic) if each.value() is None]
    assert pruned == [b"trigger/cart-reminder"]
    assert "7 published" in beckon("definitions").output


def test_prune_of_what_others_use_is_refused_with_who_does(
    on_broker: Broker, tmp_path: Path
) -> None:
    topic = on_broker.topic("definitions")
    beckon("publish", "--yes", SHOP)
    new = changed_shop(tmp_path)
    (new / "cart-abandoners.yaml").unlink()
    result = beckon("publish", "--yes", "--prune", new)
    assert result.exit_code == 1
    assert "cart-reminder.yaml:6: on.segment: there is no segment cart-abandoners" in result.output
    assert len(on_broker.records(topic)) == 8


def test_definitions_shows_what_is_published(on_broker: Broker, tmp_path: Path) -> None:
    on_broker.topic("definitions")
    (tmp_path / "gold.yaml").write_text(SEGMENT.replace("name: Gold", "name: '[b]Gold :cat:'"))
    beckon("publish", "--yes", tmp_path)
    listed = beckon("definitions")
    assert listed.exit_code == 0, listed.output
    assert "segment/gold" in listed.output
    assert "[b]Gold :cat:" in listed.output
    assert "1 published" in listed.output
    shown = beckon("definitions", "gold")
    assert shown.output == (tmp_path / "gold.yaml").read_text()
    assert beckon("definitions", "silver").exit_code == 1


def test_topic_that_is_missing_says_what_to_do(on_broker: Broker) -> None:
    result = beckon("publish", "--yes", SHOP)
    assert result.exit_code == 1
    assert "beckon topics create" in result.output


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (OperationFailed("not done"), 1, "not done"),
        (StateLost("state was lost"), 1, "state was lost"),
        (InvalidSettings("no such setting"), 1, "no such setting"),
        (InvalidDefinitions([Problem("a.yaml", 3, "when", "wrong")]), 1, "a.yaml:3: when: wrong"),
        (KeyboardInterrupt(), 130, "stopped"),
    ],
)
def test_failure_is_told_in_words(
    error: BaseException, code: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(error) == code
    captured = capsys.readouterr()
    assert text in captured.err
    assert "Traceback" not in captured.err


def test_bug_is_not_dressed_up_as_a_failure() -> None:
    @told
    def command() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        command()


def test_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    code = "from processors.cli import told\n@told\ndef f():\n    raise BrokenPipeError\nf()\n"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, b"")


def test_help_does_not_load_the_stream() -> None:
    code = (
        "import sys\nfrom processors import cli\n"
        "assert not {'faust', 'confluent_kafka'} & set(sys.modules), 'loaded'\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr.decode()


STUCK = """
import asyncio, threading
from processors import cli
from processors.agents.apps import EXIT_STUCK

async def stuck():
    threading.Thread(target=threading.Event().wait).start()
    print("stuck", flush=True)
    return EXIT_STUCK

cli._run(stuck())
"""


def test_what_hangs_does_not_keep_a_process_that_did_not_stop_in_time() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STUCK], capture_output=True, timeout=20, check=False
    )
    assert (done.returncode, done.stdout) == (70, b"stuck\n")
