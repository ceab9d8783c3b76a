"""Reads what workers keep of people, from their changelog: the latest of each, and no more."""

from collections.abc import Callable, Hashable, Iterator
from typing import TypeVar

from confluent_kafka import Consumer

from processors.operations.errors import OperationFailed
from processors.runtime import readers
from processors.runtime.clients import Polled
from processors.runtime.tables import WAKE_BYTES, is_profile
from processors.state import profiles
from processors.state.errors import UnreadableProfile
from processors.state.profiles import Profile

Person = TypeVar("Person", bound=Hashable)
Kept = TypeVar("Kept")


def people(
    reader: Consumer,
    topic: str,
    *,
    person: Callable[[bytes], Person],
    keep: Callable[[Profile], Kept | None],
    progress: Callable[[int], None] = lambda records: None,
) -> Iterator[dict[Person, Kept]]:
    """Yields what is kept of people, those of one partition after the other; nobody is in two.

    Args:
        reader: of the cluster.
        topic: full name of `profiles`.
        person: what stands for somebody in memory, made of the record's key.
        keep: what is kept of a profile; None: nothing, as if there were none.
        progress: is told the number of records after each stretch.

    Raises:
        OperationFailed: a profile can not be read.
        TopicMissing: there is no such topic.
        BrokerAway: the cluster does not answer.
    """
    count = 0
    for partition, end in readers.ends(reader, topic).items():
        found: dict[Person, Kept] = {}
        for stretch in readers.read(reader, topic, {partition: end}):
            for each in stretch:
                if is_profile(key := each.key() or b""):
                    found.pop(who := person(key), None)  # of several of a key the last one counts
                    profile = _profile(each)
                    kept = None if profile is None else keep(profile)
                    if kept is not None:
                        found[who] = kept
            count += len(stretch)
            progress(count)
        yield found


def _profile(message: Polled) -> Profile | None:
    """Returns the profile of a record; None where there is none any more."""
    key, value = message.key() or b"", message.value()
    if value is None:
        return None
    try:
        return profiles.decode(key.decode(), value[WAKE_BYTES:])
    except UnreadableProfile as error:
        place = f"profiles, {message.partition()}:{message.offset()}"
        raise OperationFailed(f"{place}: {error}") from error
