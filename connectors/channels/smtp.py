"""Sends mail over SMTP, through a few connections that stay open for a while.

Promise: none. SMTP knows no key and can not be asked, so a mail whose last reply was lost may have
been taken (RFC 1047). A repeat carries the same Message-ID, by which some mailboxes show it once.
Nothing is reported afterwards: opens, clicks and unsubscribes come by our own links, and bounces
go to the sender's mailbox. The relay signs (DKIM): every header that it signs is there.
Source: RFC 5321, 3463 (status codes), 6531 (SMTPUTF8), 8058 (one-click unsubscribe).
"""

import asyncio
import contextlib
import hashlib
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Literal, NamedTuple

import aiosmtplib

from connectors.channels import mails
from connectors.channels.mails import Mail, Mailbox
from connectors.channels.replies import refused
from connectors.errors import BadSetting
from schemas.errors import Unsendable
from schemas.messages import Message, Promise, Reply

READY = 354
CLOSING = 421
NO_SUCH_MAILBOX = frozenset({550, 551, 553})
STATUS = re.compile(r"([245]\.\d{1,3}\.\d{1,3})\b")
OF_SENDER = frozenset({"5.1.7", "5.1.8"})
"""Addresses that are bad, but the sender's."""
LOCAL_PART = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
LONE_BREAKS = re.compile(rb"\r\n|\r|\n")
DOTS = re.compile(rb"(?m)^\.")


@dataclass(frozen=True, kw_only=True)
class Options:
    """A relay, how to be let in, and how many connections to it."""

    host: str
    port: int = 587
    security: Literal["starttls", "tls", "plain"] = "starttls"
    allow_plain: bool = False
    """Also without TLS: a relay on this machine."""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    sender: str
    """Whom mails are from that say nothing else."""
    timeout_ms: int = 30_000
    """One mail in all, with connecting where that is needed."""
    connections: int = 4
    lifetime_ms: int = 300_000
    """Of a connection."""
    idle_ms: int = 30_000
    """After so long without a mail, a connection is not trusted any more."""
    messages: int = 100
    """Of one connection; many relays close it after as many."""
    ssl_context: ssl.SSLContext | None = field(default=None, repr=False)
    """None = the usual authorities."""


@dataclass
class _Connection:
    smtp: aiosmtplib.SMTP
    transport: asyncio.BaseTransport | None
    """Its own: the client forgets it while it still says goodbye."""
    opened_at: float
    used_at: float
    messages: int = 0


class _Letter(NamedTuple):
    sender: str
    to: str
    utf8: bool
    content: bytes
    """As it goes over the wire, with the dot that ends it."""
    message_id: str


class _Refused(Exception):
    """The relay said no; the reply says what."""

    def __init__(self, code: int, said: str, *, step: str) -> None:
        super().__init__(str(code))
        self.code = code
        self.step = step
        found = STATUS.search(said[:200])
        self.status = found[1] if found else None


