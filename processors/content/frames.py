"""Frames between two processes, over a pair of sockets: each its length, and its bytes.

Whoever asks the system lets go of the interpreter's lock, and beside a busy thread waits for it, up
to 5 ms each time. So many frames go out in one call, what came together is taken in one, and that
call is also the one that waits.
"""

import socket
import struct
from collections.abc import Iterable

READ_BYTES = 262_144
_LENGTH = struct.Struct("!I")
_TIMEVAL = struct.Struct("@ll")


class Frames:
    """One end."""

    def __init__(self, end: socket.socket) -> None:
        """Takes a stream socket that blocks, and closes it at the end."""
        self._socket = end
        self._came = bytearray()
        self._wait_s: float | None = None

    def send(self, frames: Iterable[bytes]) -> None:
        """Sends them, all at once.

        Raises:
            OSError: the other end is gone.
        """
        self._socket.sendall(b"".join(_LENGTH.pack(len(one)) + one for one in frames))

    def receive(self, wait_s: float | None = None) -> bytes:
        """Returns the next frame.

        Args:
            wait_s: how long nothing may come; None: for ever.

        Raises:
            OSError: none came in time, or the other end is gone.
        """
        while (end := self._end()) > len(self._came):
            self._bound(wait_s)
            piece = self._socket.recv(READ_BYTES)
            if not piece:
                raise ConnectionError("the other end is closed")
            self._came += piece
        frame = bytes(self._came[_LENGTH.size : end])
        del self._came[:end]
        return frame

    def close(self) -> None:
        """Closes this end; the other one notices."""
        self._socket.close()

    def _end(self) -> int:
        """Returns where the first frame ends, or its length where not even that has come."""
        if len(self._came) < _LENGTH.size:
            return _LENGTH.size
        return _LENGTH.size + int(_LENGTH.unpack_from(self._came)[0])

    def _bound(self, wait_s: float | None) -> None:
        """Has the system end a read that nothing comes to: Python's own way is a call more."""
        if wait_s != self._wait_s:
            until = _TIMEVAL.pack(*divmod(round((wait_s or 0) * 1_000_000), 1_000_000))
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, until)
            self._wait_s = wait_s
