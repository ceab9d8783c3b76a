"""Frames: whole and in their order, however the bytes come; and no waiting for ever."""

import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.content.frames import READ_BYTES, Frames


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, Frames]]:
    """One end as it is, the other to read frames from."""
    raw, end = socket.socketpair()
    found = Frames(end)
    yield raw, found
    raw.close()
    found.close()


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=20), st.integers(1, 50))
def test_frames_come_whole_in_their_order(frames: list[bytes], at_once: int) -> None:
    one, other = socket.socketpair()
    with one, other:
        said = b"".join(struct.pack("!I", len(each)) + each for each in frames)

        def write() -> None:
            for first in range(0, len(said), at_once):
                one.sendall(said[first : first + at_once])

        writer = threading.Thread(target=write)
        writer.start()
        reader = Frames(other)
        assert [reader.receive(10) for _ in frames] == frames
        writer.join()


def test_what_is_sent_together_is_read_one_by_one(ends: tuple[socket.socket, Frames]) -> None:
    raw, reader = ends
    Frames(raw).send([b"a", b"", b"ccc"])
    assert [reader.receive(10) for _ in range(3)] == [b"a", b"", b"ccc"]


def test_frame_may_be_larger_than_what_is_read_at_once(
    ends: tuple[socket.socket, Frames],
) -> None:
    raw, reader = ends
    frame = bytes(range(256)) * (READ_BYTES // 64)
    writer = threading.Thread(target=lambda: Frames(raw).send([frame, b"next"]))
    writer.start()
    assert reader.receive(10) == frame
    assert reader.receive() == b"next"
    writer.join()


def test_nothing_in_time_is_told(ends: tuple[socket.socket, Frames]) -> None:
    raw, reader = ends
    raw.sendall(b"\x00\x00\x00\x09begun")
    began_s = time.monotonic()
    with pytest.raises(OSError, match="temporarily unavailable"):
        reader.receive(0.2)
    assert 0.15 < time.monotonic() - began_s < 5


def test_end_that_closed_is_told(ends: tuple[socket.socket, Frames]) -> None:
    raw, reader = ends
    raw.sendall(b"\x00\x00\x00\x09begun")
    raw.close()
    with pytest.raises(ConnectionError):
        reader.receive(10)
    with pytest.raises(OSError, match=r"Broken pipe"):
        reader.send([b"anybody?"])