class SmtpProvider:
    """Sends mail through one relay, a `Provider` by shape.

    Guarantees:
        At most `connections` at once; each is closed after its time or its number of mails.
    """

    name = "smtp"
    channels = ("email",)
    promise: Promise = "none"

    def __init__(self, options: Options, *, now_ms: Callable[[], int]) -> None:
        """Checks the options; connects to nothing yet.

        Raises:
            BadSetting: without TLS and not allowed to, or the sender is no address.
        """
        if options.security == "plain" and not options.allow_plain:
            raise BadSetting("mail without TLS must be allowed by a setting of its own")
        try:
            self._domain = mails.mailbox(options.sender).domain
        except Unsendable as error:
            raise BadSetting("the sender must be one address") from error
        self._options = options
        self._now_ms = now_ms
        self._idle: list[_Connection] = []
        self._places = asyncio.Semaphore(options.connections)

    async def send(self, message: Message) -> Reply:
        """Returns what came of handing the mail to the relay."""
        try:
            letter = _letter(message, self._options.sender, self._now_ms())
        except Unsendable as error:
            return refused(error.reason)
        async with self._places:
            return await self._bounded(letter)

    async def look_up(self, message: Message) -> Reply | None:
        """Returns None: a relay can not be asked."""
        return None

    async def close(self) -> None:
        """Says goodbye on all connections."""
        idle, self._idle = self._idle, []
        await asyncio.gather(*(_quit(each) for each in idle))
        await asyncio.sleep(0)  # what was dropped just now ends in the loop's next turn

    async def _bounded(self, letter: _Letter) -> Reply:
        """A relay that only trickles, and one that says nothing, cost one time-out in all."""
        trip = _Trip(letter)
        try:
            async with asyncio.timeout(self._options.timeout_ms / 1000):
                return await self._hand_over(trip)
        except _Refused as error:
            return _reply(error)
        except (TimeoutError, aiosmtplib.SMTPTimeoutError):
            detail = "time-out"
        except (OSError, aiosmtplib.SMTPException) as error:
            detail = _failure(error, was_written=trip.was_written)
        return Reply(fate="unknown" if trip.was_written else "passing", detail=detail)

    async def _hand_over(self, trip: "_Trip") -> Reply:
        """A connection that was closed meanwhile is no fault of the mail: there is a new one."""
        connection = self._kept()
        if connection is not None:
            try:
                return await self._over(connection, trip)
            except (OSError, aiosmtplib.SMTPServerDisconnected):
                if trip.was_written:
                    raise
            except _Refused as error:
                if error.code != CLOSING or trip.was_written:
                    raise
        return await self._over(await self._connect(), trip)

    async def _over(self, connection: _Connection, trip: "_Trip") -> Reply:
        connection.messages += 1
        is_usable = False
        try:
            reply = await trip.over(connection.smtp)
            is_usable = True
            return reply
        except _Refused as error:
            is_usable = error.code != CLOSING and await _reset(connection.smtp)
            raise
        finally:
            if is_usable:
                connection.used_at = _now_s()
                self._idle.append(connection)
            else:
                _drop(connection)

    def _kept(self) -> _Connection | None:
        """Returns the connection that was used last, of those that may be used again."""
        options = self._options
        while self._idle:
            connection = self._idle.pop()
            if (
                connection.smtp.is_connected
                and connection.messages < options.messages
                and _now_s() - connection.opened_at < options.lifetime_ms / 1000
                and _now_s() - connection.used_at < options.idle_ms / 1000
            ):
                return connection
            _drop(connection)
        return None

    async def _connect(self) -> _Connection:
        options = self._options
        smtp = aiosmtplib.SMTP(
            hostname=options.host,
            port=options.port,
            local_hostname=self._domain,
            timeout=options.timeout_ms / 1000,
            use_tls=options.security == "tls",
            start_tls=options.security == "starttls",
            tls_context=options.ssl_context,
        )
        try:
            await smtp.connect()
            if options.username is not None:
                await smtp.login(options.username, options.password or "")
        except BaseException:
            smtp.close()
            raise
        return _Connection(smtp, smtp.transport, opened_at=_now_s(), used_at=_now_s())


class _Trip:
    """One mail over one connection, step by step."""

    def __init__(self, letter: _Letter) -> None:
        self._letter = letter
        self.was_written = False
        """Whether the content was handed over, so that only a reply can tell what came of it."""

    async def over(self, smtp: aiosmtplib.SMTP) -> Reply:
        letter = self._letter
        encoding = "utf-8" if letter.utf8 else "ascii"
        if smtp.last_ehlo_response is None:
            await smtp.ehlo()
        if letter.utf8 and not smtp.supports_extension("smtputf8"):
            return refused("smtputf8-missing")
        options = ["SMTPUTF8", "BODY=8BITMIME"] if letter.utf8 else []
        try:
            await smtp.mail(letter.sender, options=options, encoding=encoding)
            await smtp.rcpt(letter.to, encoding=encoding)
        except aiosmtplib.SMTPSenderRefused as error:
            raise _Refused(error.code, error.message, step="mail") from error
        except aiosmtplib.SMTPResponseException as error:
            raise _Refused(error.code, error.message, step="rcpt") from error
        await self._data(smtp)
        return Reply(fate="accepted", detail="smtp-250", provider_id=letter.message_id)

    async def _data(self, smtp: aiosmtplib.SMTP) -> None:
        """In two steps, to know whether the content was written: before, nothing can be sent."""
        ready = await smtp.execute_command(b"DATA")
        if ready.code != READY or smtp.protocol is None:
            raise _Refused(ready.code, ready.message, step="data")
        self.was_written = True
        smtp.protocol.write(self._letter.content)
        said = await smtp.protocol.read_response()
        self.was_written = False
        if not 200 <= said.code < 300:
            raise _Refused(said.code, said.message, step="data")


