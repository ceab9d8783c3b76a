"""How a channel ends a command: every sender makes its outcomes here."""

from schemas.commands import Command
from schemas.outcomes import Outcome, Result, derive_id


def conclude(
    command: Command,
    result: Result,
    detail: str,
    *,
    attempts: int,
    at: int,
    answer: str | None = None,
) -> Outcome:
    """Returns the outcome of a command; the same end has the same id.

    Args:
        command: what was to be done.
        result: what came of it.
        detail: a short fixed word, never an answer's text.
        attempts: how often the other side was asked.
        at: ms since the epoch, when the sender knew.
        answer: what the other side answered, as JSON.
    """
    return Outcome(
        id=derive_id(command.id, result),
        command_id=command.id,
        profile_id=command.profile_id,
        channel=command.channel,
        result=result,
        attempts=attempts,
        detail=detail,
        at=at,
        answer=answer,
    )
