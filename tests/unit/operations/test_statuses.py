"""Another status: the published document says so, and people are told what its file lacks."""

from typing import Any

import pytest

from processors.definitions.journeys import Overdue, Status
from processors.operations import plans, statuses
from processors.operations.errors import OperationFailed
from tests.builders import HELLO, Document, journey, segment
from tests.unit.operations.test_plans import archive

JOURNEY = journey("a", HELLO, targeting={"segment": "vip"})
VIP = segment({"tag": "x"}, "vip")


def changed(document: Document, status: Status, overdue: Overdue | None = None) -> Document | None:
    """Returns the journey as it is to be published; None where nothing changes."""
    before = archive([document, VIP])
    chosen = statuses.changed(before, "j", status=status, overdue=overdue, predicates={})
    plan = plans.plan(before, chosen)
    due = [each.key for each in plan.changes if each.is_due]
    assert due in ([], [("journey", "j")])
    assert plan.count("ended", "not in the folder") == 0
    return dict(plan.new["journey", "j"]) if due else None


@pytest.mark.parametrize("status", ["paused", "draining", "archived"])
def test_document_says_the_status_and_nothing_else_changes(status: Status) -> None:
    assert changed(JOURNEY, status) == JOURNEY | {"status": status}


def test_journey_that_goes_on_says_nothing_as_it_did_before() -> None:
    assert changed(JOURNEY | {"status": "paused"}, "active") == JOURNEY


@pytest.mark.parametrize(
    ("before", "overdue", "after"),
    [
        ({}, "skip", {"overdue": "skip"}),
        ({"overdue": "skip"}, None, {"overdue": "skip"}),
        ({"overdue": "skip"}, "run", {}),
    ],
)
def test_what_becomes_of_overdue_runs_is_said_too(
    before: dict[str, Any], overdue: Overdue | None, after: dict[str, Any]
) -> None:
    assert changed(JOURNEY | before | {"status": "paused"}, "active", overdue) == JOURNEY | after


def test_status_that_it_has_changes_nothing() -> None:
    assert changed(JOURNEY, "active") is None
    assert changed(JOURNEY, "active", "run") is None
    assert changed(JOURNEY | {"status": "paused"}, "paused") is None


def test_journey_that_is_not_published_is_told() -> None:
    found = archive([journey("a", HELLO, id="welcome"), segment({"tag": "x"}, "welcomes")])
    said = r"^no journey welcom is published; did you mean welcome\?$"
    with pytest.raises(OperationFailed, match=said):
        statuses.changed(found, "welcom", status="paused", overdue=None, predicates={})


@pytest.mark.parametrize(
    ("old", "new", "deeds"),
    [
        ({}, {"status": "paused"}, "put `status: paused` into it"),
        ({"status": "paused"}, {}, "take `status` out of it"),
        (
            {"status": "paused"},
            {"overdue": "skip"},
            "put `overdue: skip` into it and take `status` out of it",
        ),
        ({"overdue": "skip"}, {"overdue": "skip", "status": "draining"}, "put `status: draining`"),
    ],
)
def test_it_is_told_what_the_file_must_say(old: Document, new: Document, deeds: str) -> None:
    assert f"journey j says something else now: {deeds}" in statuses.reminder("j", old, new)
