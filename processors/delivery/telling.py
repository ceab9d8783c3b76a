"""What is told of a message: its outcome for analysts, and an event of the person.

Made of what the ledger says, so that a repeat tells the same, under the same ids.
"""

from datetime import UTC, datetime

import msgspec

from schemas.commands import Command
from schemas.events import Event
from schemas.intents import Entry
from schemas.outcomes import Kind, Outcome, Result, derive_id

STOPS: dict[str, tuple[Result, Kind | None]] = {
    "hard-bounce": ("bounced", "hard"),
    "complaint": ("complained", None),
    "unsubscribe": ("unsubscribed", None),
}
"""What is told where a provider refuses a recipient for good."""


def outcome(command: Command, entry: Entry, promise: str | None) -> Outcome:
    """Returns what came of a message that has ended.

    Args:
        command: what the message was for.
        entry: what the ledger says; its state is one that ends.
        promise: `exactly-once` and its like; None where nobody was asked.
    """
    assert entry.state != "claimed"
    assert entry.state != "dispatching"
    return Outcome(
        id=derive_id(entry.id, entry.state),
        command_id=command.id,
        profile_id=command.profile_id,
        channel=command.channel,
        result=entry.state,
        attempts=entry.attempts,
        detail=entry.detail,
        at=entry.updated_at,
        answer=entry.answer,
        provider=entry.provider,
        provider_id=entry.provider_id,
        promise=promise,
        variant=entry.variant,
    )


def stop(message_id: str, told: Outcome, why: str) -> Outcome:
    """Returns what is told beside it where the recipient is to get nothing more."""
    result, kind = STOPS[why]
    made = derive_id(message_id, result)
    return msgspec.structs.replace(told, id=made, result=result, kind=kind, answer=None)


def event(command: Command, outcome: Outcome) -> Event:
    """Returns what came of a command as an event of the person: `webhook.sent` and its like.

    A repeat has the same messageId, so that it counts once.
    """
    properties = {
        "command_id": command.id,
        "definition_id": command.definition_id,
        "step": command.step,
        "result": outcome.result,
        "provider": outcome.provider,
        "detail": outcome.detail,
        "kind": outcome.kind,
        "variant": outcome.variant,
        "answer": None if outcome.answer is None else msgspec.Raw(outcome.answer.encode()),
    }
    return Event(
        message_id=f"outcome-{outcome.id}",
        type="track",
        event=f"{outcome.channel}.{outcome.result}",
        user_id=outcome.profile_id,
        timestamp=datetime.fromtimestamp(outcome.at / 1000, UTC),
        properties=msgspec.Raw(
            msgspec.json.encode(
                {name: value for name, value in properties.items() if value is not None}
            )
        ),
    )
