"""Processes that are measured: what they log is read as it comes, with the CPU used until then."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from benchmarks import measures
from benchmarks.errors import BenchFailed

ROOT = Path(__file__).parent.parent
STOP_S = 10.0
"""How long a process that has done its work may take to end."""
LAST_LINES = 30


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """One line that a process wrote, and how far the process was then."""

    message: str
    fields: Mapping[str, Any]
    at_s: float
    """By the monotonic clock."""
    cpu_s: float
    rss_bytes: int


class Process:
    """A process that writes JSON lines with a `message` to standard error."""

    def __init__(
        self,
        arguments: Sequence[str],
        env: Mapping[str, str],
        *,
        python: str = sys.executable,
        name: str,
    ) -> None:
        self.name = name
        self._changed = threading.Condition()
        self._marks: list[Mark] = []
        self._lines: list[str] = []
        self._popen = subprocess.Popen(
            [python, *arguments],
            cwd=ROOT,
            env={**os.environ, **env},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    @property
    def cpu_s(self) -> float:
        """CPU time so far."""
        return measures.cpu_s(self._popen.pid)

    @property
    def children_cpu_s(self) -> float:
        """CPU time so far of the processes that it began and that still run."""
        threads = Path(f"/proc/{self._popen.pid}/task").glob("*/children")
        listed = " ".join(each.read_text("ascii") for each in threads)
        return sum(measures.cpu_s(int(each)) for each in listed.split())

    @property
    def rss_bytes(self) -> int:
        """Memory now."""
        return measures.rss_bytes(self._popen.pid)

    @property
    def last(self) -> str:
        """What it wrote last."""
        return "".join(self._lines)

    def __enter__(self) -> Self:
        """It runs already."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stops it."""
        self.stop()

    def wait_for(self, message: str, timeout_s: float, *, count: int = 1) -> list[Mark]:
        """Returns the first lines with a message, once there are as many as that.

        Raises:
            BenchFailed: the process ended, or time ran out.
        """

        def enough() -> bool:
            found = sum(each.message == message for each in self._marks)
            return found >= count or self._popen.poll() is not None

        with self._changed:
            self._changed.wait_for(enough, timeout_s)
            marks = [each for each in self._marks if each.message == message]
        if len(marks) < count:
            raise BenchFailed(f"{self.name}: no {message!r} in {timeout_s:.0f} s\n{self.last}")
        return marks[:count]

    def counted(self, message: str) -> int:
        """Returns how many lines with a message there are so far."""
        return sum(each.message == message for each in self._marks)

    def wait_until(self, done: Callable[[], bool], timeout_s: float, *, every_s: float) -> None:
        """Asks again and again until it is done.

        Raises:
            BenchFailed: the process ended, or time ran out.
        """
        until_s = time.monotonic() + timeout_s
        while not done():
            if self._popen.poll() is not None:
                raise BenchFailed(f"{self.name} ended\n{self.last}")
            if time.monotonic() > until_s:
                raise BenchFailed(f"{self.name}: not done in {timeout_s:.0f} s\n{self.last}")
            time.sleep(every_s)

    def stop(self) -> None:
        """Asks it to end, and ends it if it does not."""
        with contextlib.suppress(ProcessLookupError):
            self._popen.send_signal(signal.SIGTERM)
        try:
            self._popen.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
        self._thread.join(STOP_S)

    def _read(self) -> None:
        assert self._popen.stderr is not None
        with self._popen.stderr as lines:
            for line in lines:
                self._take(line, self._mark(line))
        self._popen.wait()
        with self._changed:
            self._changed.notify_all()

    def _take(self, line: str, mark: Mark | None) -> None:
        with self._changed:
            self._lines = [*self._lines[1 - LAST_LINES :], line]
            if mark is not None:
                self._marks.append(mark)
            self._changed.notify_all()

    def _mark(self, line: str) -> Mark | None:
        if not line.startswith("{"):
            return None
        try:
            cpu_s, rss = self.cpu_s, self.rss_bytes
            fields = json.loads(line)
        except (measures.Gone, json.JSONDecodeError):
            return None
        message = str(fields.get("message"))
        return Mark(
            message=message, fields=fields, at_s=time.monotonic(), cpu_s=cpu_s, rss_bytes=rss
        )
