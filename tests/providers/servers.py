"""A provider's HTTP service on a free port of this machine, which misbehaves on request.

What it takes and answers is said by a `Service`, made from the provider's documentation; what goes
wrong is said here, once for all of them.
"""

import contextlib
import json
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, NamedTuple, Protocol
from urllib.parse import parse_qs

Fault = Literal[
    "none",
    "refused",
    "locked-out",
    "busy",
    "busy-for-7-s",
    "broken",
    "time-out",
    "time-out-after",
    "reset",
    "cut",
    "drip",
    "malformed",
]
"""`…-after`: only then was the message taken. `cut`: the answer ends within its body."""
TAKES = frozenset({"none", "time-out-after", "cut", "drip", "malformed"})


class Request(NamedTuple):
    """One request, as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        pairs = parse_qs(self.body.decode(), keep_blank_values=True, strict_parsing=True)
        return {name: values[0] for name, values in pairs.items()}


class Answer(NamedTuple):
    """What is answered."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = {}


def answer(status: int, content: object, **headers: str) -> Answer:
    """Returns an answer in JSON; `X_Message_Id` is the header X-Message-Id."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, json.dumps(content).encode(), named)


ANSWERS: Mapping[Fault, Answer] = {
    "locked-out": answer(401, {"message": "no"}),
    "busy": answer(429, {"message": "slow down"}),
    "busy-for-7-s": answer(429, {"message": "slow down"}, Retry_After="7"),
    "broken": answer(500, {"message": "sorry"}),
}


class Service(Protocol):
    """What a provider's documentation says of sending."""

    def taken(self, request: Request) -> str:
        """Returns the id of our message that the request carries."""
        ...

    def wrong(self, request: Request) -> Answer | None:
        """Returns how a request is refused that is not of the documented form."""
        ...

    def accept(self, request: Request, known: bool) -> Answer:
        """Returns how a request is answered that is taken, or was before (`known`)."""
        ...

    def refuse(self) -> Answer:
        """Returns how a message is refused for good."""
        ...


@dataclass
class Fake:
    """A running service, and what came of it."""

    service: Service
    has_keys: bool = False
    """Whether a repeat is known."""
    port: int = 0
    faults: list[Fault] = field(default_factory=list)
    """What goes wrong with the next requests, one after the other; afterwards nothing."""
    requests: list[Request] = field(default_factory=list)
    effects: list[str] = field(default_factory=list)
    """The ids of the messages that it took, as often as it would deliver them."""
    release: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: Fake

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, self.rfile.read(length))
        fake = self.fake
        fake.requests.append(request)
        fault = fake.faults.pop(0) if fake.faults else "none"
        wrong = fake.service.wrong(request)
        if wrong is not None:
            self.respond(wrong)
            return
        found = self.take(request) if fault in TAKES else fake.service.refuse()
        self.misbehave(fault, found)

    do_GET = do_PUT = do_DELETE = do_POST

    def take(self, request: Request) -> Answer:
        fake = self.fake
        key = fake.service.taken(request)
        known = fake.has_keys and key in fake.effects
        if not known:
            fake.effects.append(key)
        return fake.service.accept(request, known)

    def misbehave(self, fault: Fault, found: Answer) -> None:
        match fault:
            case "time-out" | "time-out-after":
                self.fake.release.wait(10)
                self.close_connection = True
            case "reset":
                self.reset()
            case "cut":
                self.cut(found)
            case "drip":
                self.drip()
            case "malformed":
                self.respond(found._replace(body=b'{"id": '))
            case _:
                self.respond(ANSWERS.get(fault, found))

    def respond(self, found: Answer) -> None:
        with contextlib.suppress(OSError):
            self.send_response(found.status)
            for name, value in found.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(found.body)))
            self.end_headers()
            self.wfile.write(found.body)

    def reset(self) -> None:
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True

    def cut(self, found: Answer) -> None:
        with contextlib.suppress(OSError):
            self.send_response(found.status)
            for name, value in found.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(found.body) + 1_000))
            self.end_headers()
            self.wfile.write(found.body[: len(found.body) // 2])
        self.reset()

    def drip(self) -> None:
        with contextlib.suppress(OSError):
            for each in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 1_000:
                self.wfile.write(bytes([each]))
                if self.fake.release.wait(0.05):
                    break
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


@contextlib.contextmanager
def serving(service: Service, *, has_keys: bool = False) -> Iterator[Fake]:
    """Yields the service, listening on a free port of this machine."""
    fake = Fake(service, has_keys)
    handler = type("BoundHandler", (Handler,), {"fake": fake})
    with Server(("127.0.0.1", 0), handler) as server:
        fake.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield fake
        finally:
            fake.release.set()
            server.shutdown()
            thread.join()
