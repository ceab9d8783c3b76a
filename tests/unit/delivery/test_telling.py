"""What is told of a message is the same each time that it is told."""

import msgspec

from connectors.outcomes import conclude
from processors.delivery import telling
from schemas.intents import Entry
from tests.builders import command

COMMAND = command(at=1)
ENTRY = Entry(
    id=COMMAND.id,
    state="sent",
    epoch=1,
    detail="http-200",
    provider="ses",
    provider_id="p-1",
    attempts=2,
    answer='{"ok":true}',
    updated_at=7,
)


def test_outcome_has_the_id_that_every_channel_gives_it() -> None:
    found = telling.outcome(COMMAND, ENTRY, "exactly-once")
    assert found.id == conclude(COMMAND, "sent", "", attempts=1, at=1).id
    assert (found.command_id, found.attempts, found.at) == (COMMAND.id, 2, 7)
    assert (found.provider, found.provider_id, found.promise) == ("ses", "p-1", "exactly-once")


def test_messages_of_one_command_have_outcomes_of_their_own() -> None:
    other = telling.outcome(COMMAND, msgspec.structs.replace(ENTRY, id="m-2"), None)
    assert other.command_id == COMMAND.id
    assert other.id != telling.outcome(COMMAND, ENTRY, None).id


def test_event_says_who_sent_it_and_what_was_answered() -> None:
    found = telling.event(COMMAND, telling.outcome(COMMAND, ENTRY, None))
    assert (found.event, found.user_id) == (f"{COMMAND.channel}.sent", COMMAND.profile_id)
    properties = msgspec.json.decode(found.properties or b"")
    assert properties["provider"] == "ses"
    assert properties["answer"] == {"ok": True}
    assert "kind" not in properties


def test_refused_recipient_is_told_as_a_hard_bounce() -> None:
    told = telling.outcome(COMMAND, ENTRY, None)
    found = telling.stop(COMMAND.id, told, "hard-bounce")
    assert (found.result, found.kind, found.answer) == ("bounced", "hard", None)
    assert found.id != told.id
    assert telling.event(COMMAND, found).event == f"{COMMAND.channel}.bounced"
