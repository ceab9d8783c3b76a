"""What can not be read is a dead letter; what does not work now is tried again."""

import asyncio

import msgspec
import pytest

from processors.delivery.intake import Intake, Options
from processors.metrics import Counter, Metrics
from schemas import codec
from schemas.commands import Command
from schemas.errors import SchemasUnavailable
from schemas.letters import Headers, Record
from tests.builders import command
from tests.stores import Time

COMMAND = msgspec.structs.replace(command(at=1), channel="email")


class Desk:
    """An intake with what it needs."""

    def __init__(self) -> None:
        self.time, self.metrics = Time(), Metrics()
        self.letters: list[Headers] = []
        options = Options(name="email", channels=("email",))
        self.intake = Intake(options, self._bury, metrics=self.metrics, sleep=self.time.sleep)

    async def _bury(self, key: bytes | None, value: bytes | None, headers: Headers) -> None:
        self.letters.append(headers)

    def read(self, value: bytes | None) -> Command | None:
        return asyncio.run(self.intake.read(Record("commands.email", 0, 1, b"ada", value)))


def test_command_is_read() -> None:
    assert Desk().read(codec.encode(COMMAND)) == COMMAND


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"channel": "sms"}, "channel-mismatch"),
        ({"profile_id": "p" * 513}, "field-invalid"),
        ({"id": "c" * 65}, "field-invalid"),
        ({"topic": "news\0"}, "field-invalid"),
        ({"template": "t" * 201}, "field-invalid"),
        ({"topics": ["shop", "t" * 201]}, "field-invalid"),
        ({"topics": ["a\0"]}, "field-invalid"),
    ],
)
def test_command_that_no_ledger_could_hold_is_a_dead_letter(
    changes: dict[str, str], reason: str
) -> None:
    desk = Desk()
    assert desk.read(codec.encode(msgspec.structs.replace(COMMAND, **changes))) is None
    assert len(desk.letters) == 1
    assert desk.metrics.read(Counter.DEAD_LETTERS, reason) == 1


def test_nothing_is_a_dead_letter_too() -> None:
    desk = Desk()
    assert desk.read(None) is None
    assert len(desk.letters) == 1


@pytest.mark.parametrize("error", [ConnectionError(), SchemasUnavailable()])
def test_what_does_not_work_is_tried_at_growing_intervals(error: Exception) -> None:
    desk, failures = Desk(), [error] * 8

    async def ask() -> str:
        if failures:
            raise failures.pop()
        return "done"

    assert asyncio.run(desk.intake.until_it_works(ask)) == "done"
    assert desk.time.slept == [1, 2, 4, 8, 16, 32, 60, 60]
    assert desk.metrics.read(Counter.SEND_RETRIES, "email") == 8
