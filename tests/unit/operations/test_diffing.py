"""Two sets over one history: what a diff says is what two separate replays say."""

import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given

from processors.definitions import sets
from processors.operations import diffing
from processors.operations.differences import Commands, Members, Summary
from processors.operations.diffing import Options
from processors.runtime import replays
from schemas.events import iso
from tests.builders import (
    DAY,
    HOUR,
    MINUTE,
    T0,
    Document,
    Json,
    compiled,
    emit,
    encoded,
    holding,
    joins,
    keyed,
    of_people,
    score,
    segment,
    tag,
    track,
    trigger,
)
from tests.logs import histories
from tests.properties import budget
from tests.worlds import definitions

END = T0 + 60 * DAY


def diff(old: list[Document], new: list[Document], events: Iterable[Json], **more: Any) -> Summary:
    return diffing.compare(
        sets.from_documents(old),
        sets.from_documents(new),
        diffing.of_lines(map(encoded, events)),
        options=Options(**more),
    )


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in (folder / name).read_bytes().splitlines()]


def keen(at_least: int = 1, within: str = "1d") -> Document:
    return segment({"event": "view", "at_least": at_least, "within": within}, id="keen")


HELLO = trigger({"segment": "keen", "change": "entered"}, id="hello")
BACK = trigger({"segment": "keen", "change": "exited"}, id="back")
VIEWS = [
    track("view", T0, person="ada"),
    track("view", T0 + HOUR, person="ada"),
    track("view", T0 + HOUR, person="bob"),
]


def test_unchanged_definition_shows_what_another_one_does_to_it() -> None:
    found = diff([keen(), HELLO], [keen(2), HELLO], VIEWS)
    assert found.segments["keen"] == Members(state="changed", before=2, after=1, exited=1)
    assert found.commands["hello"] == Commands(state="unchanged", moved=1, vanished=1)
    assert (found.events, found.profiles, found.dead_letters) == (3, 2, 0)


def test_timers_run_to_the_end_that_is_named() -> None:
    old, new = [keen(), BACK], [keen(within="2h"), BACK]
    assert diff(old, new, VIEWS).differences == 0
    assert diff(old, new, VIEWS, until_ms=T0 + 3 * HOUR).segments["keen"].exited == 2
    ended = diff(old, new, VIEWS, until_ms=T0 + 3 * DAY)
    assert ended.segments["keen"] == Members(state="changed")
    assert ended.commands["back"] == Commands(state="unchanged", moved=2)


def test_told_events_carry_versions_and_still_lead_to_the_same() -> None:
    told = trigger("told", id="mail")
    old = [trigger("view", emit("told"), id="tell"), told]
    new = [trigger("view", emit("told"), tag("x"), id="tell"), told]
    found = diff(old, new, VIEWS)
    assert found.commands["mail"] == Commands(state="unchanged", same=3)
    assert found.differences == 0


def test_each_partition_has_its_own_time() -> None:
    history = [
        (0, [keyed(track("view", T0, person="ada"))]),
        (1, [keyed(track("view", T0 + 9 * DAY, person="bob"))]),
        (0, [keyed(track("view", T0 + MINUTE, person="ada"))]),
    ]
    old, new = (sets.from_documents([keen(each)]) for each in (1, 2))
    counted: list[int] = []
    found = diffing.compare(old, new, history, options=Options(), progress=counted.append)
    assert found.dead_letters == 0
    assert found.segments["keen"] == Members(state="changed", before=2, after=1, exited=1)
    assert counted == [1, 2, 3]


def test_bad_lines_are_counted_once_and_empty_ones_passed_over() -> None:
    lines = [b"{", b"", b" \n", encoded(VIEWS[0])]
    same = sets.from_documents([keen()])
    found = diffing.compare(same, same, diffing.of_lines(lines), options=Options())
    assert (found.events, found.dead_letters, found.differences) == (1, 1, 0)


