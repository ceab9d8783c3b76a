"""Reading events back for what other definitions count: a table beside that of the partition.

Nothing here knows Kafka. Where what is found is laid into the partition's own profiles, each is
looked at anew under the other definitions, one after the other.
"""

from collections.abc import Iterable
from itertools import groupby

from msgspec.structs import replace

from processors.decisions.backfills import Backfill
from processors.runtime.batches import Batch, Incoming, Policy
from processors.runtime.outputs import Outputs
from processors.runtime.tables import Crash, Table
from processors.state.profiles import NEVER, Profile

Recorded = tuple[bool, Incoming]
"""Whether a trigger told it, and the record."""


class Backfilling:
    """What one partition's recorded events come to."""

    def __init__(self, backfill: Backfill, policy: Policy, *, crash: Crash) -> None:
        self.backfill = backfill
        self._own = (backfill.own, replace(policy, is_replay=True))
        self._told = (backfill.told, replace(policy, lateness_ms=NEVER))
        self._table = Table()
        self._table.crash = crash

    def take(self, records: Iterable[Recorded]) -> None:
        """Counts records, in the order of their offsets.

        What was told was decided on at once, however long after that it was written.
        """
        for is_told, part in groupby(records, key=_is_told):
            compiled, policy = self._told if is_told else self._own
            batch = Batch(self._table, compiled, policy=policy, outputs=Outputs(), source=("", 0))
            batch.run(record for _, record in part)
            batch.finish()
            batch.apply()

    def fill(self, profile: Profile) -> None:
        """Lays what was found of a person into the partition's own profile."""
        self.backfill.fill(profile, self._table.profile(profile.id))


def _is_told(recorded: Recorded) -> bool:
    return recorded[0]
