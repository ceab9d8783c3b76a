"""How a command ends."""

from connectors.outcomes import conclude
from tests.builders import command

COMMAND = command(channel="email", at=1)


def test_same_end_has_the_same_id_whenever_it_came() -> None:
    first = conclude(COMMAND, "sent", "http-200", attempts=1, at=5)
    again = conclude(COMMAND, "sent", "http-202", attempts=3, at=9)

    assert first.id == again.id


def test_another_end_has_another_id() -> None:
    sent = conclude(COMMAND, "sent", "http-200", attempts=1, at=5)
    unknown = conclude(COMMAND, "unknown", "time-out", attempts=1, at=5)

    assert sent.id != unknown.id


def test_outcome_names_the_command_the_person_and_the_channel() -> None:
    found = conclude(COMMAND, "failed", "http-410", attempts=2, at=7)

    assert (found.command_id, found.profile_id, found.channel) == ("c-1", "ada", "email")
    assert (found.result, found.detail, found.attempts, found.at) == ("failed", "http-410", 2, 7)