def _reply(error: _Refused) -> Reply:
    """Returns what a relay's no means: 4xx now, 5xx for good, some of it for the address."""
    code = _code(error.code)
    is_gone = (
        error.step != "mail"
        and error.code in NO_SUCH_MAILBOX
        and (error.status or "").startswith("5.1.")
        and error.status not in OF_SENDER
    )
    return Reply(
        fate="refused" if error.code >= 500 else "passing",
        detail=f"{code}-{error.status}" if error.status else code,
        suppresses="hard-bounce" if is_gone else None,
    )


def _code(code: int) -> str:
    return f"smtp-{code}" if 200 <= code < 600 else "answer-invalid"


def _failure(error: Exception, *, was_written: bool) -> str:
    """Returns the detail of a connection that failed, before or after the mail was written."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return "tls-failed"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return _code(error.code)
    if was_written or isinstance(error, aiosmtplib.SMTPServerDisconnected):
        return "connection-lost"
    return "connect-failed" if isinstance(error, OSError) else "not-supported"


def _letter(message: Message, sender: str, now_ms: int) -> _Letter:
    mail = mails.mail(message, sender)
    utf8 = any(
        each is not None and each.ascii is None for each in (mail.sender, mail.to, mail.reply_to)
    )
    message_id = message_id_of(message.id, mail.sender.domain)
    content = mime(mail, f"<{message_id}>", now_ms, utf8=utf8)
    return _Letter(
        sender=mail.sender.ascii or mail.sender.address,
        to=mail.to.ascii or mail.to.address,
        utf8=utf8,
        content=DOTS.sub(b"..", LONE_BREAKS.sub(b"\r\n", content)) + b".\r\n",
        message_id=message_id,
    )


def message_id_of(key: str, domain: str) -> str:
    """Returns the Message-ID of a message, without its brackets: the same for a repeat.

    >>> message_id_of("c0ffee", "example.com")
    'c0ffee@example.com'
    """
    safe = len(key) <= 64 and LOCAL_PART.fullmatch(key)
    return f"{key if safe else hashlib.sha256(key.encode()).hexdigest()[:40]}@{domain}"


def mime(mail: Mail, message_id: str, now_ms: int, *, utf8: bool = False) -> bytes:
    """Returns the mail as it is sent, its lines ended by CR LF.

    Args:
        mail: its parts.
        message_id: with its brackets.
        now_ms: its date, ms since the epoch.
        utf8: whether headers are in UTF-8 (SMTPUTF8); else everything is ASCII.

    Guarantees:
        The same arguments give the same bytes.
    """
    letter = EmailMessage(policy.SMTP.clone(utf8=utf8, cte_type="7bit"))
    letter["From"] = _address(mail.sender)
    letter["To"] = _address(mail.to)
    if mail.reply_to is not None:
        letter["Reply-To"] = _address(mail.reply_to)
    letter["Subject"] = mail.subject
    letter["Date"] = format_datetime(datetime.fromtimestamp(now_ms // 1000, UTC))
    _fill(letter, mail, message_id)
    # these are not folded: the standard library would encode an address longer than a line
    own = {"Message-ID": message_id, **mail.headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in own.items())
    return lines.encode("ascii") + letter.as_bytes()


def _fill(letter: EmailMessage, mail: Mail, message_id: str) -> None:
    if mail.text is not None:
        letter.set_content(mail.text)
    if mail.html is not None and mail.text is None:
        letter.set_content(mail.html, subtype="html")
    elif mail.html is not None:
        letter.add_alternative(mail.html, subtype="html")
        letter.set_boundary("=_" + hashlib.sha256(message_id.encode()).hexdigest()[:32])


def _address(one: Mailbox) -> Address:
    local, _, domain = (one.ascii or one.address).rpartition("@")
    return Address(one.name, local, domain)


async def _reset(smtp: aiosmtplib.SMTP) -> bool:
    """Returns whether the connection can take another mail after a refused one."""
    try:
        await smtp.rset()
    except (OSError, aiosmtplib.SMTPException):
        return False
    return True


async def _quit(connection: _Connection) -> None:
    with contextlib.suppress(OSError, aiosmtplib.SMTPException):
        await connection.smtp.quit(timeout=1)
    _drop(connection)


def _drop(connection: _Connection) -> None:
    """Ends a connection at once: to close one with TLS would wait for the other side."""
    if isinstance(connection.transport, asyncio.WriteTransport):
        connection.transport.abort()
    connection.smtp.close()


def _now_s() -> float:
    return asyncio.get_running_loop().time()
