"""Apple's push service on a free port of this machine, over HTTP/2, which misbehaves on request.

One thread a connection, one stream after the other: the client's many streams are what is tested.
"""

import contextlib
import json
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded
from h2.exceptions import ProtocolError

from tests.providers.servers import Fault

ANSWERS: dict[str, tuple[int, dict[str, object], dict[str, str]]] = {
    "refused": (400, {"reason": "DeviceTokenNotForTopic"}, {}),
    "locked-out": (403, {"reason": "InvalidProviderToken"}, {}),
    "busy": (429, {"reason": "TooManyRequests"}, {}),
    "busy-for-7-s": (429, {"reason": "TooManyRequests"}, {"retry-after": "7"}),
    "broken": (500, {"reason": "InternalServerError"}, {}),
    "gone": (410, {"reason": "Unregistered", "timestamp": 1}, {}),
}


@dataclass
class Apple:
    """What came in, and what goes wrong next."""

    public: EllipticCurvePublicKey
    faults: list[Fault] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    """Keys of `ANSWERS`, for what is no fault of the suite's."""
    effects: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    payloads: list[Any] = field(default_factory=list)
    port: int = 0
    release: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def serve(self, client: socket.socket) -> None:
        """Speaks with one client until it leaves."""
        connection = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        connection.initiate_connection()
        streams: dict[int, tuple[dict[str, str], bytearray]] = {}
        with client, contextlib.suppress(OSError, ProtocolError):
            client.sendall(connection.data_to_send())
            while data := client.recv(65_536):
                for event in connection.receive_data(data):
                    match event:
                        case RequestReceived(stream_id=id_, headers=headers):
                            named = [(str(name), str(value)) for name, value in headers]
                            streams[id_] = (dict(named), bytearray())
                        case DataReceived(stream_id=id_, data=piece):
                            streams[id_][1].extend(piece)
                            length = event.flow_controlled_length
                            connection.acknowledge_received_data(length, id_)
                        case StreamEnded(stream_id=id_):
                            if not self.respond(client, connection, id_, *streams.pop(id_)):
                                return
                client.sendall(connection.data_to_send())

    def respond(
        self,
        client: socket.socket,
        connection: H2Connection,
        id_: int,
        headers: dict[str, str],
        body: bytearray,
    ) -> bool:
        """Answers one request; returns whether the connection goes on."""
        self.headers.append(headers)
        self.payloads.append(json.loads(bytes(body)))
        fault = self.faults.pop(0) if self.faults else "none"
        key = self.answers.pop(0) if self.answers else fault
        if self.wrong(headers):
            key = "locked-out"
        elif fault in ("none", "time-out-after", "cut", "malformed") and key not in ANSWERS:
            self.effects.append(headers["apns-collapse-id"])
        if key in ("time-out", "time-out-after"):
            return True  # this stream alone is never answered
        if key == "reset":
            linger = struct.pack("ii", 1, 0)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            return False
        status, content, more = ANSWERS.get(key, (200, {}, {}))
        sent = [(":status", str(status)), ("apns-id", headers.get("apns-id", "")), *more.items()]
        connection.send_headers(id_, sent, end_stream=not content)
        if content:
            connection.send_data(id_, json.dumps(content).encode(), end_stream=True)
        return True

    def wrong(self, headers: dict[str, str]) -> bool:
        """Tells whether the provider's token is not one that Apple would take."""
        token = headers["authorization"].removeprefix("bearer ")
        try:
            found = jwt.decode(
                token, self.public, algorithms=["ES256"], options={"verify_iat": False}
            )
        except jwt.InvalidTokenError:
            return True
        head = jwt.get_unverified_header(token)
        return found.keys() != {"iss", "iat"} or head.get("kid") != "KEY1234567"


@contextlib.contextmanager
def serving(public: EllipticCurvePublicKey) -> Iterator[Apple]:
    """Yields the service, listening on a free port of this machine."""
    found = Apple(public)
    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        found.port = server.getsockname()[1]

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = server.accept()
                    if found.release.is_set():
                        client.close()
                        return
                    threads.append(threading.Thread(target=found.serve, args=(client,)))
                    threads[-1].start()

        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield found
        finally:
            found.release.set()
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", found.port), 1).close()
            for thread in (acceptor, *threads):
                thread.join(10)
