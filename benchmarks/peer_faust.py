"""The job as ordinary Faust agents with a table: run by the bench as a process of its own.

`python -m benchmarks.peer_faust BOOTSTRAP EVENTS PREFIX GROUP PARTITIONS`. At least once: Faust's
exactly-once does not work. The table is in memory, which is its fastest store.
"""

import sys
import tempfile
from typing import Any

from benchmarks import rules
from benchmarks.floor import tell


def main(bootstrap: str, events_topic: str, prefix: str, group: str, partitions: int) -> None:
    """Runs until it is told to stop."""
    import faust

    app = faust.App(
        group,
        broker=f"kafka://{bootstrap}",
        store="memory://",
        datadir=tempfile.mkdtemp(prefix="bench-faust-"),
        topic_partitions=partitions,
        topic_replication_factor=1,
        consumer_auto_offset_reset="earliest",
        web_enabled=False,
        worker_redirect_stdouts=False,
    )
    events = app.topic(events_topic, key_type=bytes, key_serializer="raw", value_serializer="json")
    profiles = app.Table("profiles", default=rules.new)
    outputs = {
        name: app.topic(prefix + name, key_serializer="raw", value_serializer="json")
        for name in rules.TOPICS
    }
    is_first = True

    async def decide(stream: Any) -> None:
        nonlocal is_first
        async for event in stream:
            if is_first:
                is_first = False
                tell(message="ready")
            person = event["userId"]
            state = profiles[person]
            for name, key, value in rules.decide(state, event):
                await outputs[name].send(key=key.encode(), value=value)
            profiles[person] = state

    app.agent(events)(decide)
    faust.Worker(app, loglevel="warning").execute_from_commandline()


if __name__ == "__main__":
    _, told_bootstrap, told_events, told_prefix, told_group, told_partitions = sys.argv
    del sys.argv[1:]  # Faust would take them as its own
    main(told_bootstrap, told_events, told_prefix, told_group, int(told_partitions))
