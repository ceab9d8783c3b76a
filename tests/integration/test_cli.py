"""The command line against a real Kafka, each command as a process: from nothing to decisions."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard

from processors.definitions import files
from schemas import topics
from schemas.events import iso
from tests.builders import DAY, MINUTE, T0, Json, encoded, event, track
from tests.integration.workers import ROOT, Place, free_port, prefix_of, until

SHOP = ROOT / "examples" / "shop"
END = T0 + 10 * DAY


@pytest.fixture(scope="module")
def target(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A place where `beckon topics create` was the first thing done."""
    folder = tmp_path_factory.mktemp("cli")
    found = Place(kafka, prefix_of("cli"), folder, clock="stream", partitions=3)
    try:
        made = found.run("topics", "create", TOPICS__PARTITIONS="3", TOPICS__OUTPUT_PARTITIONS="1")
        assert (made.code, made.out.splitlines()[0]) == (
            0,
            f"{len(topics.TOPICS)} topics made, 0 were there",
        )
        yield found
    finally:
        found.close()


def purchases() -> list[Json]:
    """Returns what thirty people of a shop do in three days, in order."""
    found = []
    for number in range(600):
        at = T0 + number * 7 * MINUTE
        name = ("Product Viewed", "Product Added", "Order Completed")[number % 7 % 3]
        found.append(
            track(
                name,
                at,
                id=f"m-{number}",
                person=f"p{number * 7 % 30}",
                total=number % 220,
                revenue=number % 220,
                order_id=f"o-{number}",
            )
        )
    return found


def lines(events: list[Json]) -> bytes:
    return b"".join(encoded(each) + b"\n" for each in events)


def ids(target: Place) -> list[str]:
    """Returns the messageIds of the events of these tests that are on the topic."""
    rows = [row for row in target.rows("events") if row["type"] != "clock"]
    return [row["messageId"] for row in rows if not row["messageId"].startswith("emit-")]


def test_topics_that_are_there_are_left_and_differences_told(target: Place) -> None:
    again = target.run("topics", "create", TOPICS__PARTITIONS="6", TOPICS__OUTPUT_PARTITIONS="1")
    assert again.code == 0
    assert again.out.startswith(f"0 topics made, {len(topics.TOPICS)} were there")
    assert f"{target.prefix}events has 3 partitions, wanted are 6" in again.err


def test_publish_tells_what_is_new_and_what_is_unchanged(target: Place) -> None:
    count = len(files.load(SHOP).versions)
    first, again = (target.run("publish", "--yes", str(SHOP)) for _ in range(2))
    assert (first.code, again.code) == (0, 0)
    assert f"{count} published, 0 unchanged" in first.out
    assert f"nothing to do: {count} unchanged" in again.out
    keys = [each.key() or b"" for each in target.read("definitions")]
    assert len([key for key in keys if b"@" not in key]) == count
    assert len([key for key in keys if key.endswith(b"@1")]) == count


def test_commands_without_topics_say_what_to_do(kafka: str, tmp_path: Path) -> None:
    nothing = Place(kafka, prefix_of("nothing"), tmp_path)
    (tmp_path / "events.jsonl").write_bytes(lines(purchases()[:1]))
    for words in (
        ("publish", "--yes", str(SHOP)),
        ("ingest", str(tmp_path / "events.jsonl")),
        ("tick", iso(T0)),
        ("fire", "greet", "ada"),
        ("list", "add", "calls", "ada"),
        ("list", "show", "calls"),
        ("lists",),
        ("dead-letters",),
        ("dead-letters", "replay"),
    ):
        done = nothing.run(*words)
        assert done.code == 1, words
        assert "beckon topics create" in done.err
        assert "Traceback" not in done.err


def test_bad_lines_are_told_and_the_others_sent(target: Place) -> None:
    good = event("track", T0, id="stdin-1", person="somebody", event="Searched")
    done = target.run("ingest", "-", stdin=lines([good]) + b"{\n\n" + lines([{"type": "track"}]))
    assert done.code == 1
    assert "1 events sent" in done.out
    assert "2 bad lines" in done.out
    assert "-:2: not-json" in done.err
    assert "-:4: field-invalid" in done.err
    assert ids(target) == ["stdin-1"]


