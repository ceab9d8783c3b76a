"""The embedded broker makes topics, and tells how far they go."""

from confluent_kafka import Producer

from processors.demo.broker import PARTITIONS, Broker, Ends
from processors.runtime.clients import Cluster


def test_topics_come_into_being_with_four_partitions(broker: Broker) -> None:
    broker.create(["broker.a", "broker.b"])

    client = Producer({"bootstrap.servers": broker.bootstrap})
    found = client.list_topics(timeout=10).topics
    assert [len(found[name].partitions) for name in ("broker.a", "broker.b")] == [PARTITIONS] * 2


def test_ends_are_those_of_each_partition(broker: Broker) -> None:
    broker.create(["broker.ends"])
    client = Producer({"bootstrap.servers": broker.bootstrap})
    for _ in range(3):
        client.produce("broker.ends", b"", partition=2)
    client.flush(10)

    ends = Ends(Cluster(bootstrap=broker.bootstrap))
    try:
        assert ends.of("broker.ends") == {0: 0, 1: 0, 2: 3, 3: 0}
    finally:
        ends.close()
