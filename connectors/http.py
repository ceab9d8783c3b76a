"""The one module that opens user-given addresses: a small HTTP client with a bound on everything.

Under the channels: they say what to post, it says what came of that. No redirects, no proxies, no
cookies, no decompression; a connection goes only to an address that was checked, and it is the
checked address that is connected to, so that a name cannot change its mind in between.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

import aiohttp
import httpx2
import yarl
from aiohttp.abc import AbstractResolver, ResolveResult

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
    {
        "url-invalid",
        "scheme-refused",
        "userinfo-refused",
        "port-refused",
        "address-refused",
        "header-invalid",
    }
)
"""Details of attempts that were not made and never will be."""

KEEP_S = 5.0
"""How long a connection is kept that nobody uses."""
HEADERS = {"User-Agent": "beckon", "Accept": "*/*", "Accept-Encoding": "identity"}

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
        self._resolve = resolve or look_up
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Closes all connections."""
        if self._session is not None:
            await self._session.close()

    async def ask(
        self, method: str, url: str, content: bytes = b"", *, headers: Mapping[str, str]
    ) -> Attempt:
        """Returns what came of one request."""
        if self._session is None:
            self._session = self._opened()
        progress = _Progress()
        _PROGRESS.set(progress)
        try:
            async with self._session.request(
                method,
                checked_url(url, self._options),
                data=content or None,
                headers=headers,
                allow_redirects=False,
            ) as response:
                return await _answer(response)
        except AddressRefused as error:
            return Attempt(error.reason)
        except TimeoutError:
            return Attempt("time-out", is_open=progress.is_written)
        except aiohttp.InvalidURL:
            return Attempt("url-invalid")
        except aiohttp.ClientError as error:
            lost = "connection-lost" if progress.is_written else reason(error)
            return Attempt(lost, is_open=progress.is_written)
        except ValueError:  # a header with what belongs into none
            return Attempt("header-invalid", is_open=progress.is_written)

    def _opened(self) -> aiohttp.ClientSession:
        options = self._options
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=options.max_connections,
                ssl=authorities(options),
                resolver=_Resolver(self._resolve, options),
                use_dns_cache=False,
                keepalive_timeout=KEEP_S,
                socket_factory=self._socket,
            ),
            timeout=aiohttp.ClientTimeout(
                total=options.attempt_timeout_ms / 1000,
                sock_connect=options.connect_timeout_ms / 1000,
                sock_read=options.read_timeout_ms / 1000,
            ),
            headers=HEADERS,
            skip_auto_headers=("Content-Type",),
            cookie_jar=aiohttp.DummyCookieJar(),
            request_class=_Request,
            auto_decompress=False,
            trust_env=False,
        )

    def _socket(self, asked: Any) -> socket.socket:
        """Makes the socket for a connection: nothing else connects, so nothing is left out here."""
        family, kind, protocol, _, address = asked
        check([address[0]], self._options)
        made = socket.socket(family, kind, protocol)
        for option in socket_options(self._options):
            made.setsockopt(*option)
        return made


async def _answer(response: aiohttp.ClientResponse) -> Attempt:
    """The status decides: an answer whose body does not end is still an answer."""
    body = bytearray()
    try:
        while len(body) < MAX_BODY_BYTES and (piece := await response.content.readany()):
            body += piece[: MAX_BODY_BYTES - len(body)]
    except (TimeoutError, aiohttp.ClientError):
        pass
    if not response.content.at_eof():
        response.close()
    headers = {name.lower(): value for name, value in response.headers.items()}
    after = headers.get("retry-after")
    return Attempt(f"http-{response.status}", response.status, bytes(body), after, headers=headers)


def checked_url(url: str, options: Options) -> yarl.URL:
    """Returns the address, taken apart: by the library that calls it, so that both read the same.

    Raises:
        AddressRefused: it is none, or one of a kind that is not called.
    """
    if len(url) > MAX_URL_CHARS or not url.isprintable() or "\\" in url or " " in url:
        raise AddressRefused("url-invalid")
    try:
        found = yarl.URL(url)
        host, port = found.host, found.port  # a name may not be readable
    except ValueError as error:
        raise AddressRefused("url-invalid") from error
    if not host:
        raise AddressRefused("url-invalid")
    if found.scheme != "https" and not (found.scheme == "http" and options.allow_http):
        raise AddressRefused("scheme-refused")
    if found.user is not None or found.password is not None:
        raise AddressRefused("userinfo-refused")
    if not 0 < (port or 0) < 65_536 or (options.ports and port not in options.ports):
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


def check(addresses: Sequence[str], options: Options) -> None:
    """Lets pass addresses that may be called, all of them.

    Raises:
        AddressRefused: one may not, or is none.
    """
    try:
        refused = not all(allowed(one, allow_private=options.allow_private) for one in addresses)
    except ValueError as error:
        raise AddressRefused("address-refused") from error
    if refused:
        raise AddressRefused("address-refused")


def authorities(options: Options) -> ssl.SSLContext:
    """Returns whose certificates are believed."""
    return options.ssl_context or httpx2.create_ssl_context(trust_env=False)


def socket_options(options: Options) -> list[tuple[int, int, int]]:
    """Returns what has the system give up a connection whose other end is gone."""
    lost = getattr(socket, "TCP_USER_TIMEOUT", None)
    return [] if lost is None else [(socket.IPPROTO_TCP, lost, options.attempt_timeout_ms)]


def reason(error: BaseException | None) -> str:
    """Returns the detail of a connection that was not made."""
    while error is not None:
        if isinstance(error, ssl.SSLError | ssl.CertificateError):
            return "tls-failed"
        error = error.__cause__ or error.__context__
    return "connect-failed"


class _Resolver(AbstractResolver):
    """Gives the addresses of a name, if all of them are allowed."""

    def __init__(self, resolve: Resolve, options: Options) -> None:
        self._resolve = resolve
        self._options = options

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        try:
            async with asyncio.timeout(self._options.connect_timeout_ms / 1000):
                found = await self._resolve(host, port)
        except UnicodeError as error:  # a name that can not be
            raise OSError(str(error)) from error
        if not found:
            raise OSError("the name has no address")
        check(found, self._options)
        return [
            ResolveResult(
                hostname=host,
                host=one,
                port=port,
                family=socket.AF_INET6 if ":" in one else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for one in found[:MAX_ADDRESSES]
        ]

    async def close(self) -> None:
        """Holds nothing."""


class _Progress:
    """How far one request is."""

    def __init__(self) -> None:
        self.is_written = False


_PROGRESS: ContextVar[_Progress] = ContextVar("progress")
"""Of the request that a task is making. The library's own way to be told of this, tracing, costs a
quarter of the request."""


class _Request(aiohttp.ClientRequest):
    """Tells that it has begun to be written."""

    async def send(self, conn: Any) -> aiohttp.ClientResponse:
        """Writes the request."""
        progress = _PROGRESS.get()
        progress.is_written = True
        try:
            return await super().send(conn)
        except ValueError:  # of a header: they are looked at before anything is written
            progress.is_written = False
            raise