def test_ingest_that_is_killed_goes_on_where_it_was(target: Place, tmp_path: Path) -> None:
    file, mark = tmp_path / "many.jsonl", tmp_path / "many.jsonl.ingested"
    wanted = [f"k-{number}" for number in range(80_000)]
    event_ = encoded(track("Searched", T0, id="k-@", person="nobody"))
    file.write_bytes(b"".join(event_.replace(b"@", b"%d" % n) + b"\n" for n in range(80_000)))
    first = target.worker("ingest", "-m", "processors", "ingest", str(file))
    until(mark.exists, "it has noted how far it is", pause_s=0.001)
    first.kill()
    assert first.process.returncode < 0, "it ended before it could be killed"
    begun = int(mark.read_text())
    again = target.run("ingest", "--resume", str(file))
    assert again.code == 0
    assert f"{80_000 - begun:,} events sent" in again.out
    assert not mark.exists()
    found = [each for each in ids(target) if each.startswith("k-")]
    assert set(found) == set(wanted)
    assert len(found) < 2 * len(wanted)


def test_from_a_packed_file_to_what_replay_says_over_fausts_own_command_line(
    target: Place, tmp_path: Path
) -> None:
    file = tmp_path / "events.jsonl.zst"
    file.write_bytes(zstandard.compress(lines(purchases())))
    words = ("-m", "faust", "-A", "processors.worker:app", "worker", "--loglevel", "info")
    worker = target.worker("faust", *words, HEALTH__PORT=free_port()).wait_ready(3)
    assert worker.ask("/health")[0] == 200
    sent = target.run("ingest", str(file))
    assert (sent.code, "600 events sent" in sent.out) == (0, True)
    target.wait_decided()
    ticked = target.run("tick", iso(END))
    assert (ticked.code, "3 partitions" in ticked.out) == (0, True)
    target.wait_decided()
    assert worker.stop() == 0
    assert len(worker.lines("partition ready")) == 3  # in our form, though Faust sets up its own

    out = tmp_path / "out"
    options = ("--definitions", str(SHOP), "--events", str(file), "--out", str(out))
    done = target.run("replay", *options, "--until", iso(END))
    assert done.code == 0
    assert "600 events of 30 people" in done.out
    for name in ("commands", "segment-changes", "score-changes", "decisions"):
        replayed = [json.loads(line) for line in (out / f"{name}.jsonl").read_text().splitlines()]
        found = [row for row in target.rows(name) if row["profile_id"].startswith("p")]
        rows = [shown(row) for row in found]
        assert sorted(map(text, rows)) == sorted(map(text, replayed)), name
        assert rows, name


def shown(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"at": iso(row["at"])}


def text(row: dict[str, Any]) -> bytes:
    return msgspec.json.encode(row, order="sorted")


def test_settings_are_told_as_the_environment_has_them(target: Place) -> None:
    done = target.run("config", KAFKA__SASL_PASSWORD="open-sesame")
    assert done.code == 0
    assert f"topics.prefix = '{target.prefix}'" in done.out
    assert "open-sesame" not in done.out


def test_setting_that_does_not_exist_ends_a_command(target: Place) -> None:
    done = target.run("topics", "create", KAFKA__BOOTSTRAP="x")
    assert done.code == 1
    assert "BECKON_KAFKA__BOOTSTRAP" in done.err
    assert "Traceback" not in done.err


def test_health_port_that_is_taken_is_told(target: Place) -> None:
    first = target.worker("one").wait_ready(3)
    port = first.address.rpartition(":")[2]
    started_s = time.monotonic()
    second = target.run("worker", HEALTH__PORT=port, SLOT="two")
    assert second.code == 1
    assert time.monotonic() - started_s < 60
    assert f"BECKON_HEALTH__PORT: can not listen on 127.0.0.1:{port}" in second.err
    assert "Traceback" not in second.err
    assert first.stop() == 0
