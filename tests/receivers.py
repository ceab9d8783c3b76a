"""A receiver of webhooks as a customer runs one: checks signatures, misbehaves on request."""

import contextlib
import json
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import pytest
from standardwebhooks import Webhook

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD_SECRET = "whsec_" + "c2Vjb25kLXNlY3JldC1vZi0yNC1ieXRlcyE="


@dataclass
class Receiver:
    """What came in, and how to answer."""

    port: int = 0
    posts: list[dict[str, Any]] = field(default_factory=list)
    """The messages whose signature was right, as they came."""
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)
    refused: int = 0
    """Posts whose signature was wrong."""
    seen: Counter[str] = field(default_factory=Counter)
    """Posts by path."""
    release: threading.Event = field(default_factory=threading.Event)
    """Ends the waiting of `/slow`."""
    arrived: threading.Event = field(default_factory=threading.Event)
    """Set by any post."""

    def url(self, path: str = "/ok") -> str:
        """The address of a behaviour; see `Handler.do_POST`."""
        return f"http://127.0.0.1:{self.port}{path}"

    @property
    def ids(self) -> list[str]:
        """The ids of the messages, as they came."""
        return [post["id"] for post in self.posts]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    receiver: Receiver

    def do_POST(self) -> None:
        receiver = self.receiver
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        receiver.seen[self.path] += 1
        receiver.headers.append({name.lower(): value for name, value in self.headers.items()})
        receiver.bodies.append(body)
        receiver.methods.append(self.command)
        try:
            Webhook(SECRET).verify(body, dict(self.headers.items()), json_parse=False)
            receiver.posts.append(json.loads(body or b"{}"))
        except Exception:
            receiver.refused += 1
        receiver.arrived.set()
        self.behave(self.path)

    do_PUT = do_PATCH = do_DELETE = do_GET = do_POST

    def behave(self, path: str) -> None:
        first = self.receiver.seen[path] == 1
        match unquote(path).strip("/").split("/"):
            case ["ok", *_]:
                self.answer(200)
            case ["status", status]:
                self.answer(int(status))
            case ["first", status]:
                self.answer(int(status) if first else 200)
            case ["later", seconds]:
                self.answer(429 if first else 200, {"Retry-After": seconds})
            case ["redirect"]:
                self.answer(302, {"Location": self.receiver.url("/ok")})
            case ["slow"]:
                self.receiver.release.wait(10)
                self.close_connection = True
            case ["huge"]:
                self.answer(200, {"Content-Length": str(10**10)}, b"x" * 200_000)
            case ["drop"]:
                self.close_connection = True
            case ["drop-first"]:
                self.answer(200) if not first else setattr(self, "close_connection", True)

    def answer(
        self, status: int, headers: dict[str, str] | None = None, body: bytes = b"{}"
    ) -> None:
        found = {"Content-Length": str(len(body)), "Set-Cookie": "a=b", **(headers or {})}
        self.send_response(status)
        for name, value in found.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)
        if found["Content-Length"] != str(len(body)):
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def receiver() -> Iterator[Receiver]:
    """Yields a receiver that listens on a free port of this machine."""
    found = Receiver()
    handler = type("BoundHandler", (Handler,), {"receiver": found})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        found.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield found
        finally:
            found.release.set()
            server.shutdown()
            thread.join()


@pytest.fixture
def inbox() -> Iterator[Receiver]:
    """A receiver that listens while the test runs."""
    with receiver() as found:
        yield found
