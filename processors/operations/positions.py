"""Where runs of journeys stand now, as the profiles say that workers keep in their changelog.

Exact, however long they wait: `journey-runs` forgets, the changelog does not.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from typing import NamedTuple

from xxhash import xxh3_64_intdigest

from processors.operations import changelogs
from processors.runtime import clients, readers
from processors.runtime.clients import Cluster
from processors.runtime.errors import TopicMissing
from processors.state.profiles import Profile
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
    found = Positions()
    topic = full_name(prefix, "profiles")
    with closing(clients.reader(cluster, f"{prefix}journeys-read")) as reader:
        try:
            has_runs = any(readers.ends(reader, full_name(prefix, "journey-runs")).values())
        except TopicMissing:
            has_runs = False
        if not has_runs:
            return found
        for people in changelogs.people(
            reader, topic, person=xxh3_64_intdigest, keep=_standing, progress=progress
        ):
            for standing in people.values():
                found.update(standing)
    return found


def _standing(profile: Profile) -> list[Position] | None:
    if profile.journeys is None:
        return None
    return [
        Position(journey, run.version, run.step)
        for journey, runs in profile.journeys.runs.items()
        for run in runs
        if run.state != ENDED
    ]
