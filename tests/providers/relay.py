"""A mail relay on a free port of this machine, which speaks SMTP and misbehaves on request."""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from connectors.channels.smtp import Options, SmtpProvider
from processors.clock import WallClock
from tests.providers.cases import FATES, PATIENT_MS, Case, Cases, mail
from tests.providers.servers import Fault

SENDER = "Shop Köln <news@shop.example.com>"
USER, PASSWORD = "shop", "a-very-secret-password"
HANG_UP = "hang up"
AFTER = frozenset({"none", "time-out-after", "cut", "drip", "malformed"})
"""The mail was taken."""


@dataclass
class Relay:
    """What came in, and how to answer."""

    port: int = 0
    faults: list[Fault] = field(default_factory=list)
    refusals: dict[str, str] = field(default_factory=dict)
    """Replies by the step they are given at: `mail`, `rcpt`, `data`; `HANG_UP` at `mail`, once."""
    raw: list[bytes] = field(default_factory=list)
    """Mails that were taken."""
    envelopes: list[tuple[str, list[str], list[str]]] = field(default_factory=list)
    """Sender, recipients and options of each."""
    sessions: list[Session] = field(default_factory=list)
    """One a connection."""
    running: dict[int, Fault] = field(default_factory=dict)
    """What goes wrong now, by session."""
    release: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def mails(self) -> list[EmailMessage]:
        return [message_from_bytes(each, policy=policy.default) for each in self.raw]

    @property
    def ids(self) -> list[str]:
        """The ids of the messages, as they came."""
        return [str(each["Message-ID"]).strip("<>").partition("@")[0] for each in self.mails]

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any
    ) -> AuthResult:
        if self.faults[:1] == ["locked-out"]:
            self.running[id(session)] = self.faults.pop(0)
        if self.running.get(id(session)) == "locked-out":
            return AuthResult(success=False, handled=False)
        fits = (given.login, given.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=fits, handled=fits)

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, lines: list[str]
    ) -> list[str]:
        session.host_name = hostname
        if session not in self.sessions:
            self.sessions.append(session)
        return lines

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        fault = self.faults.pop(0) if self.faults else "none"
        self.running[id(session)] = fault
        if fault == "broken":
            wire(server).write(b"421 4.3.2 closing\r\n")
            wire(server).close()
        if self.refusals.get("mail") == HANG_UP:
            self.refusals.clear()
            wire(server).abort()
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return self.refusals.get("mail", "250 2.1.0 fine")

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        by_fault = {"refused": "554 5.7.1 no", "busy": "451 4.7.1 later"}
        return by_fault.get(self.running[id(session)]) or self.refusals.get(
            "rcpt", "250 2.1.5 fine"
        )

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        fault = self.running[id(session)]
        if fault in AFTER and "data" not in self.refusals:
            assert isinstance(envelope.original_content, bytes)
            assert envelope.mail_from is not None
            self.raw.append(envelope.original_content)
            self.envelopes.append((envelope.mail_from, envelope.rcpt_tos, envelope.mail_options))
        match fault:
            case "time-out" | "time-out-after":
                await asyncio.wait_for(self.release.wait(), 10)
            case "reset":
                wire(server).abort()
            case "cut":
                wire(server).write(b"250 2.0")
                wire(server).abort()
            case "drip":
                await self.drip(server)
            case "malformed":
                return "hello"
        return self.refusals.get("data", "250 2.0.0 queued as 4Xyz")

    async def drip(self, server: SMTP) -> None:
        for each in b"250-" + b"x" * 1_000:
            if server.transport is None or server.transport.is_closing():
                return
            wire(server).write(bytes([each]))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.release.wait(), 0.05)
                return


def wire(server: SMTP) -> asyncio.WriteTransport:
    assert isinstance(server.transport, asyncio.WriteTransport)
    return server.transport


@contextlib.contextmanager
def relay(
    *,
    tls: ssl.SSLContext | None = None,
    starttls: ssl.SSLContext | None = None,
    utf8: bool = True,
) -> Iterator[Relay]:
    """Yields a relay: with TLS from the start, with STARTTLS, or without either."""
    found = Relay()
    loop = asyncio.new_event_loop()

    def speak() -> SMTP:
        return SMTP(
            found,
            loop=loop,
            hostname="localhost",
            enable_SMTPUTF8=utf8,
            tls_context=starttls,
            require_starttls=starttls is not None,
            authenticator=found.authenticate,
            auth_require_tls=False,
        )

    server = loop.run_until_complete(loop.create_server(speak, "127.0.0.1", 0, ssl=tls))
    found.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield found
    finally:
        asyncio.run_coroutine_threadsafe(_end(found, server), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end(found: Relay, server: asyncio.Server) -> None:
    found.release.set()
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0)


def options(port: int, **changes: Any) -> Options:
    given: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "security": "plain",
        "allow_plain": True,
        "username": USER,
        "password": PASSWORD,
        "sender": SENDER,
        "timeout_ms": PATIENT_MS,
        **changes,
    }
    return Options(**given)


def smtp(port: int, *, now_ms: Callable[[], int] | None = None, **changes: Any) -> SmtpProvider:
    """Returns a provider that sends through the relay at a port."""
    return SmtpProvider(options(port, **changes), now_ms=now_ms or WallClock().now_ms)


@contextlib.contextmanager
def case() -> Iterator[Case]:
    with relay() as found:
        yield Case(
            make=lambda time_out_ms: smtp(found.port, timeout_ms=time_out_ms),
            message=mail,
            effects=lambda: found.ids,
            fail=found.faults.append,
            secrets=(PASSWORD,),
            away=lambda: smtp(1),
            fates={fault: fates for fault, fates in FATES.items() if fault != "busy-for-7-s"},
        )


CASES: Cases = {"smtp": case}
