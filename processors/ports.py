"""What the shell needs from the world, as shapes: whoever fits one can be wired in by `app`.

Connectors satisfy these without knowing them; mypy proves it where they are wired.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec

from schemas.commands import Command
from schemas.consents import ConsentRecord, Lifted, SuppressionRecord
from schemas.intents import End, Entry, Gate, HeldCommand, Holding, Intent, Open, Published, View
from schemas.messages import CallbackRequest, Message, Promise, Reply, Report
from schemas.outcomes import Outcome


class Clock(Protocol):
    """The wall clock. It decides only how soon something is done, never what."""

    def now_ms(self) -> int:
        """Returns the time in ms since the epoch."""
        ...


class Sender(Protocol):
    """Takes commands as they are, where no ledger and no provider is needed: into files.

    Guarantees:
        Sending a command again does no harm. Never blocks the event loop; calls may overlap.
    """

    @property
    def channel(self) -> str:
        """Its name: that of the service that runs it."""
        ...

    async def send(self, command: Command) -> Outcome:
        """Returns what came of the command.

        Raises:
            OSError: nothing works now (disk full), and nothing was decided about this command:
                ask again later.
        """
        ...

    async def close(self) -> None:
        """Lets go of files; nothing can be sent afterwards."""
        ...


class Provider(Protocol):
    """Sends the messages of one or several channels through one service.

    Guarantees:
        One request a call, bounded in time; never raises for what the other side does.
        Never blocks the event loop; calls may overlap. No secret in any text that it returns.
    """

    @property
    def name(self) -> str:
        """As settings, ledger and outcomes have it: `sendgrid`."""
        ...

    @property
    def channels(self) -> tuple[str, ...]:
        """Whose messages it takes."""
        ...

    @property
    def promise(self) -> Promise:
        """What it does against sending twice."""
        ...

    async def send(self, message: Message) -> Reply:
        """Returns what came of one request."""
        ...

    async def look_up(self, message: Message) -> Reply | None:
        """Returns what became of a send whose answer was lost; None where that can not be known.

        Only of those whose promise is `look-up`; `refused` says that it never came.
        """
        ...

    async def close(self) -> None:
        """Lets go of connections; nothing can be sent afterwards."""
        ...


class Callbacks(Protocol):
    """Understands what one service posts to us about messages."""

    @property
    def name(self) -> str:
        """As in the address: `/callbacks/<name>`."""
        ...

    def read(self, request: CallbackRequest) -> Sequence[Report]:
        """Returns what it tells, in its order; what is of no concern is left out.

        Raises:
            schemas.errors.Forged: it is not signed as it must be, or too old.
            schemas.errors.BadRecord: it is signed, and can not be read.
        """
        ...


class Composer(Protocol):
    """Makes messages of commands: template, person and run come together."""

    def compose(self, command: Command) -> Sequence[Message]:
        """Returns one message for each address, at least one.

        The same command gives the same messages as long as templates are the same.

        Raises:
            schemas.errors.Unsendable: it can not be made; the reason says why.
        """
        ...


class Ledger(Protocol):
    """Remembers each message before a provider is asked, and what came of it.

    Guarantees:
        Every method takes a batch in one transaction, and may be called again with the same.

    Raises:
        OSError: it can not be asked now; whether it was done is not known, so ask again.
    """

    async def epoch(self) -> int:
        """Returns the next epoch: higher than every one that was handed out before."""
        ...

    async def claim(
        self, intents: Collection[Intent], *, epoch: int, at: int
    ) -> Mapping[str, Entry]:
        """Returns what stands of each message; new and open ones of lower epochs are ours now."""
        ...

    async def dispatch(self, gates: Collection[Gate], *, at: int) -> Mapping[str, Entry]:
        """Returns what stands after the last look: only what is `dispatching` and ours may go."""
        ...

    async def release(self, gates: Collection[Gate], *, at: int) -> None:
        """Takes a dispatch back: the provider surely did not take the message."""
        ...

    async def conclude(self, ends: Collection[End], *, at: int) -> Mapping[str, Entry]:
        """Returns what stands then; an entry with another epoch was not ours to end."""
        ...

    async def reopen(self, ids: Collection[str], *, at: int) -> None:
        """Takes back that messages are held: whoever claims them next may send them."""
        ...

    async def told(self, ids: Collection[str], *, at: int) -> None:
        """Remembers that Kafka has what came of these messages."""
        ...

    async def open(self) -> Sequence[Open]:
        """Returns how many messages nothing came of yet."""
        ...

    async def expire(self, before: int, *, most: int) -> int:
        """Forgets the oldest messages that were told; returns how many, at most `most`."""
        ...


class HeldCommands(Protocol):
    """Keeps commands of which no message could be made, until their templates are mended.

    Raises:
        OSError: it can not be asked now; ask again, it does no harm.
    """

    async def keep(self, held: HeldCommand) -> None:
        """Keeps a command; one that is there already stays as it is."""
        ...

    async def take(
        self, channel: str, published: Published, *, at: int, busy_until: int, most: int
    ) -> Sequence[HeldCommand]:
        """Returns the oldest that are to be tried under other versions of their templates.

        Nobody else gets them till `busy_until`, and then again until they are ended or put back.
        """
        ...

    async def extend(self, ids: Collection[str], *, busy_until: int) -> None:
        """Says that these are still being tried."""
        ...

    async def put_back(self, ids: Collection[str]) -> None:
        """Gives back those of which still no message can be made."""
        ...

    async def end(self, ids: Collection[str]) -> None:
        """Lets go of those that came to an end."""
        ...

    async def expire(self, *, at: int, most: int) -> int:
        """Lets go of the oldest whose time is over; returns how many, at most `most`."""
        ...

    async def holdings(self) -> Sequence[Holding]:
        """Returns how many are kept, by channel, template and what it lacks."""
        ...


class Views(Protocol):
    """Keeps mails that can be seen in a browser.

    Raises:
        OSError: it can not be asked now; ask again, it does no harm.
    """

    async def keep(self, views: Collection[View]) -> None:
        """Keeps mails; one that is there already stays if it may have been sent as it is."""
        ...

    async def drop(self, message_id: str) -> None:
        """Lets go of a mail that was not sent."""
        ...

    async def find(self, message_id: str, *, at: int) -> str | None:
        """Returns a mail's HTML; None where there is none any more."""
        ...

    async def expire(self, *, at: int, most: int) -> int:
        """Lets go of the oldest whose time is over; returns how many, at most `most`."""
        ...


class Standing(Protocol):
    """Keeps who may be written to, for the last look before a send."""

    async def apply(self, records: Iterable[ConsentRecord | SuppressionRecord | Lifted]) -> None:
        """Takes what the worker decided, in the order of the log; a repeat changes nothing.

        Raises:
            OSError: it can not be asked now; ask again.
        """
        ...


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How far a process is, for those who route work to it."""

    state: Literal["starting", "restoring", "running", "stopping"]
    progress: dict[str, Any] = {}
    """Numbers for people, such as records restored and records to restore."""

    @property
    def ready(self) -> bool:
        """Whether it does its work now."""
        return self.state == "running"
