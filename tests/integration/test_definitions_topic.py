"""What is published while a worker runs: taken up at a batch's edge, for everybody, and kept.

The tests tell one story, each goes on where the one before ended.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from processors.definitions import sets
from processors.operations import publishing
from schemas import codec, definitions
from tests.builders import HOUR, T0, Document, keyed, on, score, segment, track, trigger
from tests.integration.workers import Place, Worker, place, prefix_of, until

PEOPLE = [f"p{number}" for number in range(2_500)]
"""More than a worker looks at between two polls."""


def keen(at_least: int) -> Document:
    return segment({"event": "view", "at_least": at_least}, id="keen")


def heat(points: int) -> Document:
    return score(on("view", points), id="heat")


@pytest.fixture(scope="module")
def target(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A place where people have viewed once, and every other one twice."""
    folder = tmp_path_factory.mktemp("definitions")
    with place(kafka, prefix_of("definitions"), folder, clock="stream") as found:
        found.publish(keen(1), heat(5))
        found.worker("a").wait_ready(4)
        views = [(person, 0) for person in PEOPLE] + [(person, HOUR) for person in PEOPLE[::2]]
        found.produce(view(person, at) for person, at in views)
        found.wait_decided()
        yield found


def view(person: str, at: int) -> tuple[bytes, bytes]:
    return keyed(track("view", T0 + at, id=f"{person}@{at}", person=person))


def active(worker: Worker) -> str:
    """Returns the id of the set that the worker has made active last."""
    told = worker.lines("definitions are active")
    return str(told[-1]["set"]) if told else ""


def publish(target: Place, *documents: Document) -> None:
    """Publishes documents beside the others, and waits until the worker has taken them up."""
    before = active(target.workers[-1])
    target.publish(*documents)
    until(lambda: active(target.workers[-1]) != before, "the worker takes it up")


def members(target: Place, segment_id: str) -> set[str]:
    rows = target.table("segments").values()
    return {row["profile_id"] for row in rows if row["segment_id"] == segment_id and row["member"]}


def changes(target: Place, segment_id: str) -> list[tuple[str, str, str]]:
    return [
        (row["profile_id"], row["change"], row["cause"])
        for row in target.rows("segment-changes")
        if row["segment_id"] == segment_id
    ]


def test_new_definition_becomes_active_and_everybody_is_looked_at(target: Place) -> None:
    assert members(target, "keen") == set(PEOPLE)
    publish(target, heat(5), segment({"score": "heat", "at_least": 10}, id="warm"))
    until(lambda: members(target, "warm") == set(PEOPLE[::2]), "all are looked at", pause_s=0.2)
    found = changes(target, "warm")
    assert len(found) == len(PEOPLE[::2])
    assert {(change, cause) for _, change, cause in found} == {("entered", "definition")}


def test_trigger_that_is_new_fires_for_what_comes_and_not_for_what_was(target: Place) -> None:
    publish(target, trigger("view", id="hello"))
    target.produce([view("p1", 2 * HOUR)])
    target.wait_decided()
    assert [row["profile_id"] for row in target.rows("commands.email")] == ["p1"]


def test_changed_definition_moves_people_whom_it_no_longer_fits(target: Place) -> None:
    publish(target, keen(2))
    staying = set(PEOPLE[::2]) | {"p1"}
    until(lambda: members(target, "keen") == staying, "the others have left", pause_s=0.2)
    left = [each for each in changes(target, "keen") if each[1] == "exited"]
    assert {cause for _, _, cause in left} == {"definition"}
    assert sorted(person for person, _, _ in left) == sorted(set(PEOPLE) - staying)
    rows = [row for row in target.rows("segment-changes") if row["change"] == "exited"]
    assert {row["version"] for row in rows} == {
        sets.from_documents([keen(2)]).versions["segment", "keen"]
    }


def test_changed_points_move_scores(target: Place) -> None:
    publish(target, heat(7))

    def values() -> set[tuple[float, int]]:
        found = [row["value"] for row in target.table("scores").values()]
        return {(value, found.count(value)) for value in set(found)}

    half = len(PEOPLE) // 2
    until(lambda: values() == {(7, half - 1), (14, half + 1)}, "all scores moved", pause_s=0.2)
    moved = [row for row in target.rows("score-changes") if row["cause"] == "definition"]
    assert len(moved) == len(PEOPLE)


