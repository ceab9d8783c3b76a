"""What is recalled of a person from a log is what the engine made of it."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from processors.explanations import histories
from processors.explanations.histories import Entry, History
from processors.operations.errors import OperationFailed
from processors.runtime.batches import tick
from tests.builders import (
    DAY,
    HOUR,
    T0,
    Document,
    Json,
    compiled,
    emit,
    encoded,
    joins,
    of_people,
    on,
    score,
    segment,
    track,
    trigger,
)

RECENT = segment({"event": "a", "within": "1h"}, "recent")


def log(*data: Json | bytes) -> Iterable[Entry]:
    for number, each in enumerate(data, 1):
        yield Entry(f"f:{number}", None, each if isinstance(each, bytes) else encoded(each))


def recall(
    *data: Json | bytes, until_ms: int | None = None, by: tuple[Document, ...] = (RECENT,)
) -> History:
    return histories.recall(compiled(*by), log(*data), "p", until_ms=until_ms)


def places(history: History) -> list[str | None]:
    return [each.place for each in history.heard]


def test_lines_of_files_have_their_places(tmp_path: Path) -> None:
    first, second = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
    first.write_bytes(b'{"a":1}\n\n{"b":2}\n')
    second.write_bytes(b"{}")
    found = [each.place for each in histories.entries([str(first), str(second)])]
    assert found == [f"{first}:1", f"{first}:3", f"{second}:1"]


def test_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(OperationFailed, match="can not read"):
        list(histories.entries([str(tmp_path / "absent.jsonl")]))


def test_person_is_as_the_last_event_left_them() -> None:
    history = recall(track("a"), track("z", T0 + 5))
    assert history.at_ms == T0 + 5
    assert history.profile.segments == {"recent": T0}
    assert [each.change for each in history.segment_changes] == ["entered"]
    assert places(history) == ["f:1", "f:2"]


def test_time_of_others_moves_that_of_the_person() -> None:
    history = recall(track("a"), track("z", T0 + HOUR, person="q"))
    assert history.profile.segments == {}
    assert [each.cause for each in history.segment_changes] == [track("a")["messageId"], "clock"]


def test_timers_run_to_the_end_that_is_asked_for() -> None:
    assert recall(track("a"), until_ms=T0 + HOUR).profile.segments == {}
    assert recall(track("a"), until_ms=T0 + HOUR - 1).profile.segments == {"recent": T0}


def test_what_came_after_the_end_is_left_out() -> None:
    history = recall(track("a"), track("a", T0 + DAY), tick(T0 + DAY), until_ms=T0 + 5)
    assert (history.at_ms, places(history)) == (T0 + 5, ["f:1"])
    assert history.profile.segments == {"recent": T0}


def test_repeated_event_is_heard_once() -> None:
    assert places(recall(track("a"), track("a"))) == ["f:1"]


def test_event_that_is_too_late_is_not_heard_but_told_of() -> None:
    history = recall(track("a"), tick(T0 + 8 * DAY), track("a", T0 + HOUR))
    assert places(history) == ["f:1"]
    assert history.notes == ["events of this person that could not be used: 1 (too-late)"]


def test_event_that_the_engine_refused_is_not_heard_though_a_better_one_is() -> None:
    """Its properties are asked for and are none; sent again, under the same id, it counts."""
    by = (segment({"event": "a", "where": [{"property": "n", "equals": 1}]}, "recent"),)
    history = recall(track("b"), track("a") | {"properties": [1]}, track("a", n=1), by=by)
    assert places(history) == ["f:1", "f:3"]
    assert history.profile.segments == {"recent": T0}
    assert history.notes == ["events of this person that could not be used: 1 (not-an-object)"]


def test_lines_that_are_no_events_are_passed_over() -> None:
    history = recall(b"{", track("a"))
    assert (places(history), history.notes) == (["f:2"], [])


def test_record_under_the_key_of_another_is_not_heard() -> None:
    keys = [b"p", b"q", b"p", b"r", None]
    values = [track("a"), track("b"), track("c", person="q"), track("d", T0 + 9, person="q")]
    pairs = zip(keys, [*map(encoded, values), tick(T0 + 5)], strict=True)
    entries = [Entry(f"0:{number}", *pair) for number, pair in enumerate(pairs)]
    history = histories.recall(compiled(RECENT), entries, "p")
    assert (places(history), history.at_ms) == (["0:0"], T0 + 5)
    assert history.notes == ["events of this person that could not be used: 1 (key-mismatch)"]


def test_record_of_the_person_that_is_no_event_is_told() -> None:
    entries = [Entry("0:0", b"p", encoded(track("a"))), Entry("0:1", b"p", b"{")]
    history = histories.recall(compiled(RECENT), entries, "p")
    assert history.notes == ["events of this person that could not be used: 1 (not-json)"]


def test_events_that_triggers_told_are_heard_without_a_place() -> None:
    by = (score(on("told")), trigger("a", emit("told")))
    history = recall(track("a"), by=by)
    assert places(history) == ["f:1", None]
    assert [each.new for each in history.score_changes] == [10]
    assert [each.reason for each in history.decisions] == ["fired"]


def test_event_of_another_that_the_engine_refuses_moves_no_time() -> None:
    """Nobody asks for properties but of `a`, so a broken `b` is taken and a broken `a` is not."""
    by = (segment({"event": "a", "where": [{"property": "n", "equals": 1}]}, "recent"),)
    broken = {"properties": [1]}
    refused = track("a", T0 + DAY, person="q") | broken
    assert recall(track("a"), refused, by=by).at_ms == T0
    assert recall(track("a"), track("b", T0 + DAY, person="q") | broken, by=by).at_ms == T0 + DAY
    assert recall(track("a"), track("b", T0 + 5, person="q"), refused, by=by).at_ms == T0 + 5


def test_progress_is_told_batch_by_batch() -> None:
    told: list[int] = []
    entries = log(track("a"), track("b"))
    histories.recall(compiled(RECENT), entries, "p", progress=told.append)
    assert told == [2]


def test_person_of_whom_there_is_nothing_is_unknown() -> None:
    with pytest.raises(OperationFailed, match="nothing is known of 'p' by 2026-01-01"):
        recall(track("a", person="q"))


def test_all_people_are_fed_where_accounts_are_asked_for_them() -> None:
    asked = segment(of_people("any", {"event": "a"}))
    log = [joins("acme"), joins("acme", T0 + 1, person="q"), track("a", T0 + 2, person="q")]
    history = recall(*log, by=(asked,))
    assert [each.at - T0 for each in history.segment_changes] == [2]
    assert history.people is not None
    assert set(history.people) == {"p", "q"}
    assert len(history.heard) == 1
    assert recall(track("a"), by=(asked,)).people is None
