"""Serves routes over HTTP within this process: litestar on granian, with a bound on everything.

Around the routes of `callbacks` and `tracking`: what all answers carry, and how it starts and ends.
"""

import asyncio
import logging
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server
from litestar import Litestar, Request, Response, Router
from litestar.datastructures import ResponseHeader
from litestar.exceptions import HTTPException

HEADERS = {
    "Server": "beckon",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
"""What every answer carries: addresses with tokens are kept nowhere, and sent to nobody."""
MAX_HEAD_BYTES = 32_768
HEAD_MS = 10_000
"""How long the head of a request may take to come."""
MAX_CONNECTIONS = 128
"""That are worked on; the others wait to be accepted."""
STOP_S = 15

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Where it listens."""

    host: str = "127.0.0.1"
    port: int = 8090
    """0 = any free port."""


class Http:
    """Serves routes, as an asynchronous context."""

    def __init__(self, routers: Sequence[Router], *, options: Options) -> None:
        self._options = options
        self._app = app(routers)
        self._server: Any = None
        self._running: asyncio.Task[None] | None = None
        self.port = options.port

    async def __aenter__(self) -> Self:
        """Starts to listen.

        Raises:
            OSError: the port is taken.
        """
        self.port = _free(self._options)
        self._server = Server(
            self._app,
            address=self._options.host,
            port=self.port,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(
                header_read_timeout=HEAD_MS, max_buffer_size=MAX_HEAD_BYTES
            ),
            websockets=False,
            backpressure=MAX_CONNECTIONS,
            log_enabled=False,
        )
        self._running = asyncio.ensure_future(self._server.serve())
        await self._listens()
        logger.info("listens", extra={"port": self.port})
        return self

    async def __aexit__(self, *_: object) -> None:
        """Ends what is under way, and stops to listen."""
        assert self._running is not None
        self._server.stop()
        await asyncio.wait([self._running], timeout=STOP_S)
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    async def _listens(self) -> None:
        assert self._running is not None
        while not self._running.done():
            try:
                _, writer = await asyncio.open_connection(self._options.host, self.port)
            except OSError:
                await asyncio.sleep(0.01)
                continue
            writer.close()
            await writer.wait_closed()
            return
        await self._running
        raise OSError("the server ended at once")


def app(routers: Sequence[Router]) -> Litestar:
    """Returns the application of some routes."""
    return Litestar(
        route_handlers=[*routers],
        openapi_config=None,
        logging_config=None,
        response_headers=[
            ResponseHeader(name=name, value=value) for name, value in HEADERS.items()
        ],
        exception_handlers={HTTPException: _problem, Exception: _bug},
        request_max_body_size=65_536,
    )


def _problem(_: Request[Any, Any, Any], error: HTTPException) -> Response[dict[str, str]]:
    """Answers what could not be served, without a word of what was asked."""
    phrase = HTTPStatus(error.status_code).phrase.lower()
    headers = {**HEADERS, **(error.headers or {})}
    return Response({"error": phrase}, status_code=error.status_code, headers=headers)


def _bug(_: Request[Any, Any, Any], error: Exception) -> Response[dict[str, str]]:
    """Answers what should not have happened; the log has where, and nothing of the request."""
    logger.error(
        "a request failed",
        extra={"error_type": type(error).__name__, "where": _where(error)},
    )
    return Response({"error": "internal server error"}, status_code=500, headers=HEADERS)


def _where(error: BaseException) -> str:
    """Returns the file and line that raised; a message may hold what a person sent."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"


def _free(options: Options) -> int:
    """Returns a port that nobody has: granian would share one with whoever listens there."""
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    with socket.create_server((options.host, options.port), family=family) as held:
        port: int = held.getsockname()[1]
        return port