def test_all_differences_are_listed_in_files(tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder"
    old = [keen(), HELLO, score(holding({"segment": "keen"}))]
    new = [keen(2), HELLO, score(holding({"segment": "keen"}))]
    found = diff(old, new, VIEWS, out=out, samples=1)
    assert rows(out, "segments.jsonl") == [
        {"profile_id": "bob", "segment_id": "keen", "change": "exited"}
    ]
    assert [(row["profile_id"], row["new_value"]) for row in rows(out, "scores.jsonl")] == [
        ("bob", 0)
    ]
    listed = [(row["change"], row["old_at"], row["new_at"]) for row in rows(out, "commands.jsonl")]
    assert listed == [
        ("moved", iso(T0), iso(T0 + HOUR)),
        ("vanished", iso(T0 + HOUR), None),
    ]
    assert found.differences == 4


def test_files_of_an_earlier_diff_are_replaced(tmp_path: Path) -> None:
    diff([keen()], [keen(2)], VIEWS, out=tmp_path)
    diff([keen()], [keen()], VIEWS, out=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "commands.jsonl",
        "scores.jsonl",
        "segments.jsonl",
    ]
    assert all(path.read_bytes() == b"" for path in tmp_path.iterdir())


@budget(20)
@given(definitions(), histories())
def test_set_does_not_differ_from_itself(documents: list[Document], log: list[Json]) -> None:
    found = diff(documents, documents, log, until_ms=END)
    assert found.differences == 0
    assert all(each.before == each.after for each in found.segments.values())


class Replayed:
    """The files of a replay, as somebody would count in them."""

    def __init__(self, documents: list[Document], log: list[Json]) -> None:
        set_ = compiled(*documents)
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder)
            replays.replay(set_, map(encoded, log), out, until_ms=END)
            self.members = {
                (row["segment_id"], row["profile_id"]) for row in rows(out, "segments.jsonl")
            }
            self.scores = {
                (row["score_id"], row["profile_id"]): row["value"]
                for row in rows(out, "scores.jsonl")
            }
            self.commands = Counter(row["definition_id"] for row in rows(out, "commands.jsonl"))
        self.empty = {id_: scale.empty for id_, scale in set_.scales.items()}

    def value(self, score_id: str, profile_id: str) -> float | None:
        return self.scores.get((score_id, profile_id), self.empty.get(score_id))

    def of(self, segment_id: str) -> set[str]:
        return {profile_id for id_, profile_id in self.members if id_ == segment_id}


@budget(20)
@given(definitions(), definitions(), histories())
def test_counts_are_those_of_two_replays(
    old: list[Document], new: list[Document], log: list[Json]
) -> None:
    found = diff(old, new, log, until_ms=END)
    before, after = Replayed(old, log), Replayed(new, log)
    for id_, members in found.segments.items():
        was, is_now = before.of(id_), after.of(id_)
        assert (members.before, members.after) == (len(was), len(is_now)), id_
        assert (members.entered, members.exited) == (len(is_now - was), len(was - is_now)), id_
    assert {id_ for id_, _ in before.members | after.members} <= found.segments.keys()
    for id_, moves in found.scores.items():
        people = {who for score_id, who in (before.scores | after.scores) if score_id == id_}
        moved = [who for who in people if before.value(id_, who) != after.value(id_, who)]
        assert moves.profiles == len(moved), id_
    for id_, sent in found.commands.items():
        alike = sent.same + sent.changed + sent.moved
        assert alike + sent.vanished == before.commands[id_], id_
        assert alike + sent.appeared == after.commands[id_], id_


def test_people_of_an_account_are_asked_in_whatever_partition_they_are() -> None:
    asked = [segment(of_people(each, {"event": "view"}), id="keen") for each in ("any", "all")]
    history = [
        (0, [keyed(joins("acme", person="ada"))]),
        (1, [keyed(joins("acme", person="bob")), keyed(track("view", T0 + 1, person="bob"))]),
        (2, [keyed(joins("acme", T0 + 2, person="cat"))]),
    ]
    old, new = (sets.from_documents([each]) for each in asked)
    found = diffing.compare(old, new, history, options=Options())
    assert found.segments["keen"] == Members(state="changed", before=3, after=0, exited=3)
