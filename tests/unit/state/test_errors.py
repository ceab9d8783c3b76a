"""What is wrong with state is one kind of error."""

from processors.state.errors import StateError, UnreadableProfile


def test_an_unreadable_profile_is_an_error_of_state() -> None:
    assert issubclass(UnreadableProfile, StateError)
