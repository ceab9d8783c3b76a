"""Runs the demo: broker, worker, sender, traffic and view in one process, to a clean end."""

import asyncio
import contextlib
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.live import Live

from connectors.channels.jsonl import JsonlSender
from processors import app, logs, settings
from processors.agents import apps
from processors.app import Role
from processors.clock import WallClock
from processors.definitions import files as definition_files
from processors.definitions.sets import DefinitionSet
from processors.demo import feeding, files, people, shops, summaries, traffic, view
from processors.demo.boards import Board
from processors.demo.broker import PARTITIONS, Broker, Ends
from processors.demo.files import Files
from processors.demo.reading import Reader
from processors.demo.traffic import Traffic
from processors.demo.view import Work
from processors.metrics import Counter
from processors.operations import publishing
from processors.operations.errors import OperationFailed
from schemas.topics import TOPICS, full_name

PREFIX = "demo."
MAX_UNDECIDED = 4_000
"""Events under way: a fraction of what the broker keeps."""
MAX_UNSENT = 1_500
"""Commands under way."""
SHOW_S = 0.2
PLAIN_S = 1.0
LOOK_S = 0.05
LAST_READ_S = 10.0
"""How long the last records may take to be read after everything has stopped."""
RATE_OVER_S = 2.0

STARTING = "worker and sender are looking for their partitions"
"""What takes so long at first: brokers give a new group 3 s to find together."""

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown, and how."""

    out: Path
    traffic: traffic.Options
    is_plain: bool = False
    """Lines for a log; so it is too where standard output is no terminal."""


def run(options: Options) -> int:
    """Runs the demo and returns the exit code: 130 where it was interrupted.

    Raises:
        OperationFailed: the folder or the broker can not be used.
    """
    console = Console(highlight=False)
    definitions = definition_files.load(shops.folder())
    files.clear(options.out)
    with (options.out / "demo.log").open("w", encoding="utf-8") as log:
        logs.configure("info", "plain", stream=log)
        with Broker() as broker, Files(options.out) as written:
            return asyncio.run(Demo(options, definitions, written, console).run(broker))


def configured(bootstrap: str) -> settings.Settings:
    """Returns the demo's settings; the environment has no say in them."""
    return settings.Settings.model_construct(
        slot="demo",
        kafka=settings.Kafka(bootstrap_servers=bootstrap, checksums=False),
        topics=settings.Topics(prefix=PREFIX, partitions=PARTITIONS, output_partitions=PARTITIONS),
        stream=settings.Stream(clock="stream", max_batch=10_000, poll_ms=20),
        health=settings.Health(port=0),
    )


