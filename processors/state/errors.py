"""What can be wrong with remembered state."""


class StateError(Exception):
    """The remembered state is not usable."""


class UnreadableProfile(StateError):
    """A profile's bytes can not be decoded by this version."""
