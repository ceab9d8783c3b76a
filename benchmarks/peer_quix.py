"""The job as a Quix Streams data frame with state, exactly-once: run in a venv of its own.

`python benchmarks/peer_quix.py BOOTSTRAP EVENTS PREFIX GROUP PARTITIONS`, from the project's root.
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).parent.parent)

from benchmarks import rules  # noqa: E402  (the venv has neither Beckon nor its dependencies)


def main(bootstrap: str, events_topic: str, prefix: str, group: str, partitions: int) -> None:
    """Runs until it is told to stop."""
    from quixstreams import Application  # type: ignore[import-not-found]
    from quixstreams.models import TopicConfig  # type: ignore[import-not-found]

    app = Application(
        broker_address=bootstrap,
        consumer_group=group,
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        state_dir=tempfile.mkdtemp(prefix="bench-quix-"),
        loglevel="WARNING",
    )
    config = TopicConfig(num_partitions=partitions, replication_factor=1)
    outputs = {
        name: app.topic(prefix + name, value_serializer="json", key_serializer="str", config=config)
        for name in rules.TOPICS
    }
    events = app.topic(events_topic, value_deserializer="json", key_deserializer="str")
    is_first = True

    def decide(event: dict[str, Any], state: Any) -> list[dict[str, Any]]:
        nonlocal is_first
        if is_first:
            is_first = False
            told = {"message": "ready", "cpu_s": time.process_time()}
            print(json.dumps(told), file=sys.stderr, flush=True)
        profile = state.get("profile") or rules.new()
        found = rules.decide(profile, event)
        state.set("profile", profile)
        return [{"to": name, "key": key, **value} for name, key, value in found]

    def topic_of(value: dict[str, Any], *_: Any) -> Any:
        return outputs[value["to"]]

    frame = app.dataframe(events)
    frame = frame.apply(decide, stateful=True, expand=True)
    frame.to_topic(topic_of, key=lambda value: value["key"])
    app.run()


if __name__ == "__main__":
    _, told_bootstrap, told_events, told_prefix, told_group, told_partitions = sys.argv
    main(told_bootstrap, told_events, told_prefix, told_group, int(told_partitions))
