"""How far a partition is finished, where its records end in any order.

An offset is committed only when everything before it is finished: what a crash cuts off comes
again, and nothing is left out.
"""

from collections.abc import Iterable, Mapping


class Progress:
    """One partition. Of the event loop: not safe for threads."""

    def __init__(self) -> None:
        self._open: dict[int, None] = {}
        self._next: int | None = None

    def take(self, offset: int) -> None:
        """Remembers a record that came; they come in the order of their offsets."""
        self._open[offset] = None
        self._next = offset + 1

    def finish(self, offset: int) -> None:
        """Remembers that Kafka has all that came of the record."""
        self._open.pop(offset, None)

    def reach(self, offset: int) -> None:
        """Remembers an offset with no record before it that would still come."""
        self._next = max(offset, self._next or 0)

    @property
    def position(self) -> int | None:
        """The offset to go on from after a crash; None: nothing came yet."""
        return next(iter(self._open), self._next)


class Partitions:
    """Those that are ours now."""

    def __init__(self) -> None:
        self._owned: dict[int, Progress] = {}
        self._leaving: set[int] = set()
        self._committed: dict[int, int] = {}

    def __len__(self) -> int:
        """Returns how many are ours and are not about to leave."""
        return len(self._owned.keys() - self._leaving)

    def now(self, partition: int) -> Progress | None:
        """Returns that of this turn of ownership, if it is ours: another where it came again."""
        return self._owned.get(partition)

    def come(self, partitions: Iterable[int]) -> None:
        """Takes partitions up."""
        self._owned.update((one, Progress()) for one in partitions)

    def take(self, partition: int, offset: int) -> bool:
        """Remembers a record that came; False: its partition has left, or is about to."""
        found = self._owned.get(partition)
        if found is None or partition in self._leaving:
            return False
        found.take(offset)
        return True

    def finish(self, partition: int, offset: int) -> None:
        """Remembers that Kafka has all that came of a record, wherever its partition is now."""
        found = self._owned.get(partition)
        if found is not None:
            found.finish(offset)

    def reach(self, ends: Mapping[int, int]) -> None:
        """Remembers how far partitions hold records."""
        for partition, offset in ends.items():
            if partition in self._owned:
                self._owned[partition].reach(offset)

    def due(self) -> dict[int, int]:
        """Returns by partition the offset to commit, where it has moved since the last time."""
        moved = {}
        for partition, one in self._owned.items():
            position = one.position
            if position is not None and self._committed.get(partition) != position:
                moved[partition] = self._committed[partition] = position
        return moved

    def shut(self, partitions: Iterable[int]) -> None:
        """Takes nothing more of partitions that are about to leave."""
        self._leaving.update(partitions)

    def leave(self, partitions: Iterable[int]) -> dict[int, int]:
        """Gives partitions up; returns what to commit of them before."""
        left = {}
        for partition in partitions:
            self._committed.pop(partition, None)
            self._leaving.discard(partition)
            found = self._owned.pop(partition, None)
            if found is not None and found.position is not None:
                left[partition] = found.position
        return left
