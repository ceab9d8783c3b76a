"""Asks services that speak HTTP/2: many requests on one connection.

Beside `http`, with the same bounds and the same guard.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import httpcore2
import httpx2

from connectors import http
from connectors.errors import AddressRefused
from connectors.http import MAX_ADDRESSES, MAX_BODY_BYTES, Attempt, Options, Resolve


class Client:
    """Asks over HTTP/2 and nothing else: one request a call, and no repeats.

    Guarantees:
        Never raises for what the other side does. Bounded in time and in what is read.
    """

    def __init__(self, options: Options, *, resolve: Resolve | None = None) -> None:
        self._options = options
        self._transport = _Transport(options, resolve or http.look_up)

    async def close(self) -> None:
        """Closes all connections."""
        await self._transport.aclose()

    async def ask(
        self, method: str, url: str, content: bytes = b"", *, headers: Mapping[str, str]
    ) -> Attempt:
        """Returns what came of one request."""
        written = False

        async def trace(event: str, _: Mapping[str, Any]) -> None:
            nonlocal written
            written = written or event.endswith("send_request_body.started")

        try:
            request = self._request(method, url, content, headers)
            request.extensions["trace"] = trace
            async with asyncio.timeout(self._options.attempt_timeout_ms / 1000):
                response = await self._transport.handle_async_request(request)
                return await self._answer(response)
        except AddressRefused as error:
            return Attempt(error.reason)
        except (TimeoutError, httpx2.TimeoutException):
            return Attempt("time-out", is_open=written)
        except httpx2.TransportError as error:
            return Attempt("connection-lost" if written else http.reason(error), is_open=written)

    def _request(
        self, method: str, url: str, content: bytes, headers: Mapping[str, str]
    ) -> httpx2.Request:
        options = self._options
        timeout = httpx2.Timeout(
            options.read_timeout_ms / 1000, connect=options.connect_timeout_ms / 1000
        )
        return httpx2.Request(
            method,
            str(http.checked_url(url, options)),
            content=content,
            headers={**http.HEADERS, **headers},
            extensions={"timeout": timeout.as_dict()},
        )

    async def _answer(self, response: httpx2.Response) -> Attempt:
        """The status decides: an answer whose body does not end is still an answer."""
        body = bytearray()
        try:
            async with asyncio.timeout(self._options.read_timeout_ms / 1000):
                async for piece in response.aiter_raw():
                    body += piece[: MAX_BODY_BYTES - len(body)]
                    if len(body) >= MAX_BODY_BYTES:
                        break
        except (TimeoutError, httpx2.TransportError):
            pass
        finally:
            await response.aclose()
        status = response.status_code
        after = response.headers.get("retry-after")
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Attempt(f"http-{status}", status, bytes(body), after, headers=headers)


class _Backend(httpcore2.AsyncNetworkBackend):
    """Connects to names whose addresses are all allowed, and to the very address it checked."""

    def __init__(self, resolve: Resolve, options: Options) -> None:
        self._resolve = resolve
        self._options = options
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        last: Exception | None = None
        for address in (await self._addresses(host, port, timeout))[:MAX_ADDRESSES]:
            try:
                return await self._inner.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                last = error
        raise last or httpcore2.ConnectError("the name has no address")

    async def _addresses(self, host: str, port: int, timeout: float | None) -> list[str]:
        try:
            async with asyncio.timeout(timeout):
                found = await self._resolve(host, port)
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout(str(error)) from error
        except (OSError, UnicodeError) as error:  # no such name, or one that cannot be
            raise httpcore2.ConnectError(str(error)) from error
        http.check(found, self._options)
        return found

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        raise AddressRefused("address-refused")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _Transport(httpx2.AsyncHTTPTransport):
    """httpx2's transport over a guarded pool; the guard has no public place of its own there."""

    def __init__(self, options: Options, resolve: Resolve) -> None:
        context = http.authorities(options)
        super().__init__(verify=context, trust_env=False)
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=context,
            max_connections=options.max_connections,
            max_keepalive_connections=options.max_connections,
            keepalive_expiry=http.KEEP_S,
            socket_options=http.socket_options(options),
            http1=False,
            http2=True,
            network_backend=_Backend(resolve, options),
        )
