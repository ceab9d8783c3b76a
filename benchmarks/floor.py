"""The floor: the same client, polled the same way, that decodes each event and does nothing else.

Run as a process of its own: `python -m benchmarks.floor TOPIC PARTITIONS`.
"""

import json
import sys
import time

from confluent_kafka import Consumer, KafkaError, TopicPartition

from processors import app
from processors.runtime import clients
from processors.settings import Settings
from schemas.codec import decode_event

MAX_BATCH = 5_000
POLL_S = 0.1


def main(topic: str, partitions: int) -> None:
    """Reads the topic to its end, and tells when it begins and what it took."""
    cluster = app.cluster_of(Settings.from_env())
    consumer = clients.consumer(cluster, f"{topic}-floor", None)
    consumer.assign([TopicPartition(topic, each, 0) for each in range(partitions)])
    tell(message="ready")
    started_s, started_cpu_s = time.monotonic(), time.process_time()
    events = read(consumer, partitions)
    seconds, cpu_s = time.monotonic() - started_s, time.process_time() - started_cpu_s
    tell(message="done", events=events, seconds=seconds, used_s=cpu_s)
    consumer.close()


def read(consumer: Consumer, partitions: int) -> int:
    """Decodes all events up to the end of each partition; returns how many."""
    events, open_ = 0, partitions
    while open_:
        found = consumer.consume(1, POLL_S)
        if found:
            found += consumer.consume(MAX_BATCH - 1, 0)
        for message in found:
            error = message.error()
            if error is None:
                decode_event(message.value())
                events += 1
            elif error.code() == KafkaError._PARTITION_EOF:
                open_ -= 1
    return events


def tell(**fields: object) -> None:
    """Writes a line for who measures, with the CPU time that was used until then."""
    told = {"cpu_s": time.process_time(), **fields}
    print(json.dumps(told), file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
