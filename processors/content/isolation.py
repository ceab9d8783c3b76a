"""Rendering in a process of its own, which is killed where a template takes too much.

Liquid's own limits count loops and output. They do not see one multiplication of huge numbers, one
text replaced in another, or a slow search: those are ended by the kernel, after 200 ms of the
processor's time or 64 MB, and the worker does not feel it. The process gets no environment, and
nothing but the documents and the commands: what signs our own links stays outside.
"""

import contextlib
import itertools
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from processors.content import drafts, links
from processors.content.drafts import Draft
from processors.content.facts import Options
from processors.content.frames import Frames
from processors.content.libraries import Library
from processors.content.links import Links
from processors.content.rendering import Renderer
from schemas.commands import Command
from schemas.errors import Unsendable
from schemas.messages import Message

CPU_S = 0.2
"""Of one message, compiling its template included."""
MEMORY_BYTES = 64 * 1024 * 1024
"""Beside what the process has when it begins."""
WALL_S = 10.0
"""For an answer, where the processor is busy with others."""
START_S = 60.0
AHEAD = 16
AHEAD_BYTES = 32_768
"""So many messages are given to it ahead, if all of them are as small as that: sockets hold more,
so that neither side waits for the other to read."""
MAX_STRIKES = 3
"""How often a template may end the process before nobody tries it any more."""
COSTLY = ("template-too-costly", True)

Made = Sequence[Message] | Unsendable
"""What comes of one command."""

_MAIN = "from processors.content import isolation; isolation.main(int(__import__('sys').argv[1]))"
_READ = msgspec.msgpack.Decoder(list[Draft])


class Isolated:
    """Makes messages of commands in another process, a `Composer` by shape.

    Guarantees:
        Callable from any thread; each message within bounded time.
    """

    def __init__(self, *, tracking: Links | None = None, options: Options | None = None) -> None:
        self._links = tracking  # they stay here, with what they are signed with
        self._options = msgspec.msgpack.encode(options or Options())
        self._documents = b"T" + msgspec.msgpack.encode([])
        self._lock = threading.Lock()
        self._child: _Child | None = None
        self._strikes: dict[str, int] = {}

    def take(self, written: Iterable[Mapping[str, Any]]) -> list[str]:
        """Takes documents in the place of all before; returns what is wrong with some of them."""
        with self._lock:
            self._documents = b"T" + msgspec.msgpack.encode(list(written))
            self._strikes.clear()
            if self._child is not None:
                answer = self._child.ask(self._documents, START_S)
                if answer is not None:
                    return _problems(answer)
                self._end()
            return self._begin()

    def compose(self, command: Command) -> Sequence[Message]:
        """Returns one message for each address, at least one.

        Raises:
            Unsendable: it can not be made; the reason says why.
        """
        [made] = self.compose_all([command])
        if isinstance(made, Unsendable):
            raise made
        return made

    def compose_all(self, commands: Iterable[Command]) -> Sequence[Made]:
        """Returns what `compose` returns or raises of each, in their order."""
        found: dict[int, Made] = {}
        jobs = self._jobs(commands, found)
        waiting: deque[_Job] = deque()
        sent: deque[_Job] = deque()
        with self._lock:
            try:
                while True:
                    if len(sent) <= AHEAD // 2:  # many at a time
                        room = max(0, AHEAD - len(sent) - len(waiting))
                        waiting.extend(itertools.islice(jobs, room))
                        if not waiting and not sent:
                            break
                        self._send(waiting, sent, found)
                    if sent:
                        self._receive(waiting, sent, found)
            finally:
                if sent:  # something raised: their answers would be taken for those of the next
                    self._end()
        return [found[place] for place in range(len(found))]

    @property
    def pid(self) -> int | None:
        """The process; None where there is none now."""
        return None if self._child is None else self._child.pid

    def close(self) -> None:
        """Ends the process."""
        with self._lock:
            self._end()

    def _jobs(self, commands: Iterable[Command], found: dict[int, Made]) -> "Iterator[_Job]":
        """Yields what the process can be told; of the rest it is found why not."""
        for place, command in enumerate(commands):
            ours = links.own(self._links, command)
            try:
                frame = b"C" + msgspec.msgpack.encode((ours, command))
            except OverflowError:  # no template makes it smaller
                found[place] = Unsendable("number-out-of-range", _template(command))
            else:
                yield _Job(place, command, frame)

    def _send(self, waiting: "deque[_Job]", sent: "deque[_Job]", found: dict[int, Made]) -> None:
        """Has the process never wait for its next message, and never for us to take its answer."""
        if not sent and self._child is not None and self._child.is_gone:
            self._end()
        frames = []
        while waiting and len(sent) < AHEAD:
            size = sum(len(each.frame) for each in (*sent, waiting[0]))
            if sent and size > AHEAD_BYTES:
                break
            job = waiting.popleft()
            if self._strikes.get(job.template, 0) >= MAX_STRIKES:
                found[job.place] = job.too_costly()
                continue
            sent.append(job)
            frames.append(job.frame)
        if frames:
            if self._child is None:
                self._begin()
            assert self._child is not None
            self._child.send(frames)

    def _receive(self, waiting: "deque[_Job]", sent: "deque[_Job]", found: dict[int, Made]) -> None:
        """Takes one answer; where the process ended of it, what else it was given waits again."""
        assert self._child is not None
        was_fresh = self._child.answers == 0
        answer = self._child.receive(WALL_S)
        job = sent.popleft()
        if answer is not None:
            found[job.place] = self._made(job, answer)
            return
        self._end()
        waiting.extendleft(reversed(sent))
        sent.clear()
        if was_fresh:  # else it may have been full of what came before
            self._strikes[job.template] = self._strikes.get(job.template, 0) + 1
            found[job.place] = job.too_costly()
        else:
            waiting.appendleft(job)

    def _made(self, job: "_Job", answer: bytes) -> Made:
        try:
            return [drafts.finished(one, job.command, self._links) for one in _drafts(answer)]
        except Unsendable as problem:
            return problem

    def _begin(self) -> list[str]:
        self._child = _Child(self._options)
        answer = self._child.ask(self._documents, START_S)
        if answer is None:
            self._end()
            raise OSError("the process that renders templates does not start")
        self._child.answers = 0
        return _problems(answer)

    def _end(self) -> None:
        if self._child is not None:
            self._child.end()
            self._child = None


