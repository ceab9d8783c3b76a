"""What is kept of runs, and written down."""

from processors.decisions.runs import MAX_DATA_BYTES, held
from tests.builders import (
    HELLO,
    begun,
    journey,
    wait,
)


def test_what_a_run_knows_is_bounded() -> None:
    document = journey("a", wait("w", until={"event": "b", "same": "k"}), HELLO)
    person = begun(document, k="o1", text="x" * MAX_DATA_BYTES)
    assert held(person.profile, "j")[0].data == {"k": "o1"}
    person = begun(document, k="x" * MAX_DATA_BYTES)
    assert held(person.profile, "j")[0].data is None
