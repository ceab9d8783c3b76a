"""What becomes of one record of `commands.<channel>`, from its bytes to what Kafka has of it."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from processors.delivery import desk, intake
from processors.delivery.desk import Desk, Outlets
from processors.metrics import Counter
from schemas import codec
from schemas.commands import Command
from schemas.errors import Unsendable
from schemas.letters import Headers, Record
from schemas.messages import Message
from schemas.outcomes import Outcome
from tests.builders import command
from tests.deliveries import REFUSED, Scripted, World, run, world

COMMAND = msgspec.structs.replace(command(at=1), channel="email", profile_id="ada", topic="news")


class Log:
    """A topic in memory, that does not take the first few."""

    def __init__(self, failures: int = 0) -> None:
        self.values: list[bytes] = []
        self.failures = failures

    async def __call__(self, key: bytes | None, value: bytes | None, headers: Headers) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError
        self.values.append(value or b"")


class Office:
    """A desk that composes as it is told, with its topics."""

    def __init__(
        self,
        found: World,
        *to: str,
        problem: Unsendable | None = None,
        variant: str | None = None,
    ) -> None:
        self.outcomes, self.events, self.dead = Log(), Log(), Log()
        self.world = found
        self._to = to or ("ada@example.org",)
        self.problem = problem
        self._variant = variant
        taken = intake.Options(name="email", channels=("email",))
        self.desk = Desk(
            self._compose,
            found.courier,
            taken=intake.Intake(taken, self.dead, metrics=found.metrics, sleep=found.time.sleep),
            outlets=Outlets(outcomes=self.outcomes, events=self.events),
            metrics=found.metrics,
            clock=found.time,
        )

    async def _compose(self, one: Command) -> Sequence[Message]:
        if self.problem is not None:
            raise self.problem
        return [
            Message(id=one.id, channel="email", profile_id="ada", to=address, variant=self._variant)
            for address in self._to
        ]

    def handle(self, one: Command | bytes = COMMAND) -> None:
        value = one if isinstance(one, bytes) else codec.encode(one)
        run(self.desk.handle(Record("beckon.commands.email", 0, 7, b"ada", value)))

    def told(self) -> list[Outcome]:
        return [codec.decode_outcome(one) for one in self.outcomes.values]


def test_command_ends_as_an_outcome_and_an_event(tmp_path: Path) -> None:
    with world(tmp_path, Scripted()) as found:
        office = Office(found)
        office.handle()
        [told] = office.told()
        assert (told.command_id, told.result, told.promise) == (COMMAND.id, "sent", "exactly-once")
        [event] = [codec.decode_event(one) for one in office.events.values]
        assert (event.event, event.user_id) == ("email.sent", "ada")
        assert found.states() == {COMMAND.id: "sent"}
        assert found.metrics.read(Counter.OUTCOMES, "email", "sent") == 1


def test_variant_of_a_message_is_told_with_what_came_of_it(tmp_path: Path) -> None:
    with world(tmp_path, Scripted()) as found:
        office = Office(found, variant="bold")
        office.handle()
        assert [one.variant for one in office.told()] == ["bold"]
        [event] = [codec.decode_event(one) for one in office.events.values]
        assert msgspec.json.decode(event.properties)["variant"] == "bold"


def test_repeat_is_not_told_again(tmp_path: Path) -> None:
    with world(tmp_path, Scripted()) as found:
        office = Office(found)
        office.handle()
        office.handle()
    assert len(office.told()) == len(office.events.values) == 1


def test_outcome_that_kafka_does_not_take_is_told_until_it_does(tmp_path: Path) -> None:
    with world(tmp_path, Scripted()) as found:
        office = Office(found)
        office.outcomes.failures = 3
        office.handle()
        assert len(office.told()) == len(office.events.values) == 1
        assert found.metrics.read(Counter.SEND_RETRIES, "email") == 3


def test_each_address_has_a_message_and_a_row_of_its_own(tmp_path: Path) -> None:
    ses = Scripted()
    with world(tmp_path, ses) as found:
        office = Office(found, "a@example.org", "b@example.org")
        office.handle()
        office.handle()
        rows = found.states()
    assert rows.keys() == {
        desk.message_id(COMMAND.id, "a@example.org"),
        desk.message_id(COMMAND.id, "b@example.org"),
    }
    assert sorted(ses.sent) == sorted(rows)
    assert [one.command_id for one in office.told()] == [COMMAND.id] * 2
    assert len({one.id for one in office.told()}) == 2


def test_messages_that_have_ids_keep_them() -> None:
    messages = [
        Message(id=one, channel="email", profile_id="ada", to="ada@example.org")
        for one in ("m-1", "m-2")
    ]
    assert desk.distinct(COMMAND, messages) == messages


def test_refused_recipient_is_told_beside_the_failure(tmp_path: Path) -> None:
    gone = msgspec.structs.replace(REFUSED, suppresses="hard-bounce")
    with world(tmp_path, Scripted(gone)) as found:
        office = Office(found)
        office.handle()
    assert sorted((one.result, one.kind) for one in office.told()) == [
        ("bounced", "hard"),
        ("failed", None),
    ]


def test_what_can_not_be_made_is_held(tmp_path: Path) -> None:
    with world(tmp_path, Scripted()) as found:
        office = Office(found, problem=Unsendable("variable-missing", "name", is_held=True))
        office.handle()
    [told] = office.told()
    assert (told.result, told.detail, told.promise) == ("held", "variable-missing: name", None)


def test_what_can_not_be_read_is_a_dead_letter_and_nobody_is_asked(tmp_path: Path) -> None:
    ses = Scripted()
    with world(tmp_path, ses) as found:
        office = Office(found)
        office.handle(b"{")
        assert found.states() == {}
    assert (len(office.dead.values), office.told(), ses.sent) == (1, [], [])
