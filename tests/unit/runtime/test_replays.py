"""Replays: a recorded log in, the engine's files out."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from processors.runtime import batches, memory, replays
from processors.runtime.replays import Summary
from schemas.events import iso
from tests.builders import (
    DAY,
    HOUR,
    T0,
    Document,
    compiled,
    emit,
    encoded,
    event,
    on,
    policy,
    score,
    segment,
    track,
    trigger,
)

DOCUMENTS: list[Document] = [
    segment({"event": "a", "within": "1h"}),
    score(on("a", 10), levels={"hot": 20, "cold": 0}, grades={"A": 10, "B": 0}),
    trigger("a", {"send": {"channel": "email", "template": "hello"}}, emit("told"), priority=3),
]


def replay(
    out: Path, *lines: bytes, until_ms: int | None = None, documents: list[Document] | None = None
) -> Summary:
    return replays.replay(compiled(*(documents or DOCUMENTS)), lines, out, until_ms=until_ms)


def rows(out: Path, name: str) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in (out / f"{name}.jsonl").read_bytes().splitlines()]


def test_every_file_is_written_even_if_empty(tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder"
    assert replay(out) == Summary()
    assert sorted(path.name for path in out.iterdir()) == [
        "commands.jsonl",
        "consent-changes.jsonl",
        "consents.jsonl",
        "dead-letters.jsonl",
        "decisions.jsonl",
        "journey-runs.jsonl",
        "score-changes.jsonl",
        "scores.jsonl",
        "segment-changes.jsonl",
        "segments.jsonl",
        "suppressions.jsonl",
    ]


def test_files_say_what_happened(tmp_path: Path) -> None:
    replay(tmp_path, encoded(track("a", id="m1")), encoded(track("a", T0 + 1, id="m2")))
    at = iso(T0 + 1)
    assert rows(tmp_path, "scores") == [
        {
            "profile_id": "p",
            "score_id": "fit",
            "value": 20,
            "level": "hot",
            "grade": "A",
            "at": at,
            "breakdown": '{"a":20}',
            "groups": '{"g":20}',
            "recommendations": "[]",
        }
    ]
    assert rows(tmp_path, "segments") == [{"profile_id": "p", "segment_id": "s", "since": iso(T0)}]
    assert [row["cause"] for row in rows(tmp_path, "segment-changes")] == ["m1"]
    assert [row["new"] for row in rows(tmp_path, "score-changes")] == [10, 20]
    command = rows(tmp_path, "commands")[1]
    assert (command["channel"], command["at"], command["occurrence"], command["priority"]) == (
        "email",
        at,
        "m2",
        3,
    )
    assert rows(tmp_path, "decisions")[1] == {
        "profile_id": "p",
        "definition_id": "t",
        "version": command["version"],
        "outcome": "yes",
        "reason": "fired",
        "at": at,
        "cause": "m2",
        "late": False,
    }


def test_a_summary_counts(tmp_path: Path) -> None:
    lines = [encoded(track("a")), b"", encoded(track("b", T0 + DAY, person="q")), b"{"]
    assert replay(tmp_path, *lines) == Summary(
        lines=3,
        events=2,
        profiles=2,
        dead_letters=1,
        commands=1,
        segment_changes=2,
        until_ms=T0 + DAY,
    )


def test_without_an_end_timers_run_to_the_largest_event_time(tmp_path: Path) -> None:
    replay(tmp_path, encoded(track("a")), encoded(track("b", T0 + HOUR, person="q")))
    assert rows(tmp_path, "segments") == []
    assert [row["at"] for row in rows(tmp_path, "segment-changes")] == [iso(T0), iso(T0 + HOUR)]


@pytest.mark.parametrize(("until", "members"), [(HOUR - 1, 1), (HOUR, 0), (-DAY, 1)])
def test_timers_run_to_the_end_that_is_named(tmp_path: Path, until: int, members: int) -> None:
    replay(tmp_path, encoded(track("a")), until_ms=T0 + until)
    assert len(rows(tmp_path, "segments")) == members


def test_clock_records_move_the_time(tmp_path: Path) -> None:
    summary = replay(tmp_path, encoded(track("a")), batches.tick(T0 + HOUR))
    assert (summary.events, summary.dead_letters, summary.until_ms) == (1, 0, T0 + HOUR)
    assert rows(tmp_path, "segments") == []


def test_a_person_is_who_the_event_names(tmp_path: Path) -> None:
    anonymous = event("track", event="a", userId=None, anonymousId="guest")
    replay(tmp_path, encoded(anonymous), encoded(track("a", person="guest")))
    assert [row["profile_id"] for row in rows(tmp_path, "scores")] == ["guest"]


def test_what_can_not_be_read_is_listed_with_its_line(tmp_path: Path) -> None:
    nameless = encoded(event("track", id="n") | {"userId": None})
    replay(tmp_path, b"\n", b"{ \xff", encoded(track("a")), b"  ", b"[]\n", nameless)
    assert [(row["line"], row["reason"]) for row in rows(tmp_path, "dead-letters")] == [
        (2, "not-utf8"),
        (5, "field-invalid"),
        (6, "id-missing"),
    ]
    assert rows(tmp_path, "dead-letters")[0]["value"] == "{ \ufffd"


def test_files_of_an_earlier_replay_are_replaced(tmp_path: Path) -> None:
    replay(tmp_path, encoded(track("a")))
    replay(tmp_path)
    assert all(path.read_bytes() == b"" for path in tmp_path.iterdir())


def test_tables_are_sorted_by_person_and_id(tmp_path: Path) -> None:
    documents = [score(on("a"), id="z"), score(on("a"), id="b")]
    lines = [encoded(track("a", person=person)) for person in ("q", "p")]
    replay(tmp_path, *lines, documents=documents)
    found = [(row["profile_id"], row["score_id"]) for row in rows(tmp_path, "scores")]
    assert found == [("p", "b"), ("p", "z"), ("q", "b"), ("q", "z")]


def test_progress_is_told_batch_by_batch(tmp_path: Path) -> None:
    told: list[int] = []
    lines = [encoded(track("b", T0 + n)) for n in range(memory.BATCH + 1)]
    replays.replay(compiled(*DOCUMENTS), lines, tmp_path, progress=told.append)
    assert told == [memory.BATCH, memory.BATCH + 1]


def test_told_events_are_decided_on_but_not_listed(tmp_path: Path) -> None:
    replay(tmp_path, encoded(track("a")), documents=[*DOCUMENTS, trigger("told", id="u")])
    assert [row["definition_id"] for row in rows(tmp_path, "decisions")] == ["t", "u"]


def test_what_may_be_sent_is_a_table_and_its_history(tmp_path: Path) -> None:
    documents = [DOCUMENTS[2], policy(quiet_hours={"from": "00:00", "to": "08:00"}, expires="1d")]
    lines = [
        track("consent.granted", T0, channel="email", topic="news", source="form"),
        track("a", T0 + 1),
        track("sms.complained", T0 + 2),
        track("push.complained", T0 + 3),
        track("suppression.removed", T0 + 4, channel="push"),
    ]
    replay(tmp_path, *map(encoded, lines), until_ms=T0 + 8 * HOUR, documents=documents)
    (consent,) = rows(tmp_path, "consents")
    assert (consent["topic"], consent["state"], consent["at"]) == ("news", "granted", iso(T0))
    (suppression,) = rows(tmp_path, "suppressions")
    assert (suppression["channel"], suppression["reason"]) == ("sms", "complaint")
    changes = [
        (row["channel"], row["old"], row["new"]) for row in rows(tmp_path, "consent-changes")
    ]
    assert changes == [
        ("email", None, "granted"),
        ("sms", None, "complaint"),
        ("push", None, "complaint"),
        ("push", "complaint", None),
    ]
    waits = rows(tmp_path, "decisions")[1]
    assert (waits["reason"], waits["until"]) == ("quiet-hours", iso(T0 + 8 * HOUR))
    (command,) = rows(tmp_path, "commands")
    assert (command["id"], command["expires_at"]) == (waits["command_id"], iso(T0 + 1 + DAY))


def test_records_that_are_deleted_are_not_in_the_tables() -> None:
    held = {"p/fit": 1}
    replays._keep(held, "p/fit", None)
    replays._keep(held, "p/other", None)
    assert held == {}
