"""Opens and clicks on their way to the database: held a moment, judged together, written at once.

Whoever opens or clicks does not wait for the database: notes are taken in memory, and a person sees
the picture or the page also while it is away. What is in memory is lost when the process is killed.
"""

import asyncio
import logging
from collections.abc import Callable, Container, Iterable, Sequence

import msgspec

from processors.delivery import machines, postings
from processors.delivery.registers import Register
from processors.metrics import Counter, Metrics
from schemas.messages import Report
from schemas.postings import Posting, Sent

HOLD_MS = 2 * machines.BURST_MS
"""How long a note waits for others of its message."""
MAX_NOTES = 50_000
"""As many wait; more are counted, and lost."""
BATCH = 500

logger = logging.getLogger(__name__)


class Note(msgspec.Struct, frozen=True):
    """One open or click, and what its token says of the message."""

    report: Report
    sent: Sent


class Notebook:
    """Takes notes, and writes them as `run` goes."""

    def __init__(
        self,
        register: Register,
        *,
        now_ms: Callable[[], int],
        metrics: Metrics,
        hold_ms: int = HOLD_MS,
    ) -> None:
        self._register = register
        self._now_ms = now_ms
        self._metrics = metrics
        self._hold_ms = hold_ms
        self._notes: dict[str, Note] = {}
        """Those that wait, by the id of their report: a repeat is the same note."""
        self._recent: list[Note] = []
        """Those that were written just now: a burst may go on."""

    def __len__(self) -> int:
        """Returns how many wait."""
        return len(self._notes)

    def take(self, report: Report, sent: Sent) -> None:
        """Takes a note; where too many wait already, it only counts it."""
        if len(self._notes) < MAX_NOTES:
            self._notes.setdefault(report.id, Note(report, sent))
        else:
            self._metrics.add(Counter.NOTES_LOST)

    async def run(self, stop: asyncio.Event) -> None:
        """Writes notes as their time comes, until it is told to stop; then all that are left."""
        while not stop.is_set():
            try:
                async with asyncio.timeout(self._hold_ms / 4000):
                    await stop.wait()
            except TimeoutError:
                await self.flush(self._now_ms() - self._hold_ms)
        await self.flush(None)

    async def flush(self, until_ms: int | None) -> None:
        """Writes what was noted up to an instant (None: all); what fails is kept for later."""
        due = [one for one in self._notes.values() if until_ms is None or one.report.at <= until_ms]
        if not due:
            return
        bursts = _bursts([*self._recent, *self._notes.values()])
        for start in range(0, len(due), BATCH):
            some = due[start : start + BATCH]
            try:
                await self._write(some, bursts)
            except OSError as error:
                logger.warning("opens and clicks wait", extra={"error_type": type(error).__name__})
                return
            for one in some:
                del self._notes[one.report.id]
        if until_ms is not None:
            since_ms = until_ms - machines.BURST_MS
            self._recent = [one for one in [*self._recent, *due] if one.report.at > since_ms]

    async def _write(self, notes: Sequence[Note], bursts: Container[str]) -> None:
        known = await self._register.find([one.report for one in notes])
        now_ms = self._now_ms()
        made: list[Posting] = []
        for note, found in zip(notes, known, strict=True):
            sent, report = found or note.sent, note.report
            is_machine = (
                report.machine
                or machines.is_too_soon(report.at, sent.updated_at)
                or report.id in bursts
            )
            report = msgspec.structs.replace(report, machine=is_machine)
            made.append(postings.tell(report, sent, now_ms=now_ms))
        for one in await self._register.post(made, now_ms=now_ms):
            assert one.outcome is not None
            machine = "yes" if one.outcome.machine else "no"
            self._metrics.add(Counter.TRACKED, 1, one.outcome.result, machine)


def _bursts(notes: Iterable[Note]) -> set[str]:
    """Returns the ids of clicks that are part of a burst: several links of one message at once."""
    clicks = [one.report for one in notes if one.report.result == "clicked"]
    clicks.sort(key=lambda one: (one.command_id or "", one.at))
    found: set[str] = set()
    for place, one in enumerate(clicks):
        for later in range(place + 1, len(clicks)):
            other = clicks[later]
            if other.command_id != one.command_id or other.at >= one.at + machines.BURST_MS:
                break
            if other.url != one.url:
                found |= {one.id, other.id}
    return found
