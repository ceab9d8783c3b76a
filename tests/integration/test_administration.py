"""Topics as `beckon topics create` makes them, on a real Kafka: the embedded one makes none."""

import time
from collections.abc import Iterator

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic

from processors.operations import administration
from processors.operations.administration import Layout
from processors.operations.errors import OperationFailed
from processors.runtime.clients import MAX_STATE_BYTES, Cluster
from schemas import topics
from tests import services

DAY_MS = 86_400_000


@pytest.fixture
def cluster(kafka: str, topics_prefix: str) -> Iterator[Cluster]:
    yield Cluster(bootstrap=kafka)
    services.Topics(kafka).remove(topics_prefix)


def layout(prefix: str) -> Layout:
    return Layout(prefix=prefix, partitions=3, output_partitions=2)


@pytest.fixture
def admin(kafka: str) -> AdminClient:
    return AdminClient({"bootstrap.servers": kafka})


def counts(admin: AdminClient, prefix: str, wanted: int = len(topics.TOPICS)) -> dict[str, int]:
    """Returns how many partitions each topic has, once the broker has heard of as many topics."""
    until_s = time.monotonic() + 15
    while True:
        found = {
            name.removeprefix(prefix): len(topic.partitions)
            for name, topic in admin.list_topics(timeout=15).topics.items()
            if name.startswith(prefix)
        }
        if len(found) >= wanted or time.monotonic() > until_s:
            return found


def config(admin: AdminClient, topic: str) -> dict[str, str]:
    (answer,) = admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]).values()
    return {name: entry.value for name, entry in answer.result(15).items()}


def test_every_topic_is_made_and_only_once(
    cluster: Cluster, admin: AdminClient, topics_prefix: str
) -> None:
    names = {f"{topics_prefix}{name}" for name in topics.TOPICS}
    first = administration.create(cluster, layout(topics_prefix))
    assert counts(admin, topics_prefix).keys() == topics.TOPICS.keys()
    again = administration.create(cluster, layout(topics_prefix))
    assert (set(first.made), first.present, first.differing) == (names, (), {})
    assert (again.made, set(again.present), again.differing) == ((), names, {})


def test_state_has_as_many_partitions_as_the_events_it_belongs_to(
    cluster: Cluster, admin: AdminClient, topics_prefix: str
) -> None:
    administration.create(cluster, layout(topics_prefix))
    found = counts(admin, topics_prefix)
    assert found["events"] == found["events.raw"] == found["profiles"] == 3
    assert found["scores"] == found["commands.email"] == found["dead-letters"] == 2
    assert found["definitions"] == 1


def test_topics_keep_what_the_table_of_topics_says(
    cluster: Cluster, admin: AdminClient, topics_prefix: str
) -> None:
    administration.create(cluster, layout(topics_prefix))
    counts(admin, topics_prefix)
    profiles = config(admin, f"{topics_prefix}profiles")
    assert profiles["cleanup.policy"] == "compact"
    assert profiles["max.message.bytes"] == str(MAX_STATE_BYTES)
    events = config(admin, f"{topics_prefix}events")
    assert (events["cleanup.policy"], events["retention.ms"]) == ("delete", str(90 * DAY_MS))


def test_topic_of_another_size_is_left_and_told(
    cluster: Cluster, admin: AdminClient, topics_prefix: str
) -> None:
    name = f"{topics_prefix}events"
    admin.create_topics([NewTopic(name, 5)])[name].result(15)
    counts(admin, topics_prefix, wanted=1)
    created = administration.create(cluster, layout(topics_prefix))
    assert created.differing == {name: "has 5 partitions, wanted are 3"}
    assert counts(admin, topics_prefix)["events"] == 5


def test_more_copies_than_brokers_are_refused(cluster: Cluster, topics_prefix: str) -> None:
    with pytest.raises(OperationFailed, match="can not make"):
        administration.create(cluster, Layout(prefix=topics_prefix, replication=9))


def test_cluster_that_is_away_is_told_with_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(administration, "CALL_S", 0.2)
    with pytest.raises(OperationFailed, match=r"no answer from 127\.0\.0\.1:1 .*running\?"):
        administration.create(Cluster(bootstrap="127.0.0.1:1"), layout("x."))
