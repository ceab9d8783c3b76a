"""A tiny HTTP server that tells how a process is: /health, /ready and /metrics.

Read-only, a bound on everything, one answer a connection. It runs in the process's own event loop:
a loop that hangs does not answer, which is what a liveness probe wants to know.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Self

import msgspec

from processors.metrics import Gauge, Metrics
from processors.ports import Status

MAX_HEAD_BYTES = 8_192
MAX_CONNECTIONS = 32
JSON = "application/json"
PLAIN = "text/plain; version=0.0.4; charset=utf-8"

PHRASES = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Where the server listens."""

    host: str = "127.0.0.1"
    port: int = 8089
    """0 = any free port."""
    timeout_ms: int = 5_000
    """How long a caller may take to ask, and to take the answer."""


class Answer(NamedTuple):
    """One answer, all of it."""

    status: int
    content_type: str
    body: bytes


class Health:
    """Serves the status and the metrics of this process, as an asynchronous context."""

    def __init__(
        self, status: Callable[[], Status], metrics: Metrics, *, options: Options | None = None
    ) -> None:
        self._status = status
        self._metrics = metrics
        self._options = options or Options()
        self._server: asyncio.Server | None = None
        self._calls: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """The port it listens on."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def __aenter__(self) -> Self:
        """Starts to listen.

        Raises:
            OSError: the port is taken.
        """
        self._server = await asyncio.start_server(
            self._serve, self._options.host, self._options.port, limit=MAX_HEAD_BYTES, backlog=64
        )
        logger.info("health server listens", extra={"port": self.port})
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stops to listen, and leaves those who are still asking."""
        assert self._server is not None
        self._server.close()
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        call = asyncio.current_task()
        assert call is not None
        self._calls.add(call)
        try:
            if len(self._calls) <= MAX_CONNECTIONS:
                async with asyncio.timeout(self._options.timeout_ms / 1000):
                    writer.write(await self._exchange(reader))
                    await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.CancelledError):
            # The caller went away, or does not take the answer, or we stop: asyncio's streams log
            # a call that ends as cancelled as an error, so it just ends.
            writer.transport.abort()
        finally:
            self._calls.discard(call)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _exchange(self, reader: asyncio.StreamReader) -> bytes:
        """Returns the bytes to send for the request that comes in."""
        try:
            async with asyncio.timeout(self._options.timeout_ms / 2000):
                head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return _bytes(_problem(431), with_body=True)
        except TimeoutError:
            return _bytes(_problem(408), with_body=True)
        words = head.split(b"\r\n", 1)[0].split(b" ")
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
            return _bytes(_problem(400), with_body=True)
        method, target, _ = words
        return _bytes(self._answer(method, target), with_body=method != b"HEAD")

    def _answer(self, method: bytes, target: bytes) -> Answer:
        path = target.split(b"?", 1)[0]
        if path not in {b"/health", b"/ready", b"/metrics"}:
            return _problem(404)
        if method not in {b"GET", b"HEAD"}:
            return _problem(405)
        status = self._status()
        if path == b"/metrics":
            self._metrics.set(Gauge.READY, int(status.ready))
            return Answer(200, PLAIN, self._metrics.text())
        code = 200 if path == b"/health" or status.ready else 503
        return Answer(code, JSON, msgspec.json.encode(status))


def _problem(status: int) -> Answer:
    return Answer(status, JSON, msgspec.json.encode({"error": PHRASES[status].lower()}))


def _bytes(answer: Answer, *, with_body: bool) -> bytes:
    head = (
        f"HTTP/1.1 {answer.status} {PHRASES[answer.status]}\r\n"
        f"Content-Type: {answer.content_type}\r\n"
        f"Content-Length: {len(answer.body)}\r\n"
        "Cache-Control: no-store\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        + ("Allow: GET, HEAD\r\n" if answer.status == 405 else "")
        + "Connection: close\r\n\r\n"
    )
    return head.encode("latin-1") + (answer.body if with_body else b"")
