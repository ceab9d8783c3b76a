"""Whoever publishes a window that is longer than events are kept is told what will be missing."""

import time
from typing import Any

import pytest

from processors.definitions import sets
from processors.operations import plans, retentions
from processors.operations.archives import Archive
from schemas.events import iso
from tests.builders import (
    DAY,
    HOUR,
    T0,
    Document,
    holding,
    on,
    score,
    segment,
    static_list,
    trigger,
)
from tests.embedded import Broker


def warned(*documents: Document, kept_ms: int | None = 90 * DAY) -> list[str]:
    chosen = sets.from_documents(documents)
    plan = plans.plan(Archive(), chosen)
    return list(retentions.warnings(plan, chosen, kept_ms, now_ms=T0))


def test_warning_says_what_it_means() -> None:
    document = segment({"event": "a", "within": "120d"}, "loyal")
    assert warned(document) == [
        "warning: segment/loyal looks back 120d, but events are kept for 90d (retention.ms): "
        "what happened before that and is not counted already can not be read any more, "
        "and will be missing"
    ]


LONG: dict[str, Any] = {"event": "a", "within": "91d"}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (segment({"all": [{"tag": "x"}, {"any": [{"not": LONG}]}]}), "91d"),
        (segment({"event": "a", "sum": {"property": "n", "at_least": 1}, "within": "91d"}), "91d"),
        (segment({"event": "a", "since": iso(T0 - 91 * DAY)}), f"to {iso(T0 - 91 * DAY)}"),
        (segment({"sequence": [{"event": "a"}, {"event": "b"}], "within": "13w"}), "91d"),
        (
            segment({"sequence": [
                {"event": "a"}, {"event": "b", "within": "60d"}, {"event": "c", "within": "31d"},
            ]}),
            "91d",
        ),
        (score(on("a", within="91d")), "91d"),
        (score(on("b", within="1d"), holding(LONG)), "91d"),
        (trigger("a", when=LONG), "91d"),
        (trigger({"inactive": "91d"}), "91d"),
        (trigger({"schedule": "0 9 * * *", "audience": LONG}), "91d"),
        (segment({"any": [LONG, {"event": "b", "within": "100d"}, {"event": "c"}]}), "100d"),
    ],
)  # fmt: skip
def test_every_window_is_looked_at_and_the_longest_is_named(document: Document, words: str) -> None:
    (line,) = warned(document)
    assert f"{document['kind']}/{document['id']} looks back {words}, but" in line
    assert warned(document, kept_ms=None) == []


@pytest.mark.parametrize(
    "document",
    [
        segment({"event": "a", "within": "90d"}),
        segment({"event": "a"}),
        segment({"event": "a", "since": iso(T0 - 90 * DAY)}),
        segment({"event": "a", "since": iso(T0 + DAY)}),
        segment({"trait": "born", "within_last": "100d"}),
        trigger("a", limit={"times": 1, "within": "100d"}),
        static_list("l"),
    ],
)
def test_what_does_not_look_so_far_back_is_no_matter(document: Document) -> None:
    assert warned(document) == []


def test_only_what_becomes_active_is_warned_of() -> None:
    document = segment(LONG)
    chosen = sets.from_documents([document])
    plan = plans.Plan(
        changes=(
            plans.Change(kind="segment", id="s", change="unchanged", version="v", number=1),
            plans.Change(kind="segment", id="gone", change="ended", version="v", number=1),
        ),
        old={},
        new=chosen.documents,
        touched={},
    )
    assert list(retentions.warnings(plan, chosen, DAY, now_ms=T0)) == []


def test_short_retention_has_its_unit() -> None:
    for kept_ms, words in ((36 * HOUR, "1.5d"), (90 * 60_000, "1.5h"), (90_000, "1.5m"), (0, "0s")):
        (line,) = warned(segment(LONG), kept_ms=kept_ms)
        assert f"kept for {words} (" in line


def test_cluster_that_knows_no_configs_is_not_waited_for(broker: Broker) -> None:
    broker.topic("events")
    started_s = time.monotonic()
    assert retentions.kept_ms(broker.cluster, broker.prefix) is None
    assert time.monotonic() - started_s < 5
