"""Where runs of journeys stand now, as the profiles say that workers keep in their changelog.

Exact, however long they wait: `journey-runs` forgets, the changelog does not.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from typing import NamedTuple

from xxhash import xxh3_64_intdigest

from processors.operations.errors import OperationFailed
from processors.runtime import clients, readers
from processors.runtime.clients import Cluster, Polled
from processors.runtime.errors import TopicMissing
from processors.runtime.tables import WAKE_BYTES, is_profile
from processors.state import profiles
from processors.state.errors import UnreadableProfile
from processors.state.runs import ENDED
from schemas.topics import full_name


class Position(NamedTuple):
    """A step at which runs stand."""

    journey: str
    version: str
    """Of the journey's steps, as the run has them."""
    step: str


Positions = Counter[Position]
"""How many runs stand there; ended ones, whose goal may still count, stand nowhere."""


def read(
    cluster: Cluster, prefix: str, *, progress: Callable[[int], None] = lambda records: None
) -> Positions:
    """Returns where all runs stand. Where no run was ever told of, nothing is read.

    Keeps no ids: of the partition at hand a number for each person in a journey.

    Args:
        cluster: where it is read.
        prefix: of the topics' names.
        progress: is told the number of records after each stretch.

    Raises:
        OperationFailed: a profile can not be read.
        TopicMissing: there is no `profiles`.
        BrokerAway: the cluster does not answer.
    """
    found, count = Positions(), 0
    topic = full_name(prefix, "profiles")
    with closing(clients.reader(cluster, f"{prefix}journeys-read")) as reader:
        try:
            has_runs = any(readers.ends(reader, full_name(prefix, "journey-runs")).values())
        except TopicMissing:
            has_runs = False
        for partition, end in readers.ends(reader, topic).items() if has_runs else ():
            people: dict[int, list[Position]] = {}
            for stretch in readers.read(reader, topic, {partition: end}):
                for each in stretch:
                    _take(people, each)
                count += len(stretch)
                progress(count)
            for standing in people.values():
                found.update(standing)
    return found


def _take(people: dict[int, list[Position]], message: Polled) -> None:
    """Takes a record; compaction may have left several of a key: the last one counts."""
    key, value = message.key() or b"", message.value()
    if not is_profile(key):
        return
    person = xxh3_64_intdigest(key)
    people.pop(person, None)
    if value is None:
        return
    try:
        profile = profiles.decode(key.decode(), value[WAKE_BYTES:])
    except UnreadableProfile as error:
        place = f"profiles, {message.partition()}:{message.offset()}"
        raise OperationFailed(f"{place}: {error}") from error
    if profile.journeys is not None:
        people[person] = [
            Position(journey, run.version, run.step)
            for journey, runs in profile.journeys.runs.items()
            for run in runs
            if run.state != ENDED
        ]
