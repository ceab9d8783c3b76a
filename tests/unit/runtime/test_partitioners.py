"""The partition of a key is the one that producers choose."""

import pytest

from processors.runtime import clients
from processors.runtime.partitioners import murmur2, partition
from tests.embedded import TIMEOUT_S, Broker


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"abc", 479470107),
    ],
)
def test_hash_is_that_of_kafkas_own_tests(data: bytes, expected: int) -> None:
    assert murmur2(data) == expected % 2**32


def test_key_lies_where_our_producer_puts_it(broker: Broker) -> None:
    topic = broker.topic("events")
    producer = clients.producer(broker.cluster, None, clients.logger)
    for number in range(50):
        producer.produce(topic, b"", "ä".encode() + b"x" * number)
    assert producer.flush(TIMEOUT_S) == 0
    found = {record.key(): record.partition() for record in broker.records(topic)}
    assert len(found) == 50
    assert {key: partition(key or b"", 4) for key in found} == found