def test_ended_definition_makes_everybody_leave_and_takes_its_records_away(target: Place) -> None:
    before = active(target.workers[-1])
    key = definitions.key("segment", "warm").encode()
    target.produce([(key, None)], name="definitions")
    until(lambda: active(target.workers[-1]) != before, "the worker takes it up")

    def is_gone() -> bool:
        return not any(key.endswith("/warm") for key in target.table("segments"))

    until(is_gone, "the records are gone", pause_s=0.2)
    left = [each for each in changes(target, "warm") if each[1] == "exited"]
    assert {cause for _, _, cause in left} == {"definition"}
    assert {person for person, _, _ in left} == {*PEOPLE[::2], "p1"}


def test_part_that_waits_for_the_rest_changes_nothing_until_it_is_there(target: Place) -> None:
    worker = target.workers[-1]
    before = active(worker)
    needs = segment({"segment": "base"}, id="needs")
    base = segment({"event": "view"}, id="base")
    found = sets.from_documents([needs, base])
    records = {each: record(found, each) for each in ("needs", "base")}
    refused = worker.metric("beckon_definitions_refused_total")
    target.produce([records["needs"]], name="definitions")
    until(lambda: worker.metric("beckon_definitions_refused_total") > refused, "it does not fit")
    assert active(worker) == before
    target.produce([records["base"]], name="definitions")
    until(lambda: active(worker) != before, "both are active")
    until(lambda: members(target, "needs") == set(PEOPLE), "all are in", pause_s=0.2)


def record(found: sets.DefinitionSet, id: str) -> tuple[bytes, bytes]:
    published = definitions.DefinitionRecord(
        kind="segment",
        id=id,
        version=found.versions["segment", id],
        number=1,
        published_at=T0,
        document=dict(found.documents["segment", id]),
    )
    return definitions.key("segment", id).encode(), codec.encode(published)


def test_state_is_the_same_after_a_restart(target: Place) -> None:
    before = target.written()
    assert target.workers[-1].stop() == 0
    again = target.worker("a").wait_ready(4)
    target.produce([view("p3", 3 * HOUR)])
    target.wait_decided()
    after = target.written()
    assert active(again) == active(target.workers[0])
    for name, rows in before.items():
        others = {key: row for key, row in rows.items() if not key.startswith(("p3", "p3/"))}
        for key, row in others.items():
            assert after[name][key] == row, (name, key)
    assert after["scores"]["p3/heat"][0]["value"] == 14
    assert "p3" in members(target, "keen")


def test_definitions_published_while_nobody_works_are_there_at_the_start(target: Place) -> None:
    assert target.workers[-1].stop() == 0
    target.publish(keen(4))
    target.worker("a").wait_ready(4)
    until(lambda: members(target, "keen") == set(), "nobody has viewed so often", pause_s=0.2)
    assert target.read("dead-letters") != []
    assert target.workers[-1].stop() == 0


def test_version_before_stays_and_can_be_published_again(target: Place, tmp_path: Path) -> None:
    worker = target.worker("a").wait_ready(4)
    first = target.run("definitions", "segment/keen", "--version", "1")
    assert first.code == 0, first.err
    (tmp_path / "keen.yaml").write_text(first.out)
    assert "1 published" in target.run("publish", "--yes", str(tmp_path)).out
    until(lambda: members(target, "keen") == set(PEOPLE), "all are back", pause_s=0.2)
    assert worker.metric("beckon_definitions_refused_total") == 0
    archive = publishing.published(target.cluster, target.prefix)
    kept = archive.kept(("segment", "keen"))
    assert [(number, each.document) for number, each in sorted(kept.items())] == [
        (1, keen(1)),
        (2, keen(2)),
        (3, keen(4)),
        (4, keen(1)),
    ]
    assert ("segment", "warm") not in archive.records  # it was ended
    assert list(archive.versions(("segment", "warm"))) == [1]
    assert worker.stop() == 0
