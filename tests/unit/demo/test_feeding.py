"""Feeding sends everything in order, then the clock; and waits or stops where it must."""

from collections.abc import Iterator

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from processors.demo import feeding, traffic
from processors.demo.broker import PARTITIONS, Broker
from processors.demo.traffic import Options, Traffic
from processors.runtime import clients
from processors.runtime.batches import read_tick
from processors.runtime.clients import Cluster

OPTIONS = Options(people=60, days=7, seed=1)


def read(cluster: Cluster, topic: str) -> dict[int, list[tuple[bytes | None, bytes | None]]]:
    """Returns the records of each partition."""
    reader: Consumer = clients.reader(cluster, "feeding")
    found: dict[int, list[tuple[bytes | None, bytes | None]]] = {
        each: [] for each in range(PARTITIONS)
    }
    reader.assign([TopicPartition(topic, each, OFFSET_BEGINNING) for each in found])
    ended: set[int] = set()
    while len(ended) < PARTITIONS:
        for message in reader.consume(1_000, 0.1):
            partition = message.partition()
            assert partition is not None
            if message.error() is not None:
                ended.add(partition)
            else:
                found[partition].append((message.key(), message.value()))
    reader.close()
    return found


def made() -> Traffic:
    return traffic.generate(OPTIONS)


def test_everything_is_sent_in_order_and_the_clock_last(broker: Broker) -> None:
    broker.create(["feeding.all"])
    cluster = Cluster(bootstrap=broker.bootstrap)

    sent = feeding.feed(
        cluster,
        "feeding.all",
        made(),
        options=OPTIONS,
        is_wanted=lambda: True,
        has_room=lambda _: True,
    )

    found = read(cluster, "feeding.all")
    assert sent == len(made().deliveries) > feeding.CHUNK
    assert [read_tick(records.pop()[1]) for records in found.values()] == [OPTIONS.end_ms] * 4
    for records in found.values():
        keys = {key for key, _ in records}
        assert records == [
            (each.key.encode(), each.value)
            for each in made().deliveries
            if each.key.encode() in keys
        ]


def test_feeding_waits_for_room(broker: Broker) -> None:
    broker.create(["feeding.room"])
    answers: Iterator[bool] = iter([True, False, False, True])
    asked: list[int] = []

    def has_room(sent: int) -> bool:
        asked.append(sent)
        return next(answers, True)

    feeding.feed(
        Cluster(bootstrap=broker.bootstrap),
        "feeding.room",
        made(),
        options=OPTIONS,
        is_wanted=lambda: True,
        has_room=has_room,
    )

    assert asked[:4] == [0, 500, 500, 500]


def test_feeding_stops_early_without_moving_the_clock(broker: Broker) -> None:
    broker.create(["feeding.early"])
    cluster = Cluster(bootstrap=broker.bootstrap)
    wanted: Iterator[bool] = iter([True])

    sent = feeding.feed(
        cluster,
        "feeding.early",
        made(),
        options=OPTIONS,
        is_wanted=lambda: next(wanted, False),
        has_room=lambda _: True,
    )

    found = [value for records in read(cluster, "feeding.early").values() for _, value in records]
    assert sent == len(found) == feeding.CHUNK
    assert not any(map(read_tick, found))