class _Job(NamedTuple):
    """One message that is to be made."""

    place: int
    command: Command
    frame: bytes

    @property
    def template(self) -> str:
        """Its name."""
        return _template(self.command)

    def too_costly(self) -> Unsendable:
        """What is said of a template that ended the process."""
        reason, is_held = COSTLY
        return Unsendable(reason, self.template, is_held=is_held)


class _Child:
    """The process, as seen from here."""

    def __init__(self, told: bytes) -> None:
        ours, theirs = socket.socketpair()
        self.answers = 0
        self._frames = Frames(ours)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _MAIN, str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                env={"PYTHONPATH": os.pathsep.join(each for each in sys.path if each)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # what a failing template says may be personal
            )
        self.send([told])

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    @property
    def is_gone(self) -> bool:
        """Whether it has ended by itself, or somebody else has ended it."""
        return self._process.poll() is not None

    def ask(self, frame: bytes, wait_s: float) -> bytes | None:
        """Returns the answer; None where there is none in time, or never will be."""
        self.send([frame])
        return self.receive(wait_s)

    def send(self, frames: Iterable[bytes]) -> None:
        """Gives it things to do; that it is not there any more shows in the answers."""
        with contextlib.suppress(OSError):
            self._frames.send(frames)

    def receive(self, wait_s: float) -> bytes | None:
        """Returns the next answer; None where there is none in time, or never will be."""
        try:
            answer = self._frames.receive(wait_s)
        except OSError:
            return None
        self.answers += 1
        return answer

    def end(self) -> None:
        """Ends it at once."""
        self._frames.close()
        self._process.kill()
        self._process.wait()


def main(descriptor: int) -> None:
    """Serves the process that began this one, until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError), socket.socket(fileno=descriptor) as end:
        frames = Frames(end)
        options = msgspec.msgpack.decode(frames.receive(), type=Options)
        library = Library()
        renderer = Renderer(library, options=options)
        while True:
            frames.send([answer(frames.receive(), library, renderer)])


def answer(frame: bytes, library: Library, renderer: Renderer) -> bytes:
    """Returns what a frame is answered with: of documents, or of a command."""
    if frame[:1] == b"T":
        problems = library.take(msgspec.msgpack.decode(frame[1:]))
        _bound_memory()
        return b"P" + msgspec.msgpack.encode([str(each) for each in problems])
    urls, command = msgspec.msgpack.decode(frame[1:], type=tuple[dict[str, str], Command])
    signal.setitimer(signal.ITIMER_PROF, CPU_S)  # its signal ends the process: nobody catches it
    try:
        return b"M" + msgspec.msgpack.encode(list(renderer.drafts(command, urls)))
    except Unsendable as error:
        return b"U" + msgspec.msgpack.encode([error.reason, error.detail, error.is_held])
    except MemoryError:
        reason, is_held = COSTLY
        return b"U" + msgspec.msgpack.encode([reason, _template(command), is_held])
    except Exception as error:  # of one message: the process goes on with the others
        return b"U" + msgspec.msgpack.encode(["template-broken", type(error).__name__, True])
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _template(command: Command) -> str:
    """Returns the name of a template; of a webhook that of the action."""
    return command.template or f"{command.definition_id}/{command.step}@{command.version}"


def _bound_memory() -> None:
    """Has the kernel refuse more memory than a message may take; only where it can be told."""
    with contextlib.suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
        limit = pages * resource.getpagesize() + MEMORY_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))


def _drafts(answer: bytes) -> list[Draft]:
    if answer[:1] == b"M":
        return _READ.decode(answer[1:])
    reason, detail, is_held = msgspec.msgpack.decode(answer[1:])
    raise Unsendable(reason, detail, is_held=is_held)


def _problems(answer: bytes) -> list[str]:
    found: list[str] = msgspec.msgpack.decode(answer[1:])
    return found
