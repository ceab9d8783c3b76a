"""A provider of messages on loopback, in a process of its own, and the connector that speaks to it.

It keeps a ledger of its own: a line a message that it accepted, before it answers. It knows keys,
can be asked what became of a message, and fails as it is told to: before and after accepting.
Usage: python -m tests.postboxes FILE PORT SEED PERCENT (of requests that go wrong; port 0: any).
"""

import asyncio
import contextlib
import json
import random
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from connectors.http import Attempt, Client
from schemas.messages import Message, Promise, Reply

FAULTS = ("503", "429", "drop-before", "drop-after", "slow-after")


class Postbox:
    """A `Provider` by shape."""

    channels = ("email", "webhook")

    def __init__(
        self, client: Client, url: str, *, promise: Promise, name: str = "postbox"
    ) -> None:
        self.name = name
        self.promise: Promise = promise
        self._client = client
        self._url = url

    async def send(self, message: Message) -> Reply:
        headers = {"Idempotency-Key": message.id} if self.promise == "key" else {}
        content = json.dumps({"id": message.id, "to": message.to}).encode()
        found = await self._client.ask("POST", f"{self._url}/send", content, headers=headers)
        return reply(found)

    async def look_up(self, message: Message) -> Reply | None:
        found = await self._client.ask("GET", f"{self._url}/messages/{message.id}", headers={})
        if found.status == 404:
            return Reply(fate="refused", detail="http-404")
        return reply(found)

    async def close(self) -> None:
        await self._client.close()


def reply(found: Attempt) -> Reply:
    after = int(found.retry_after) * 1000 if found.retry_after else None
    if found.sent:
        told = json.loads(found.body)["provider_id"]
        return Reply(fate="accepted", detail=found.detail, provider_id=told)
    if found.is_open:
        return Reply(fate="unknown", detail=found.detail)
    fate = "passing" if found.passing else "refused"
    return Reply(fate=fate, detail=found.detail, retry_after_ms=after)  # type: ignore[arg-type]


@dataclass
class Office:
    """A running provider."""

    url: str
    file: Path
    process: "subprocess.Popen[str]"

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def accepted(self) -> Counter[str]:
        """Returns how often each message was accepted, by its id."""
        if not self.file.exists():
            return Counter()
        return Counter(self.file.read_text().split())

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def office(file: Path, *, port: int = 0, seed: int = 1, percent: int = 0) -> Iterator[Office]:
    """Runs a provider; it ends with the block."""
    given = [sys.executable, "-m", "tests.postboxes", str(file), str(port), str(seed), str(percent)]
    process = subprocess.Popen(given, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    found = Office(f"http://127.0.0.1:{process.stdout.readline().strip()}", file, process)
    try:
        yield found
    finally:
        found.kill()
        process.stdout.close()


class Server:
    """Answers requests on kept connections."""

    def __init__(self, file: Path, seed: int, percent: int) -> None:
        known = file.read_text().split() if file.exists() else []
        self._accepted = set(known)
        self._keys = set(known)
        self._file = file.open("a", buffering=1)
        self._random = random.Random(seed)
        self._percent = percent

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while await self._answer(reader, writer):
                pass
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        method, path, _ = head.split(" ", 2)
        if method == "get":
            known = path.rpartition("/")[2] in self._accepted
            return await write(writer, 200 if known else 404)
        length = int(head.split("content-length: ")[1].split("\r\n")[0])
        message = json.loads(await reader.readexactly(length))["id"]
        fault = self._fault()
        if fault in ("503", "429"):
            return await write(writer, int(fault), after="0" if fault == "429" else None)
        if fault == "drop-before":
            return False
        self._accept(message, has_key="idempotency-key" in head)
        if fault == "drop-after":
            return False
        if fault == "slow-after":
            await asyncio.sleep(2)
        return await write(writer, 200)

    def _fault(self) -> str | None:
        if self._random.uniform(0, 100) >= self._percent:
            return None
        return self._random.choice(FAULTS)

    def _accept(self, message: str, *, has_key: bool) -> None:
        if has_key and message in self._keys:
            return
        self._accepted.add(message)
        if has_key:
            self._keys.add(message)
        self._file.write(message + "\n")


async def write(writer: asyncio.StreamWriter, status: int, after: str | None = None) -> bool:
    body = b'{"provider_id": "p-1"}'
    head = f"HTTP/1.1 {status} Said\r\nContent-Length: {len(body)}\r\n"
    head += f"Retry-After: {after}\r\n" if after is not None else ""
    writer.write(head.encode() + b"\r\n" + body)
    await writer.drain()
    return True


async def main(file: str, port: str, seed: str, percent: str) -> None:
    server = Server(Path(file), int(seed), int(percent))
    listening = await asyncio.start_server(server.serve, "127.0.0.1", int(port))
    sock: socket.socket = listening.sockets[0]
    sys.stdout.write(f"{sock.getsockname()[1]}\n")
    sys.stdout.flush()
    await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
