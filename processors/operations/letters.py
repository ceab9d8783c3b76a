"""Reads the dead letters of a cluster: how many of each kind there are, and some of them.

What was replayed is known by marks, which lie behind the letters in their own partition.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing

import msgspec
from confluent_kafka import Consumer

from processors.operations.errors import OperationFailed
from processors.runtime import clients, readers
from processors.runtime.clients import Cluster, Polled
from schemas import letters
from schemas.letters import Whence
from schemas.topics import CHANNELS, full_name

SETTLE_S = 30.0
"""How long transactions of others may hide what lies behind them."""
WAIT_S = 0.2
CUT = "its value was cut"

Kind = tuple[str, str]
"""Reason, and the topic it came from."""


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which letters are meant; unsaid: all."""

    reasons: frozenset[str] = frozenset()
    partition: int | None = None
    """Of `dead-letters`."""
    first: int = 0
    """The first offset there."""
    last: int | None = None

    def takes(self, letter: "Letter") -> bool:
        """Returns whether a letter is meant."""
        return (
            (not self.reasons or letter.whence.reason in self.reasons)
            and self.partition in (None, letter.partition)
            and self.first <= letter.offset
            and (self.last is None or letter.offset <= self.last)
        )


class Letter(msgspec.Struct, frozen=True):
    """One dead letter, and where it lies."""

    partition: int
    offset: int
    at_ms: int
    """When it was written."""
    whence: Whence
    key: bytes | None
    value: bytes | None

    @property
    def place(self) -> str:
        """Partition and offset of `dead-letters`."""
        return f"{self.partition}:{self.offset}"


class Count(msgspec.Struct, kw_only=True):
    """What there is of one reason and topic."""

    waiting: int = 0
    """Not replayed, and it could be."""
    kept: int = 0
    """Not replayed, and it can not be."""
    replayed: int = 0
    latest_ms: int = 0


class Found(msgspec.Struct, kw_only=True):
    """What the topic has of a selection."""

    counts: dict[Kind, Count] = {}
    samples: list[Letter] = []
    waiting: dict[int, set[int]] = {}
    """By partition, the offsets of those that can be replayed, and were not."""


