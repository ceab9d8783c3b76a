"""The board adds up what the topics say."""

from typing import Any

import msgspec
import pytest

from processors.definitions.sets import DefinitionSet
from processors.definitions.triggers import Trigger
from processors.demo.boards import BUCKET_MS, Board, stimulus
from schemas import codec
from schemas.commands import Command
from schemas.outcomes import Outcome
from schemas.records import DecisionRecord, ScoreRecord, SegmentChange, SegmentRecord
from tests.builders import T0, encoded, track


@pytest.fixture
def board(shop: DefinitionSet) -> Board:
    return Board(shop, T0)


def put(board: Board, topic: str, record: msgspec.Struct, key: str = "") -> None:
    assert board.take(topic, key, codec.encode(record)) == record


def score(value: float, level: str) -> ScoreRecord:
    return ScoreRecord(
        profile_id="ann", score_id="engagement", value=value, level=level, grade=None, at=T0
    )


def membership(member: bool) -> SegmentRecord:
    return SegmentRecord(profile_id="ann", segment_id="at-risk", member=member, since=T0)


def change(kind: Any, at: int) -> SegmentChange:
    return SegmentChange(
        profile_id="ann",
        segment_id="at-risk",
        change=kind,
        at=at,
        cause="clock",
        version="v",
        late=False,
    )


def command(**keys: Any) -> Command:
    given: dict[str, Any] = {
        "id": "c1",
        "channel": "email",
        "profile_id": "ann",
        "definition_id": "cart-reminder",
        "version": "v",
        "step": "0",
        "occurrence": "clock@1",
        "at": T0,
        "template": "cart-reminder",
    }
    return Command(**given | keys)


def levels(board: Board) -> dict[str, int]:
    return {each.level: each.people for each in board.picture().levels}


def segment(board: Board) -> Any:
    return next(each for each in board.picture().segments if each.id == "at-risk")


def test_score_counts_at_its_latest_level_only(board: Board) -> None:
    put(board, "scores", score(10, "cold"), "ann/engagement")
    put(board, "scores", score(75, "hot"), "ann/engagement")

    assert levels(board) == {"hot": 1, "warm": 0, "cold": 0}


def test_levels_come_with_their_thresholds_from_the_top(board: Board) -> None:
    assert [(each.level, each.threshold) for each in board.picture().levels] == [
        ("hot", 70),
        ("warm", 30),
        ("cold", 0),
    ]


def test_member_counts_until_it_has_left(board: Board) -> None:
    put(board, "segments", membership(True), "ann/at-risk")
    assert segment(board).members == 1

    put(board, "segments", membership(False), "ann/at-risk")
    assert segment(board).members == 0


@pytest.mark.parametrize("topic", ["segments", "scores"])
def test_tombstone_takes_a_record_away(board: Board, topic: str) -> None:
    put(board, "segments", membership(True), "ann/at-risk")
    put(board, "scores", score(75, "hot"), "ann/engagement")
    board.take("segments", "ann/at-risk", None)
    board.take("scores", "ann/engagement", None)

    assert segment(board).members == 0
    assert levels(board)["hot"] == 0


def test_curve_follows_the_changes_in_simulated_time(board: Board) -> None:
    put(board, "segment-changes", change("entered", T0 + 1))
    put(board, "segment-changes", change("entered", T0 + 2 * BUCKET_MS))
    put(board, "segment-changes", change("exited", T0 + 3 * BUCKET_MS))
    board.see(T0 + 4 * BUCKET_MS)

    assert segment(board).curve == (1, 1, 2, 1, 1)
    assert (segment(board).entered, segment(board).left) == (2, 1)


def test_simulated_time_does_not_go_back(board: Board) -> None:
    board.see(T0 + 5)
    board.see(T0 + 3)

    assert board.picture().at_ms == T0 + 5


