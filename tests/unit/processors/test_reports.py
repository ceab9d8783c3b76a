"""Reports for marketers and analysts: the segments of a cluster, and how well a score tells."""

import json
from pathlib import Path

import pytest
from typer.testing import Result

from processors.runtime.partitioners import partition
from schemas import codec
from schemas.records import SegmentChange, SegmentRecord
from tests.builders import HOUR, T0, encoded, keyed, track
from tests.embedded import Broker
from tests.unit.processors.commands import SHOP, beckon, written

pytestmark = pytest.mark.usefixtures("as_it_was")

TEXTS = {
    "gold": "kind: segment\nid: gold\nname: Gold plan\nwhen: {trait: plan, equals: gold}\n",
    "calls": "kind: list\nid: calls\nname: To be called\n",
    "fit": "kind: score\nid: fit\nname: Fit\nlevels: {hot: 10, cold: 0}\n"
    "groups: [{id: g, rules: [{id: view, points: 10, on: {event: view}}]}]\n",
    "both": "kind: score\nid: both\nname: Both\ncombined: {of: [fit, use]}\n",
}


def definitions(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / f"{name}.yaml").write_text(TEXTS[name])
    return folder


def running(broker: Broker, folder: Path) -> None:
    """Makes what a cluster has once definitions are published and two people are in a segment."""
    for name in ("definitions", "segments", "segment-changes"):
        broker.topic(name)
    assert beckon("publish", "--yes", folder).exit_code == 0
    for person in ("ada", "bob"):
        record = SegmentRecord(profile_id=person, segment_id="gold", member=True, since=T0)
        change = SegmentChange(
            profile_id=person,
            segment_id="gold",
            change="entered",
            at=T0,
            cause="m",
            version="v",
            late=False,
        )
        for name, key, value in (
            ("segments", f"{person}/gold", record),
            ("segment-changes", person, change),
        ):
            pair = (key.encode(), codec.encode(value))
            place = partition(key.encode(), 4)
            broker.produce(f"{broker.prefix}{name}", pair, partition=place)


def test_segments_shows_members_and_what_is_odd(on_broker: Broker, tmp_path: Path) -> None:
    running(on_broker, definitions(tmp_path, "gold", "calls"))
    result = beckon("segments")
    assert result.exit_code == 0, result.output
    (row,) = [line for line in result.output.splitlines() if line.startswith("gold")]
    assert " ".join(row.split()) == "gold Gold plan 2 0 0 2026-01-01T00:00:00.000Z unused"
    assert "1 segment; entered and exited since 20" in result.output
    assert "static lists are counted by `beckon lists`: calls" in result.output


def test_segments_counts_changes_of_so_many_days(on_broker: Broker, tmp_path: Path) -> None:
    running(on_broker, definitions(tmp_path, "gold"))
    found = json.loads(said(beckon("segments", "--days", 3650, "--json")))
    (row,) = found["segments"]
    assert (row["members"], row["entered"], row["exited"]) == (2, 2, 0)


def said(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout


def test_segment_above_the_limit_ends_with_three_where_that_is_asked(
    on_broker: Broker, tmp_path: Path
) -> None:
    running(on_broker, definitions(tmp_path, "gold"))
    warned = beckon("segments", "--limit", 1)
    assert "unused, above its limit" in said(warned)
    assert beckon("segments", "--limit", 1, "--exit-code").exit_code == 3
    assert beckon("segments", "--limit", 1, "--exit-code", "--json").exit_code == 3
    assert beckon("segments", "--limit", 2, "--exit-code").exit_code == 0
    assert beckon("segments", "--exit-code").exit_code == 2


def test_segments_of_a_cluster_without_topics_or_segments_says_what_to_do(
    on_broker: Broker, tmp_path: Path
) -> None:
    without = beckon("segments")
    assert (without.exit_code, "run `beckon topics create`" in without.output) == (1, True)
    on_broker.topic("definitions")
    empty = beckon("segments")
    assert (empty.exit_code, empty.output) == (
        1,
        "no segment is published: beckon publish FOLDER\n",
    )
    beckon("publish", "--yes", definitions(tmp_path, "gold"))
    unread = beckon("segments")
    assert unread.exit_code == 1
    assert f"{on_broker.prefix}segments is missing" in unread.output


LOG = [
    track("view", person="ada"),
    track("buy", T0 + HOUR, person="ada"),
    track("visit", T0 + HOUR, person="bob"),
]


def test_effectiveness_tells_bands_rules_and_area(tmp_path: Path) -> None:
    folder, events = definitions(tmp_path, "fit"), written(tmp_path, *map(encoded, LOG))
    words = ("effectiveness", "fit", "--conversion", "buy", "--events", events)
    shown = said(beckon(*words, "--definitions", folder)).splitlines()
    assert [line.split() for line in shown if line.startswith(("hot", "cold", "all", "view"))] == [
        ["hot", "1", "1", "100.0%"],
        ["cold", "1", "0", "0.0%"],
        ["all", "2", "1", "50.0%"],
        ["view", "10", "100.0%", "1", "100.0%", "0.0%"],
    ]
    assert "area under the ROC curve: 1.000 (0.5 is chance, 1 tells all apart)" in shown
    assert "warning: rule view gives 100% of all points" in shown
    found = json.loads(said(beckon(*words, "--definitions", folder, "--json")))
    assert (found["auc"], found["conversions"]) == (1.0, 1)


def test_effectiveness_reads_the_topic_and_what_is_published(
    on_broker: Broker, tmp_path: Path
) -> None:
    topic = on_broker.topic("events")
    on_broker.topic("definitions")
    beckon("publish", "--yes", definitions(tmp_path, "fit"))
    on_broker.produce(topic, *map(keyed, LOG), partition=1)
    words = ("effectiveness", "fit", "--conversion", "buy", "--from-topic")
    result = beckon(*words)
    assert "1 of 2 people convert by buy (50.0%), over 3 events (0 dead letters)" in said(result)
    draft = definitions(tmp_path, "fit")
    assert "1 of 2 people" in said(beckon(*words, "--definitions", draft))
    assert len(on_broker.records(topic)) == 3


def test_effectiveness_of_a_combined_score_names_those_with_the_rules(tmp_path: Path) -> None:
    folder, events = definitions(tmp_path, "fit", "both"), written(tmp_path, *map(encoded, LOG))
    (folder / "use.yaml").write_text(TEXTS["fit"].replace("id: fit", "id: use"))
    words = ("effectiveness", "both", "--conversion", "buy", "--events", events)
    result = beckon(*words, "--definitions", folder)
    assert "both has no rules of its own: ask for fit and use" in said(result)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ((), "either --events or --from-topic"),
        (("--from-topic", "--events", "-"), "either --events or --from-topic"),
        (("--events", "-"), "--events wants --definitions"),
    ],
)
def test_effectiveness_wants_one_history_and_definitions(source: tuple[str, ...], why: str) -> None:
    result = beckon("effectiveness", "engagement", "--conversion", "buy", *source)
    assert result.exit_code == 2
    assert why in result.output


def test_effectiveness_of_an_unknown_score_fails(tmp_path: Path) -> None:
    events = written(tmp_path, *map(encoded, LOG))
    words = ("effectiveness", "engagment", "--conversion", "buy", "--events", events)
    result = beckon(*words, "--definitions", SHOP)
    assert result.exit_code == 1
    assert "there is no score engagment; did you mean engagement?" in result.output
