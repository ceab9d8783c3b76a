"""Who is on which static list, as the profiles say that workers keep in their changelog."""

from collections.abc import Callable, Iterator
from contextlib import closing

from processors.operations import changelogs
from processors.runtime import clients
from processors.runtime.clients import Cluster
from processors.state.profiles import Profile
from schemas.topics import full_name

Members = dict[str, dict[str, int | None]]
"""By list, who is on it: since when, ms; None where that was not kept yet."""


def read(
    cluster: Cluster, prefix: str, *, progress: Callable[[int], None] = lambda records: None
) -> Iterator[Members]:
    """Yields the members of lists, those of one partition after the other; nobody is in two.

    Args:
        cluster: where it is read.
        prefix: of the topics' names.
        progress: is told the number of records after each stretch.

    Raises:
        OperationFailed: a profile can not be read.
        TopicMissing: there is no such topic.
        BrokerAway: the cluster does not answer.
    """
    topic = full_name(prefix, "profiles")
    with closing(clients.reader(cluster, f"{prefix}lists-read")) as reader:
        for people in changelogs.people(
            reader, topic, person=bytes.decode, keep=_listed, progress=progress
        ):
            yield _by_list(people)


def _listed(profile: Profile) -> dict[str, int | None] | None:
    since = profile.listed or {}
    return {each: since.get(each) for each in profile.lists} or None


def _by_list(people: dict[str, dict[str, int | None]]) -> Members:
    found: Members = {}
    for profile_id in sorted(people):
        for list_id, since_ms in people[profile_id].items():
            found.setdefault(list_id, {})[profile_id] = since_ms
    return found