class Demo:
    """One run."""

    def __init__(
        self, options: Options, definitions: DefinitionSet, written: Files, console: Console
    ) -> None:
        self._options = options
        self._definitions = definitions
        self._files = written
        self._console = console
        self._is_plain = options.is_plain or not sys.stdout.isatty() or console.is_dumb_terminal
        self._started_s = time.monotonic()
        self._phase = STARTING
        self._is_complete = False
        self._sent = 0
        self._traffic = Traffic(deliveries=[], duplicates=0, late=0, broken=0, people=0)
        self._seen: deque[tuple[float, int]] = deque()
        self._first_s = self._last_s = 0.0

    async def run(self, broker: Broker) -> int:
        """Runs it on a broker; returns the exit code."""
        self._stop = apps.stop_on_signals()
        chosen = configured(broker.bootstrap)
        self._cluster = app.cluster_of(chosen)
        await _in_thread(self._prepare, broker)
        self._board = Board(self._definitions, people.START_MS)
        self._reader = Reader(self._cluster, PREFIX, board=self._board, files=self._files)
        self._ends = Ends(self._cluster)
        reading = asyncio.ensure_future(_in_thread(self._reader.run))
        reading.add_done_callback(lambda _: self._stop.set())
        carrier = JsonlSender(self._options.out, now_ms=WallClock().now_ms)
        self._worker = app.worker(chosen)
        roles = [self._worker, app.sender(chosen, carrier)]
        try:
            with self._screen() as show:
                showing = asyncio.ensure_future(self._show(show))
                codes = await asyncio.gather(*map(self._host, roles), self._play())
                await self._read_the_rest(reading)
                showing.cancel()
                await asyncio.gather(showing, return_exceptions=True)
        finally:
            self._reader.stop()
            await asyncio.gather(reading, return_exceptions=True)
            self._ends.close()
        if not reading.cancelled() and (error := reading.exception()) is not None:
            raise error
        return self._conclude(max(codes))

    def _prepare(self, broker: Broker) -> None:
        broker.create(full_name(PREFIX, name) for name in TOPICS)
        now_ms = WallClock().now_ms()
        publishing.publish(self._cluster, PREFIX, self._definitions, now_ms=now_ms)

    async def _host(self, role: Role) -> int:
        """Runs a role; where it ends by itself, everything does."""
        try:
            return await app.serve(role, self._stop)
        finally:
            self._stop.set()

    async def _play(self) -> int:
        """Makes the traffic up, feeds it, and waits until everybody is done with it."""
        try:
            self._traffic = await _in_thread(traffic.generate, self._options.traffic)
            lines = (each.value for each in self._traffic.deliveries)
            await _in_thread(self._files.write_lines, "events.jsonl", lines)
            self._sent = await _in_thread(
                partial(
                    feeding.feed,
                    self._cluster,
                    full_name(PREFIX, "events"),
                    self._traffic,
                    options=self._options.traffic,
                    is_wanted=lambda: not self._stop.is_set(),
                    has_room=self._has_room,
                )
            )
            self._phase = "finishing"
            while not (self._stop.is_set() or self._is_complete):
                self._is_complete = await _in_thread(self._is_done)
                await asyncio.sleep(LOOK_S)
        finally:
            self._stop.set()
        return 0

    def _has_room(self, sent: int) -> bool:
        """Returns whether the worker, the reader and the sender can take more."""
        under_way = sent - self._board.events + self._reader.undecided
        return under_way < MAX_UNDECIDED and self._board.waiting < MAX_UNSENT

    def _is_done(self) -> bool:
        """Returns whether all events are decided on, all outputs read, all commands carried out."""
        return self._is_all_read() and self._reader.undecided == self._board.waiting == 0

    def _is_all_read(self) -> bool:
        return all(
            self._reader.has_reached(topic, self._ends.of(topic)) for topic in self._reader.topics
        )

    async def _read_the_rest(self, reading: "asyncio.Future[Any]") -> None:
        """Waits for what was written last, so that files are whole as far as it went."""
        until_s = time.monotonic() + LAST_READ_S
        while time.monotonic() < until_s and not reading.done():
            if await _in_thread(self._is_all_read):
                return
            await asyncio.sleep(LOOK_S)

    async def _show(self, show: Callable[[], None]) -> None:
        every_s = PLAIN_S if self._is_plain else SHOW_S
        while True:
            show()
            await asyncio.sleep(every_s)

    @contextlib.contextmanager
    def _screen(self) -> Iterator[Callable[[], None]]:
        """Gives what shows the present state."""
        if self._is_plain:
            yield self._print_line
            return
        with Live(console=self._console, auto_refresh=False, transient=True) as live:

            def show() -> None:
                picture, end_ms = self._reader.picture(), self._options.traffic.end_ms
                live.update(view.render(picture, self._work(), end_ms), refresh=True)

            yield show

    def _print_line(self) -> None:
        text = view.line(self._reader.picture(), self._work())
        self._console.print(text, soft_wrap=True)

    def _work(self) -> Work:
        """Returns what the worker says of itself, and how fast it is at the moment."""
        now_s, decided = time.monotonic(), round(self._worker.metrics.read(Counter.EVENTS))
        if self._phase == STARTING and decided:
            self._phase = "running"
        before = self._seen[-1][1] if self._seen else 0
        if decided > before:
            self._first_s = self._first_s or now_s
            self._last_s = now_s
        self._seen.append((now_s, decided))
        while now_s - self._seen[0][0] > RATE_OVER_S:
            self._seen.popleft()
        since_s, since = self._seen[0]
        return Work(
            phase=self._phase,
            decided=decided,
            duplicates=round(self._worker.metrics.read(Counter.DUPLICATES)),
            per_s=(decided - since) / max(now_s - since_s, SHOW_S),
            elapsed_s=now_s - self._started_s,
        )

    def _conclude(self, code: int) -> int:
        """Writes the tables and the summary, and says what came of it."""
        picture, work = self._reader.picture(), self._work()
        ran_s = max(self._last_s - self._first_s, SHOW_S)
        work = msgspec.structs.replace(work, per_s=work.decided / ran_s)
        found = summaries.checks(picture)
        if self._is_complete:
            ids = self._files.command_ids()
            found = summaries.final_checks(picture, work, self._traffic, files=ids)
        self._files.write_tables(self._board)
        page = summaries.markdown(picture, work, found, sent=self._sent)
        self._files.write_text("summary.md", page)
        self._console.print()
        summaries.show(self._console, picture, work, found=found, sent=self._sent)
        if code:
            raise OperationFailed(f"it came to a halt: see {self._options.out / 'demo.log'}")
        if not self._is_complete:
            self._console.print(f"stopped early; {self._options.out}/ has what there was by then")
            return EXIT_INTERRUPTED
        out = self._options.out
        self._console.print(summaries.next_steps(shops.at_hand(out), out), soft_wrap=True)
        return 0 if all(each.is_true for each in found) else EXIT_FAILED


async def _in_thread(call: Callable[..., Any], *arguments: Any) -> Any:
    return await asyncio.get_running_loop().run_in_executor(None, call, *arguments)
