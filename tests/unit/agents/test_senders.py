"""What becomes of one record of `commands.<channel>`."""

import asyncio

import pytest

from connectors.outcomes import conclude
from processors.agents.senders import Desk, Options, topics
from processors.delivery import intake
from processors.metrics import Counter, Metrics
from schemas import codec
from schemas.commands import Command
from schemas.errors import SchemasUnavailable
from schemas.letters import Headers, Record
from schemas.outcomes import Outcome
from tests.builders import command

COMMAND = command(at=1)


class Log:
    """A topic in memory, that does not take the first few."""

    def __init__(self, failures: int = 0) -> None:
        self.records: list[tuple[bytes | None, bytes | None, dict[str, bytes]]] = []
        self._failures = failures

    async def __call__(self, key: bytes | None, value: bytes | None, headers: Headers) -> None:
        if self._failures:
            self._failures -= 1
            raise ConnectionError
        self.records.append((key, value, dict(headers)))


class Flaky:
    """A channel that does not work at first."""

    channel = "webhook"

    def __init__(self, failures: int) -> None:
        self.asked = 0
        self._failures = failures

    async def send(self, command: Command) -> Outcome:
        self.asked += 1
        if self.asked <= self._failures:
            raise OSError("no space left")
        return conclude(command, "sent", "http-200", attempts=1, at=7)

    async def close(self) -> None:
        pass


class Office:
    """A desk with all that it needs."""

    def __init__(
        self,
        sender: Flaky | None = None,
        *,
        schemas: codec.SchemaSource | None = None,
        failures: int = 0,
    ) -> None:
        self.outcomes, self.dead, self.metrics = Log(failures), Log(failures), Metrics()
        taken = intake.Options(name="webhook", channels=["webhook"], schemas=schemas, retry_ms=0)
        self._desk = Desk(
            sender or Flaky(failures=0),
            intake.Intake(taken, self.dead, metrics=self.metrics),
            self.outcomes,
            encode=codec.encode,
            metrics=self.metrics,
        )

    def handle(self, value: bytes | None, key: bytes | None = b"ada") -> None:
        record = Record("beckon.commands.webhook", 3, 42, key, value)
        asyncio.run(self._desk.handle(record))


def test_outcome_is_keyed_by_the_person() -> None:
    office = Office()

    office.handle(codec.encode(COMMAND), key=b"other")

    [(key, value, headers)] = office.outcomes.records
    assert (key, headers) == (b"ada", {})
    assert codec.decode_outcome(value).command_id == "c-1"
    assert office.dead.records == []


def test_outcome_is_counted() -> None:
    office = Office()

    office.handle(codec.encode(COMMAND))

    assert office.metrics.read(Counter.OUTCOMES, "webhook", "sent") == 1


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "empty"),
        (b"", "empty"),
        (b"{", "not-json"),
        (b"[]", "field-invalid"),
        (b"{}", "field-invalid"),
        (b"\xff", "not-utf8"),
        (b"\x00\x00\x00\x00\x07", "unknown-schema"),
        (codec.encode(COMMAND).replace(b'"webhook"', b'"email"'), "channel-mismatch"),
    ],
)
def test_what_can_not_be_read_is_laid_with_the_dead_letters(
    value: bytes | None, reason: str
) -> None:
    office = Office()

    office.handle(value)

    [(key, kept, headers)] = office.dead.records
    assert (key, kept) == (b"ada", value)
    assert headers["reason"] == reason.encode()
    assert (headers["partition"], headers["offset"]) == (b"3", b"42")
    assert office.outcomes.records == []
    assert office.metrics.read(Counter.DEAD_LETTERS, reason) == 1


def test_command_waits_while_the_channel_does_not_work() -> None:
    sender = Flaky(failures=3)
    office = Office(sender)

    office.handle(codec.encode(COMMAND))

    assert sender.asked == 4
    assert len(office.outcomes.records) == 1
    assert office.metrics.read(Counter.SEND_RETRIES, "webhook") == 3


def test_outcome_and_letter_wait_while_kafka_does_not_take_them() -> None:
    office = Office(failures=2)

    office.handle(codec.encode(COMMAND))
    office.handle(b"{")

    assert len(office.outcomes.records) == len(office.dead.records) == 1


def test_registry_that_does_not_answer_is_no_fault_of_the_command() -> None:
    class Registry:
        asked = 0

        def schema(self, schema_id: int) -> codec.Schema:
            self.asked += 1
            if self.asked < 3:
                raise SchemasUnavailable("away")
            return codec.parse_schema(codec.schema_text("command"))

    office = Office(schemas=Registry())

    office.handle(codec.encode_avro(COMMAND, 7))

    assert len(office.outcomes.records) == 1
    assert office.dead.records == []


def test_bug_is_raised_not_hidden() -> None:
    class Broken(Flaky):
        async def send(self, command: Command) -> Outcome:
            raise ZeroDivisionError

    office = Office(Broken(failures=0))

    with pytest.raises(ZeroDivisionError):
        office.handle(codec.encode(COMMAND))
    assert office.outcomes.records == []


def test_topics_that_must_be_there_carry_the_prefix() -> None:
    options = Options(prefix="x.", channels=("email", "sms"))
    needed = ("x.commands.email", "x.commands.sms", "x.outcomes", "x.dead-letters")
    assert topics(options) == needed


def test_channel_that_there_is_not_is_told_at_once() -> None:
    with pytest.raises(KeyError):
        topics(Options(prefix="x.", channels=("pigeon",)))
