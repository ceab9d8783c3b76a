"""Makes the topics of `schemas.topics` on a cluster, and tells which differ from the table."""

import time
from collections.abc import Iterable, Mapping

import msgspec
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._metadata import TopicMetadata
from confluent_kafka.cimpl import NewTopic

from processors.operations.errors import OperationFailed
from processors.runtime import clients
from processors.runtime.clients import CALL_S, MAX_STATE_BYTES, Cluster
from schemas import topics
from schemas.topics import Topic

WAIT_S = 0.05


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """How many partitions and copies topics get."""

    prefix: str = topics.DEFAULT_PREFIX
    partitions: int = 8
    """Of events and of profiles, each."""
    output_partitions: int = 8
    replication: int = 1


class Created(msgspec.Struct, frozen=True, kw_only=True):
    """What came of making topics; full names."""

    made: tuple[str, ...]
    present: tuple[str, ...]
    differing: Mapping[str, str]
    """What is other than it should be, by topic."""


def create(cluster: Cluster, layout: Layout) -> Created:
    """Makes the topics that are not there.

    Raises:
        OperationFailed: the cluster does not answer or refuses one.
    """
    admin = AdminClient(clients.common(cluster))
    wanted = {topics.full_name(layout.prefix, name): topic for name, topic in topics.TOPICS.items()}
    found = _present(admin, cluster)
    missing = [name for name in wanted if name not in found]
    made = []
    for name in _make(admin, [_new(name, wanted[name], layout) for name in missing]):
        made.append(name)
    _wait(admin, cluster, made)
    differing = {}
    for name, topic in wanted.items():
        count = len(found[name].partitions) if name in found else 0
        if count and count != _partitions(topic, layout):
            differing[name] = f"has {count} partitions, wanted are {_partitions(topic, layout)}"
    return Created(
        made=tuple(made),
        present=tuple(name for name in wanted if name in found),
        differing=differing,
    )


def _make(admin: AdminClient, wanted: list[NewTopic]) -> Iterable[str]:
    if not wanted:
        return
    for name, future in admin.create_topics(wanted, operation_timeout=CALL_S).items():
        try:
            future.result(CALL_S)
        except KafkaException as error:
            if clients.code(error) != KafkaError.TOPIC_ALREADY_EXISTS:
                raise OperationFailed(f"can not make {name} ({clients.words(error)})") from error
        yield name


def _present(admin: AdminClient, cluster: Cluster) -> Mapping[str, TopicMetadata]:
    try:
        return admin.list_topics(timeout=CALL_S).topics
    except KafkaException as error:
        raise OperationFailed(_away(cluster, error)) from error


def _wait(admin: AdminClient, cluster: Cluster, made: list[str]) -> None:
    """Waits until the brokers have heard of the topics, which is a moment after they are made."""
    until_s = time.monotonic() + CALL_S
    while True:
        found = _present(admin, cluster)
        missing = [name for name in made if name not in found or not _has_leaders(found[name])]
        if not missing:
            return
        if time.monotonic() > until_s:
            raise OperationFailed(f"{missing[0]} was made, but the brokers do not show it")
        time.sleep(WAIT_S)


def _has_leaders(topic: TopicMetadata) -> bool:
    return bool(topic.partitions) and all(each.leader >= 0 for each in topic.partitions.values())


def _new(name: str, topic: Topic, layout: Layout) -> NewTopic:
    config: dict[str, str] = {"cleanup.policy": topic.cleanup}
    if topic.retention_ms is not None:
        config["retention.ms"] = str(topic.retention_ms)
    if topic.name == "profiles":
        config["max.message.bytes"] = str(MAX_STATE_BYTES)
    return NewTopic(
        name,
        num_partitions=_partitions(topic, layout),
        replication_factor=layout.replication,
        config=config,
    )


def _partitions(topic: Topic, layout: Layout) -> int:
    match topic.partitions:
        case "input":
            return layout.partitions
        case "output":
            return layout.output_partitions
        case _:
            return 1


def _away(cluster: Cluster, error: KafkaException) -> str:
    words = clients.words(error)
    return f"no answer from {cluster.bootstrap} ({words}): is the address right, and running?"
