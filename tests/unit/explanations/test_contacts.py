"""What the gate said of messages, and what it goes by."""

from processors.explanations import telling, trees
from schemas.consents import ALL
from tests.builders import (
    Document,
    Json,
    at,
    cap,
    journey,
    policy,
    send,
    step,
    topic,
    track,
    trigger,
)
from tests.unit.explanations.asked import explained, why

MAIL = trigger("a", send())
NIGHT = policy(quiet_hours={"from": "21:00", "to": "08:00"})


def lines(documents: list[Document], *log: Json, at_ms: int | None = None) -> list[str]:
    return telling.as_text(explained(documents, list(log), at_ms=at_ms)).split("\n")


def messages(documents: list[Document], *log: Json) -> list[trees.Message]:
    return explained(documents, list(log), name="trigger/t").triggers[0].messages


def test_each_message_has_its_answer_and_until_when_it_waits() -> None:
    log = [track("a", at(20)), track("a", at(22))]
    waiting = messages([MAIL, NIGHT], *log)
    said = [(each.outcome, each.reason, each.until) for each in waiting]
    assert said == [("yes", "allowed", None), ("no", "quiet-hours", at(32))]
    found = [each.reason for each in messages([MAIL, NIGHT], *log, track("b", at(33)))]
    assert found == ["allowed", "quiet-hours", "released"]


def test_the_gates_answers_are_no_decisions_of_the_trigger() -> None:
    (found,) = explained([MAIL, NIGHT], [track("a", at(22))], name="trigger/t").triggers
    assert (found.fired, found.refused, len(found.decisions)) == (1, {}, 1)


def test_journeys_tell_of_their_messages_too() -> None:
    documents = [journey("a", step("s", send())), policy(caps=[cap()])]
    (found,) = explained(documents, [track("a", at(1))], name="journey/j").journeys
    assert (found.entered, [each.reason for each in found.messages]) == (1, ["allowed"])


def test_messages_are_told_below_their_trigger() -> None:
    found = lines([MAIL, NIGHT], track("a", at(22), id="m1"))
    (each,) = messages([MAIL, NIGHT], track("a", at(22), id="m1"))
    assert found[-1] == (
        f"  ✗ message {each.command_id}: quiet-hours at 2026-01-01T22:00:00.000Z by m1,"
        " waits until 2026-01-02T08:00:00.000Z"
    )


def test_what_is_combined_says_with_which_message_it_went() -> None:
    summed = policy(channels=["email"], caps=[cap(over="combine", summary="day")])
    log = [track("a", at(hours)) for hours in (0, 1, 2)]
    waiting = explained([MAIL, summed], log)
    _, first, second = waiting.triggers[0].messages
    assert waiting.notes == [
        f"message {each} waits until 2026-01-02T00:00:00.000Z, to be combined with others over"
        " cap p/c"
        for each in sorted([first.command_id, second.command_id])
    ]
    documents = [MAIL, summed]
    last = messages(documents, *log, track("b", at(25)))[-1]
    assert (last.reason, last.outcome, last.summary_id) == ("combined", "yes", first.command_id)
    assert lines(documents, *log, track("b", at(25)))[-1] == (
        f"  ✓ message {second.command_id}: combined at 2026-01-02T00:00:00.000Z by the clock,"
        f" went in message {first.command_id}"
    )


def test_conditions_show_what_was_said_and_what_is_suppressed() -> None:
    asked = {"channel": "email", "topic": "news"}
    log = [track("consent.denied", at(1), channel="email"), track("sms.complained", at(2))]
    for when, found in (
        ({"consent": asked}, "denied"),
        ({"consent": {"channel": "push"}}, None),
        ({"suppressed": "sms"}, "complaint"),
        ({"suppressed": "email"}, None),
    ):
        assert why(when, *log).found == found
    assert why({"suppressed": "sms"}, track("a")).found is None
    assert why({"consent": asked}, track("a")).found is None


def test_long_rows_of_messages_are_cut() -> None:
    found = lines([MAIL, policy(caps=[cap()])], *[track("a", at(n)) for n in range(12)])
    assert "  … 2 earlier messages" in found
    assert sum(line.startswith("  ✗ message") for line in found) == 10


def test_what_was_said_and_what_waits_stands_at_the_top() -> None:
    log = [
        track("consent.granted", at(1), channel="email", topic="news"),
        track("consent.denied", at(2), channel="sms"),
        track("sms.complained", at(3)),
        track("push.complained", at(4)),
        track("suppression.removed", at(5), channel="push"),
        track("a", at(22)),
    ]
    (each,) = messages([MAIL, NIGHT, topic()], *log)
    assert explained([MAIL, NIGHT, topic()], log).notes == [
        "sms is suppressed since 2026-01-01T03:00:00.000Z (complaint)",
        "consent email/news: granted since 2026-01-01T01:00:00.000Z",
        f"consent sms/{ALL}: denied since 2026-01-01T02:00:00.000Z",
        f"message {each.command_id} waits until 2026-01-02T08:00:00.000Z",
    ]
    gone = [track("suppression.added", at(1), reason="erased")]
    assert explained([MAIL], gone).notes == [
        "all channels are suppressed since 2026-01-01T01:00:00.000Z (erased)"
    ]
