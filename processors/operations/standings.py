"""Which definitions decide in each partition, as the offsets of the workers' groups tell.

A worker writes the id of the set beside each offset that it commits, and how far it has read back
as the offset of a group of its own. So no worker has to be asked.
"""

from contextlib import closing

import msgspec

from processors.runtime import clients, readers, rereading
from processors.runtime.clients import Cluster
from schemas.topics import full_name


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One partition in which something has been decided."""

    partition: int
    active: str
    """Id of the set that decides."""
    offset: int
    """How far it has been decided on."""
    coming: str = ""
    """Id of the set for which events were read back last; empty if none ever were."""
    read_back: int = 0
    """The offset up to which they were."""


def standings(cluster: Cluster, prefix: str) -> list[Standing]:
    """Returns how each partition stands, but for those in which nothing has been decided yet.

    Raises:
        TopicMissing: there is no `events`.
        BrokerAway: the cluster does not answer.
    """
    group, topic = f"{prefix}decide", full_name(prefix, "events")
    decided = _committed(cluster, group, topic)
    read_back = _committed(cluster, rereading.group(group), topic)
    found = []
    for partition, (offset, active) in sorted(decided.items()):
        until, coming = read_back.get(partition, (0, ""))
        found.append(
            Standing(
                partition=partition, active=active, offset=offset, coming=coming, read_back=until
            )
        )
    return found


def _committed(cluster: Cluster, group: str, topic: str) -> dict[int, tuple[int, str]]:
    with closing(clients.reader(cluster, group)) as reader:
        found = readers.committed(reader, topic, readers.partitions(reader, topic))
    return {
        each.partition: (each.offset, each.metadata or "") for each in found if each.offset >= 0
    }
