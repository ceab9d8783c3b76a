"""What can go wrong while batches run."""


class RuntimeFailure(Exception):
    """The worker can not go on; the message says what to do."""


class Fenced(RuntimeFailure):
    """Another worker runs under the same slot."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"another worker runs under the {name}:"
            " give each worker a slot of its own (BECKON_SLOT);"
            " or a batch took longer than its transaction may, on a machine that is too busy"
        )


class BrokerAway(RuntimeFailure):
    """The cluster does not answer, or refuses us."""


class DefinitionsUnfit(RuntimeFailure):
    """What is published does not fit together, and there is no older set to go on with."""


class StateLost(RuntimeFailure):
    """The changelog does not hold the state that the committed offsets promise."""


class TopicMissing(RuntimeFailure):
    """A topic that the worker needs does not exist."""
