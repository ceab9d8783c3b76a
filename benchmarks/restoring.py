"""Restores the state of all partitions of a log as a worker does, and tells what that took.

Run as a process of its own, so that its CPU time has librdkafka's threads in it:
`python -m benchmarks.restoring PREFIX PARTITIONS`.
"""

import sys
import time

from benchmarks.floor import tell
from processors import app
from processors.runtime.restores import Restorer, Source
from processors.runtime.tables import Table
from processors.settings import Settings
from schemas import topics


def main(prefix: str, partitions: int) -> None:
    """Restores one partition after the other."""
    cluster = app.cluster_of(Settings.from_env())
    restorer = Restorer(cluster, f"{prefix}decide")
    tables: list[Table] = []
    for partition in range(partitions):
        source = Source(
            events=topics.full_name(prefix, "events"),
            changelog=topics.full_name(prefix, "profiles"),
            partition=partition,
        )
        started_s, started_cpu_s = time.monotonic(), time.process_time()
        found = restorer.restore(source, lambda: True)
        assert found is not None
        tables.append(found.table)
        tell(
            message="restored",
            partition=partition,
            records=found.records,
            seconds=time.monotonic() - started_s,
            used_s=time.process_time() - started_cpu_s,
        )
    restorer.close()
    tell(message="tables", **sizes(tables))


def sizes(tables: list[Table]) -> dict[str, int]:
    """Returns what the tables hold, in bytes, as CPython says it."""
    get = sys.getsizeof
    profiles = [table.profiles for table in tables]
    return {
        "profiles": sum(map(len, profiles)),
        "serialized": sum(len(value) for each in profiles for value in each.values()),
        "values": sum(get(value) for each in profiles for value in each.values()),
        "keys": sum(get(key) for each in profiles for key in each),
        "dicts": sum(map(get, profiles)),
        "timers": sum(table.pending for table in tables),
    }


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
