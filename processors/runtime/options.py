"""How one worker runs the stream."""

import msgspec

from processors.runtime.batches import Policy
from processors.runtime.clients import Cluster
from schemas import topics


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker is told at its start."""

    cluster: Cluster
    prefix: str = topics.DEFAULT_PREFIX
    group: str = "beckon.decide"
    slot: str
    """A name that this worker alone has, and has again after a restart."""
    policy: Policy = Policy()
    grace_ms: int = 2_000
    """How long after its instant an idle timer fires: time for events that are still on the way."""
    max_batch: int = 5_000
    poll_ms: int = 100
    slice: int = 500
    """How many profiles are looked at between two polls where no event asks for it: shared by the
    partitions that have work then."""

    def topic(self, name: str) -> str:
        """Returns the full name of a topic."""
        return topics.full_name(self.prefix, name)
