"""What goes wrong in the runtime is one kind of error, told apart by what is to be done."""

import pytest

from processors.runtime import errors
from processors.runtime.errors import RuntimeFailure


@pytest.mark.parametrize(
    "kind", [errors.Fenced, errors.BrokerAway, errors.StateLost, errors.TopicMissing]
)
def test_failures_of_the_runtime_are_of_one_kind(kind: type[Exception]) -> None:
    assert issubclass(kind, RuntimeFailure)
    assert kind.__doc__
