"""Produces events at a steady rate, some of them marked with the instant at which they leave.

Run as a process of its own: `python -m benchmarks.pacing TOPIC RATE SECONDS EVERY PEOPLE`.
"""

import random
import sys
import time

from confluent_kafka import Producer

from benchmarks import workloads
from benchmarks.floor import tell
from benchmarks.workloads import Workload
from processors import app
from processors.runtime import clients
from processors.settings import Settings

TICK_S = 0.001
FLUSH_S = 30.0
LINGER_MS = 1
MARKED = "Product Viewed"


def probe_id(sent_ns: int) -> str:
    """Returns the messageId of an event that leaves at an instant."""
    return f"probe-{sent_ns}"


def sent_ns(message_id: str) -> int:
    """Returns the instant that a messageId tells of.

    >>> sent_ns(probe_id(7))
    7
    """
    return int(message_id.removeprefix("probe-"))


def main(topic: str, rate: int, seconds: int, every: int, people: int) -> None:
    """Produces, and tells when it begins and how it went."""
    settings = clients.common(app.cluster_of(Settings.from_env()))
    producer = Producer(
        {
            **settings,
            "enable.idempotence": True,
            "partitioner": "murmur2_random",
            "linger.ms": LINGER_MS,
            "delivery.report.only.error": True,
        }
    )
    producer.list_topics(topic, FLUSH_S)
    chance, made = random.Random(1), Workload(people=people)
    ids, shares = workloads.person_ids(people), workloads.shares_of(made)
    names, name_shares = list(workloads.NAMES), list(workloads.NAMES.values())
    total = rate * seconds
    tell(message="ready")
    started_s, count, behind_s = time.monotonic(), 0, 0.0
    while count < total:
        due = min(total, int((time.monotonic() - started_s) * rate))
        for number in range(count, due):
            now_ns = time.time_ns()
            marked = number % every == 0
            [person] = chance.choices(ids, cum_weights=shares)
            [name] = [MARKED] if marked else chance.choices(names, name_shares)
            value = workloads.event(
                chance,
                person,
                name,
                now_ns // 1_000_000,
                size_bytes=made.size_bytes,
                probe=probe_id(now_ns) if marked else None,
            )
            producer.produce(topic, value, person)
        count = due
        behind_s = max(behind_s, time.monotonic() - started_s - count / rate)
        producer.poll(TICK_S)
    left = producer.flush(FLUSH_S)
    tell(message="done", events=total - left, behind_s=behind_s)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:6]))
