"""What takes webhooks in a measurement: answers at once, and says after each thousand that it did.

Usage: python -m benchmarks.receivers
"""

import asyncio
import json
import sys

EVERY = 1_000
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def say(message: str, **fields: int) -> None:
    sys.stderr.write(json.dumps({"message": message, **fields}) + "\n")
    sys.stderr.flush()


class Counted:
    """How many came, over all connections."""

    def __init__(self) -> None:
        self.count = 0

    def one(self) -> None:
        self.count += 1
        if self.count % EVERY == 0:
            say("received", count=self.count)


class Receiver(asyncio.Protocol):
    """One connection: posts with a length, one after the other."""

    def __init__(self, counted: Counted) -> None:
        self._counted = counted
        self._held = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._held += data
        head, end, rest = self._held.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
        if not end or len(rest) < int(length or 0):
            return
        self._held = rest[int(length or 0) :]
        self._counted.one()
        assert self._transport is not None
        self._transport.write(ANSWER)


async def main() -> None:
    counted = Counted()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Receiver(counted), "127.0.0.1", 0)
    say("listens", port=server.sockets[0].getsockname()[1])
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