class Pile:
    """The topic of dead letters, as it is when it is opened. Used by one thread."""

    def __init__(self, cluster: Cluster, prefix: str) -> None:
        """Sees to it that no transaction hides what was written before.

        Raises:
            OperationFailed: one does for too long.
            TopicMissing: there is no such topic.
            BrokerAway: the cluster does not answer.
        """
        self.topic = full_name(prefix, "dead-letters")
        names = ("events", "events.raw", *(f"commands.{each}" for each in CHANNELS))
        self._known = {full_name(prefix, each) for each in names}
        self._reader = clients.reader(cluster, f"{prefix}dead-letters-read")
        try:
            self.ends = _settled(cluster, self._reader, self.topic)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Lets go of its consumer."""
        self._reader.close()

    @property
    def reader(self) -> Consumer:
        """The consumer that it reads with."""
        return self._reader

    def obstacle(self, letter: Letter) -> str | None:
        """Returns why a letter can not be replayed; None where it can.

        Those of definitions can not: an older version might come to lie over a newer one.
        """
        if letter.whence.is_cut:
            return CUT
        if letter.whence.topic not in self._known:
            return f"nothing is sent to {letter.whence.topic} again"
        return None

    def find(
        self,
        selection: Selection,
        *,
        samples: int = 0,
        progress: Callable[[int], None] = lambda records: None,
    ) -> Found:
        """Returns what is there of a selection.

        Args:
            selection: which letters.
            samples: how many of each reason and topic, the newest of a partition, are given whole.
            progress: is told the number of records after each stretch.

        Raises:
            BrokerAway: it can not be read.
        """
        found, count = Found(), 0
        for partition, end in self.ends.items():
            tally = _Tally(self, selection, samples)
            for stretch in readers.read(self._reader, self.topic, {partition: end}):
                for each in stretch:
                    tally.take(each)
                count += len(stretch)
                progress(count)
            tally.add_to(found, partition)
        found.samples = _newest(found.samples, samples)
        return found

    def letters(self, waiting: dict[int, set[int]]) -> Iterator[Letter]:
        """Yields the letters at some offsets of partitions, with all that they hold."""
        for partition, offsets in waiting.items():
            for stretch in readers.read(self._reader, self.topic, {partition: max(offsets) + 1}):
                for each in stretch:
                    letter = _letter(each)
                    if letter is not None and letter.offset in offsets:
                        yield letter


class _Tally:
    """Counts the letters of one partition."""

    def __init__(self, pile: Pile, selection: Selection, samples: int) -> None:
        self._pile = pile
        self._selection = selection
        self._samples = samples
        self._open: dict[int, tuple[Kind, bool]] = {}
        """By offset, letters that no mark is known of, and whether they can be replayed."""
        self._newest: dict[Kind, deque[Letter]] = {}
        self._counts: dict[Kind, Count] = {}

    def take(self, message: Polled) -> None:
        """Takes a letter, or a mark; anything else on the topic is passed over."""
        letter = _letter(message)
        if letter is None:
            marked = letters.read_mark(message.headers())
            was = self._open.pop(marked, None) if marked is not None else None
            if was is not None:
                self._counts[was[0]].replayed += 1
        elif self._selection.takes(letter):
            kind = _kind(letter)
            count = self._counts.setdefault(kind, Count())
            count.latest_ms = max(count.latest_ms, letter.at_ms)
            self._open[letter.offset] = kind, self._pile.obstacle(letter) is None
            self._newest.setdefault(kind, deque(maxlen=self._samples)).append(letter)

    def add_to(self, found: Found, partition: int) -> None:
        """Adds up the partition."""
        for kind, can_be in self._open.values():
            self._counts[kind].waiting += can_be
            self._counts[kind].kept += not can_be
        for kind, count in self._counts.items():
            whole = found.counts.setdefault(kind, Count())
            whole.waiting += count.waiting
            whole.kept += count.kept
            whole.replayed += count.replayed
            whole.latest_ms = max(whole.latest_ms, count.latest_ms)
            newest = self._newest[kind]
            found.samples += [each for each in newest if each.offset in self._open]
        waiting = {offset for offset, (_, can_be) in self._open.items() if can_be}
        if waiting:
            found.waiting[partition] = waiting


def _newest(samples: list[Letter], most: int) -> list[Letter]:
    """Returns the newest of each kind, kind by kind."""
    kinds: dict[Kind, list[Letter]] = {}
    for each in sorted(samples, key=lambda one: (one.at_ms, one.partition, one.offset)):
        kinds.setdefault(_kind(each), []).append(each)
    return [each for _, found in sorted(kinds.items()) for each in found[-most:]]


def _kind(letter: Letter) -> Kind:
    return letter.whence.reason, letter.whence.topic


def _letter(message: Polled) -> Letter | None:
    whence = letters.read_headers(message.headers())
    if whence is None:
        return None
    return Letter(
        message.partition(),
        message.offset(),
        message.timestamp()[1],
        whence,
        message.key(),
        message.value(),
    )


def _settled(cluster: Cluster, reader: Consumer, topic: str) -> dict[int, int]:
    """Returns where the partitions end, once all before that is decided: written, or aborted."""
    with closing(clients.reader(cluster, f"{topic}-ends", sees_open=True)) as seeing:
        wanted = readers.ends(seeing, topic)
    until_s = time.monotonic() + SETTLE_S
    while any(readers.span(reader, topic, each).stop < end for each, end in wanted.items()):
        if time.monotonic() > until_s:
            raise OperationFailed("a transaction on dead-letters does not end: try again later")
        time.sleep(WAIT_S)
    return wanted
