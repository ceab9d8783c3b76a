"""A desk for tests, that makes messages as it is told, with its topics in memory."""

from collections.abc import Sequence

import msgspec

from processors.delivery import intake
from processors.delivery.desk import Desk, Outlets
from processors.delivery.galleries import Gallery
from processors.delivery.mending import Keeper
from schemas import codec
from schemas.commands import Command
from schemas.errors import Unsendable
from schemas.letters import Headers, Record, Written
from schemas.messages import Message
from schemas.outcomes import Outcome
from tests.builders import command
from tests.deliveries import World, run

LINK = "{view}"
"""What stands for a link to the mail in a browser."""
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


class Kafka(dict[str, Log]):
    """The topics that a desk writes to; what is written together is taken together."""

    async def write(self, records: Sequence[Written]) -> None:
        for topic, key, value, headers in records:
            await self[topic](key, value, headers or [])


class Office:
    """A desk that composes as it is told, with its topics."""

    def __init__(
        self,
        found: World,
        *to: str,
        problem: Unsendable | None = None,
        variant: str | None = None,
        keeper: Keeper | None = None,
        gallery: Gallery | None = None,
        html: str | None = None,
    ) -> None:
        self.outcomes, self.events, self.dead = Log(), Log(), Log()
        self.world = found
        self.to = to or ("ada@example.org",)
        self.problem = problem
        self._variant = variant
        self.html = html
        taken = intake.Options(name="email", channels=("email",))
        self.desk = Desk(
            self._compose,
            found.courier,
            taken=intake.Intake(taken, self.dead, metrics=found.metrics, sleep=found.time.sleep),
            outlets=Outlets(
                write=Kafka(outcomes=self.outcomes, events=self.events).write,
                keeper=keeper,
                gallery=gallery,
            ),
            metrics=found.metrics,
            clock=found.time,
        )

    async def _compose(self, one: Command) -> Sequence[Message]:
        if self.problem is not None:
            raise self.problem
        made = Message(
            id=one.id,
            channel="email",
            profile_id="ada",
            to="",
            variant=self._variant,
            html=self.html,
            is_viewable=LINK in (self.html or ""),
        )
        return [msgspec.structs.replace(made, to=address) for address in self.to]

    def handle(self, one: Command | bytes = COMMAND) -> None:
        value = one if isinstance(one, bytes) else codec.encode(one)
        run(self.desk.handle(Record("beckon.commands.email", 0, 7, b"ada", value)))

    def told(self) -> list[Outcome]:
        return [codec.decode_outcome(one) for one in self.outcomes.values]
