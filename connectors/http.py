"""The one module that opens user-given addresses: a small HTTP client with a bound on everything.

Under the channels: they say what to post, it says what came of that. No redirects, no proxies, no
cookies, no decompression; a connection goes only to an address that was checked, and it is the
checked address that is connected to, so that a name cannot change its mind in between.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

import httpcore2
import httpx2

from connectors.addresses import allowed
from connectors.errors import AddressRefused

MAX_BODY_BYTES = 65_536
"""As much of an answer as is read; the rest stays where it is."""
MAX_URL_CHARS = 2_048
MAX_ADDRESSES = 4
"""How many of a name's addresses are tried."""
PASSING = frozenset({408, 425, 429})
"""Refusals that may pass; so may all 5xx."""

REFUSED = frozenset(
    {"url-invalid", "scheme-refused", "userinfo-refused", "port-refused", "address-refused"}
)
"""Details of attempts that were not made and never will be."""

Resolve = Callable[[str, int], Awaitable[list[str]]]


@dataclass(frozen=True, kw_only=True)
class Options:
    """Bounds and permissions of a client."""

    connect_timeout_ms: int = 5_000
    read_timeout_ms: int = 10_000
    """Between two pieces of an answer."""
    attempt_timeout_ms: int = 15_000
    """One attempt in all, from the look-up of the name to the end of the answer."""
    max_connections: int = 64
    allow_http: bool = False
    """Also without TLS."""
    allow_private: bool = False
    """Also to this machine and private networks; link-local stays refused."""
    ports: frozenset[int] = frozenset({80, 443, 8080, 8443})
    """Ports that may be called; empty = all."""
    http2: bool = False
    """HTTP/2 and nothing else, many requests on one connection: for services that ask for it."""
    ssl_context: ssl.SSLContext | None = field(default=None, repr=False)
    """None = the usual authorities. For receivers with a certificate of an own authority."""


class Attempt(NamedTuple):
    """What came of one request."""

    detail: str
    status: int | None = None
    body: bytes = b""
    retry_after: str | None = None
    is_open: bool = False
    """Whether the request was written and no answer came: it may have been carried out."""
    headers: Mapping[str, str] = {}
    """Of the answer, by lower-case name."""

    @property
    def sent(self) -> bool:
        """Whether it was taken."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def passing(self) -> bool:
        """Whether a repeat may do."""
        if self.status is None:
            return self.detail not in REFUSED
        return self.status in PASSING or self.status >= 500


class Client:
    """Asks addresses that users give, and services: one request a call, and no repeats.

    Guarantees:
        Never raises for what the other side does. Bounded in time and in what is read.
    """

    def __init__(self, options: Options, *, resolve: Resolve | None = None) -> None:
        self._options = options
        self._transport = _Transport(options, resolve or look_up)

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
            return Attempt("connection-lost" if written else _reason(error), is_open=written)

    def _request(
        self, method: str, url: str, content: bytes, headers: Mapping[str, str]
    ) -> httpx2.Request:
        options = self._options
        timeout = httpx2.Timeout(
            options.read_timeout_ms / 1000, connect=options.connect_timeout_ms / 1000
        )
        return httpx2.Request(
            method,
            checked_url(url, options),
            content=content,
            headers={"User-Agent": "beckon", "Accept-Encoding": "identity", **headers},
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


def checked_url(url: str, options: Options) -> httpx2.URL:
    """Returns the address, taken apart.

    Raises:
        AddressRefused: it is none, or one of a kind that is not called.
    """
    if len(url) > MAX_URL_CHARS or not url.isprintable() or "\\" in url or " " in url:
        raise AddressRefused("url-invalid")
    try:
        found = httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError) as error:
        raise AddressRefused("url-invalid") from error
    if not found.host:
        raise AddressRefused("url-invalid")
    if found.scheme != "https" and not (found.scheme == "http" and options.allow_http):
        raise AddressRefused("scheme-refused")
    if found.userinfo:
        raise AddressRefused("userinfo-refused")
    port = {"https": 443, "http": 80}[found.scheme] if found.port is None else found.port
    if not 0 < port < 65_536 or (options.ports and port not in options.ports):
        raise AddressRefused("port-refused")
    return found


def retry_after_ms(value: str | None, now_ms: int) -> int | None:
    """Returns how long a Retry-After header asks to wait; None where it is absent or nonsense.

    Source: RFC 9110, 10.2.3: seconds, or a date.

    >>> retry_after_ms("120", 0), retry_after_ms("-1", 0), retry_after_ms("soon", 0)
    (120000, None, None)
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return int(text[:10]) * 1000
    try:
        at = parsedate_to_datetime(text)
        at_ms = round(at.replace(tzinfo=at.tzinfo or UTC).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
    return max(0, at_ms - now_ms)


async def look_up(host: str, port: int) -> list[str]:
    """Returns the addresses of a name, as the machine's resolver gives them."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class _Backend(httpcore2.AsyncNetworkBackend):
    """Connects to names whose addresses are all allowed, and to the very address it checked."""

    def __init__(self, resolve: Resolve, *, allow_private: bool) -> None:
        self._resolve = resolve
        self._allow_private = allow_private
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
        if not all(allowed(address, allow_private=self._allow_private) for address in found):
            raise AddressRefused("address-refused")
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
        context = options.ssl_context or httpx2.create_ssl_context(trust_env=False)
        super().__init__(verify=context, trust_env=False)
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=context,
            max_connections=options.max_connections,
            max_keepalive_connections=options.max_connections,
            keepalive_expiry=5.0,
            socket_options=_socket_options(options),
            http1=not options.http2,
            http2=options.http2,
            network_backend=_Backend(resolve, allow_private=options.allow_private),
        )


def _socket_options(options: Options) -> list[tuple[int, int, int]]:
    """Returns what has the system give up a connection whose other end is gone.

    Many requests share one of HTTP/2: each of them would wait for its time-out.
    """
    lost = getattr(socket, "TCP_USER_TIMEOUT", None)
    return [] if lost is None else [(socket.IPPROTO_TCP, lost, options.attempt_timeout_ms)]


def _reason(error: BaseException | None) -> str:
    """Returns the detail of a connection that was not made."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return "tls-failed"
        error = error.__cause__ or error.__context__
    return "connect-failed"