def test_decisions_count_by_their_reason(board: Board) -> None:
    for reason in ("fired", "fired", "limit"):
        record = DecisionRecord(
            profile_id="ann",
            definition_id="hot-lead",
            version="v",
            outcome="yes" if reason == "fired" else "no",
            reason=reason,
            at=T0,
            cause="m1",
            late=False,
        )
        put(board, "decisions", record)

    [found] = [each for each in board.picture().triggers if each.id == "hot-lead"]
    assert found.reasons == {"fired": 2, "limit": 1}


def test_command_waits_until_its_outcome_is_there(board: Board) -> None:
    put(board, "commands.email", command())
    assert board.waiting == 1

    outcome = Outcome(
        id="o1",
        command_id="c1",
        profile_id="ann",
        channel="email",
        result="sent",
        attempts=1,
        detail="written",
        at=T0,
    )
    put(board, "outcomes", outcome)
    [channel] = board.picture().channels
    assert board.waiting == 0
    assert (channel.channel, channel.commands, channel.sent) == ("email", 1, 1)


def test_command_that_comes_twice_is_seen(board: Board) -> None:
    put(board, "commands.email", command())
    put(board, "commands.email", command())

    assert (board.picture().commands, board.picture().command_repeats) == (2, 1)


def test_command_tells_its_reason_by_the_clock(board: Board) -> None:
    put(board, "commands.email", command())

    [row] = board.picture().latest
    assert (row.trigger, row.stimulus) == ("cart-reminder", "entered cart-abandoners")
    assert row.cause == "the clock"


def test_command_tells_its_reason_by_the_event(board: Board) -> None:
    board.take_event("ann", encoded(track("Order Completed", id="m1")), is_emitted=False)
    put(board, "commands.webhook", command(occurrence="m1#2", definition_id="order-thanks"))

    [row] = board.picture().latest
    assert (row.stimulus, row.cause) == ("Order Completed", "Order Completed (m1)")


def test_latest_commands_of_each_channel_are_shown_newest_first(board: Board) -> None:
    for number in range(5):
        put(board, "commands.email", command(id=f"e{number}", at=T0 + number))
    put(board, "commands.push", command(id="p", channel="push", at=T0 + 3))

    assert [(each.channel, each.at_ms - T0) for each in board.picture().latest] == [
        ("email", 4),
        ("email", 3),
        ("push", 3),
    ]


def test_events_are_told_apart(board: Board) -> None:
    good = encoded(track("Product Viewed", id="m1"))
    for value in (good, good, b"{"):
        board.take_event("ann", value, is_emitted=False)
    board.take_event("ann", encoded(track("Gift Earned", id="e1")), is_emitted=True)

    found = board.picture()
    assert (found.events, found.repeats, found.unreadable, found.emitted) == (3, 1, 1, 1)
    assert found.people == 1


def test_dead_letters_count_by_their_reason(board: Board) -> None:
    headers = board.take_dead_letter([("reason", b"too-late"), ("offset", b"7")])

    assert headers == {"reason": "too-late", "offset": "7"}
    assert board.picture().dead_letters == {"too-late": 1}


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        ({"grade": "fit", "becomes": "A"}, "fit becomes A"),
        ({"trait": "plan", "changes": True}, "trait plan"),
        ({"status": "lead", "from": "guest"}, "status lead"),
        ({"list": "guests", "change": "added"}, "list guests"),
        ({"inactive": "14d"}, "inactive"),
        ({"manual": True}, "manual"),
        ({"date": "born"}, "date born"),
        ({"schedule": "0 9 * * *", "audience": {"tag": "vip"}}, "schedule 0 9 * * *"),
    ],
)
def test_every_stimulus_has_a_few_words(on: Any, expected: str) -> None:
    document = {"kind": "trigger", "id": "t", "on": on, "do": [{"add_tag": "x"}]}
    assert stimulus(Trigger.model_validate(document).on) == expected


def test_every_trigger_of_the_shop_says_what_it_waits_for(shop: DefinitionSet) -> None:
    assert {each.id: stimulus(each.on) for each in shop.triggers.values()} == {
        "cart-reminder": "entered cart-abandoners",
        "hot-lead": "engagement becomes hot",
        "order-thanks": "Order Completed",
    }
