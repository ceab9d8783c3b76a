"""Reads the `events` of a cluster, as of now, for operations that look at history."""

from collections.abc import Iterator
from contextlib import closing

from processors.runtime import clients, readers
from processors.runtime.clients import Cluster
from processors.runtime.rereading import EMITTED

Pair = tuple[bytes | None, bytes | None]
"""Key and value of a record."""


def read(cluster: Cluster, topic: str) -> Iterator[tuple[int, list[Pair]]]:
    """Gives each partition's records in their order, a stretch of one partition at a time.

    Up to where the partitions end when it begins. Events that triggers told are left out: who
    decides on the rest tells them again.

    Raises:
        TopicMissing: there is no such topic.
        BrokerAway: it can not be read.
    """
    with closing(clients.reader(cluster, f"{topic}-read")) as reader:
        for stretch in readers.read(reader, topic, readers.ends(reader, topic)):
            pairs: dict[int, list[Pair]] = {}
            for each in stretch:
                if each.headers() != EMITTED:
                    pairs.setdefault(each.partition(), []).append((each.key(), each.value()))
            yield from pairs.items()
