"""Who is on which static list, as the profiles say that workers keep in their changelog."""

from collections.abc import Callable, Iterator
from contextlib import closing

from processors.operations.errors import OperationFailed
from processors.runtime import clients, readers
from processors.runtime.clients import Cluster, Polled
from processors.runtime.tables import WAKE_BYTES, is_profile
from processors.state import profiles
from processors.state.errors import UnreadableProfile
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
    count = 0
    topic = full_name(prefix, "profiles")
    with closing(clients.reader(cluster, f"{prefix}lists-read")) as reader:
        for partition, end in readers.ends(reader, topic).items():
            people: dict[str, dict[str, int | None]] = {}
            for stretch in readers.read(reader, topic, {partition: end}):
                for each in stretch:
                    _take(people, each)
                count += len(stretch)
                progress(count)
            yield _by_list(people)


def _take(people: dict[str, dict[str, int | None]], message: Polled) -> None:
    """Takes a record; compaction may have left several of a key: the last one counts."""
    key, value = message.key() or b"", message.value()
    if not is_profile(key):
        return
    profile_id = key.decode()
    people.pop(profile_id, None)
    if value is None:
        return
    try:
        profile = profiles.decode(profile_id, value[WAKE_BYTES:])
    except UnreadableProfile as error:
        raise OperationFailed(
            f"profiles, {message.partition()}:{message.offset()}: {error}"
        ) from error
    if profile.lists:
        since = profile.listed or {}
        people[profile_id] = {each: since.get(each) for each in profile.lists}


def _by_list(people: dict[str, dict[str, int | None]]) -> Members:
    found: Members = {}
    for profile_id in sorted(people):
        for list_id, since_ms in people[profile_id].items():
            found.setdefault(list_id, {})[profile_id] = since_ms
    return found
