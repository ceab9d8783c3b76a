"""Tables: bytes by profile, and an index of when the clock has work to do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.runtime import tables
from processors.runtime.errors import StateLost
from processors.runtime.tables import (
    PROGRESS_KEY,
    Loaded,
    Progress,
    Table,
    page_key,
)
from processors.runtime.wakes import wake_of
from processors.state.duplicates import Seen
from processors.state.profiles import NEVER, Profile
from tests.properties import budget


def with_wake(wake: int, profile: bytes) -> bytes:
    return wake.to_bytes(8, "big") + profile


def put(table: Table, profile_id: str, value: bytes, known_wake: int) -> None:
    wake = wake_of(value)
    table.put_all([(profile_id, value, wake if wake < known_wake else None)])


def table(**wakes: int) -> Table:
    found = Table()
    for profile_id, wake in wakes.items():
        put(found, profile_id, with_wake(wake, b"bytes"), NEVER)
    return found


@pytest.mark.parametrize("wake", [0, 1, NEVER])
def test_wake_time_stands_before_the_profile(wake: int) -> None:
    value = with_wake(wake, b"bytes")
    assert wake_of(value) == wake
    assert value[tables.WAKE_BYTES :] == b"bytes"


def test_an_empty_table_never_wakes() -> None:
    assert Table().next_wake() == NEVER
    assert Table().take_due(NEVER, 10) == []


def test_profiles_are_taken_in_the_order_in_which_they_are_due() -> None:
    found = table(p=30, q=10, r=20, s=NEVER)
    assert found.next_wake() == 10
    assert found.take_due(19, 10) == ["q"]
    assert found.take_due(30, 1) == ["r"]
    assert found.take_due(30, 10) == ["p"]
    assert found.take_due(NEVER, 10) == []


def test_a_profile_is_due_at_the_very_instant() -> None:
    assert table(p=10).take_due(9, 10) == []
    assert table(p=10).take_due(10, 10) == ["p"]


def test_what_was_taken_can_be_given_back() -> None:
    found = table(p=10)
    taken = found.take_due(10, 10)
    found.return_due(taken)
    assert found.take_due(10, 10) == ["p"]


def test_a_profile_that_is_gone_is_not_given_back() -> None:
    found = table(p=10)
    taken = found.take_due(10, 10)
    found.restore(b"p", None)
    found.return_due(taken)
    assert found.take_due(10, 10) == []


def test_an_entry_that_is_not_of_the_present_wake_time_is_left_out() -> None:
    found = table(p=10)
    put(found, "p", with_wake(5, b"new"), 10)
    assert found.take_due(5, 10) == ["p"]
    put(found, "p", with_wake(20, b"newer"), NEVER)
    assert found.take_due(10, 10) == []
    assert found.take_due(20, 10) == ["p"]


def test_an_entry_of_a_profile_that_is_gone_is_left_out() -> None:
    found = table(p=10)
    found.restore(b"p", None)
    assert found.take_due(10, 10) == []


def test_a_later_wake_time_needs_no_new_entry() -> None:
    found = table(p=10)
    put(found, "p", with_wake(10, b"new"), 10)
    assert found.pending == 1


def test_restoring_gives_profiles_progress_and_index() -> None:
    found = Table()
    progress = Progress(offset=7, high_water=5, definitions="d")
    found.restore(b"p", with_wake(10, b"old"))
    found.restore(b"p", with_wake(20, b"new"))
    found.restore(b"q", with_wake(NEVER, b"q"))
    found.restore(b"r", with_wake(5, b"r"))
    found.restore(PROGRESS_KEY, tables.encode_progress(progress))
    found.restore(b"r", None)
    found.restore(b"never-was", None)
    found.restored()
    assert found.profiles == {"p": with_wake(20, b"new"), "q": with_wake(NEVER, b"q")}
    assert found.progress == progress
    assert found.outdated == []
    assert (found.pending, found.next_wake()) == (1, 20)


def test_a_deleted_progress_is_passed_over() -> None:
    found = Table()
    found.restore(PROGRESS_KEY, None)
    assert found.progress == Progress()


def test_what_was_not_settled_is_begun_anew_after_a_restore() -> None:
    found = Table()
    found.restore(b"p", with_wake(NEVER, b"p"))
    found.restore(PROGRESS_KEY, tables.encode_progress(Progress(is_settled=False)))
    found.restored()
    assert found.outdated == ["p"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (b"\xc1", "can not be read"),
        (tables.encode_progress(Progress(format=2)), "newer version"),
    ],
)
def test_a_progress_of_another_layout_is_refused(value: bytes, message: str) -> None:
    with pytest.raises(StateLost, match=message):
        Table().restore(PROGRESS_KEY, value)


def loaded(profile_id: str, *, known: int = 0) -> Loaded:
    profile = Profile(id=profile_id)
    seen = Seen(profile)
    seen.known = set(range(known))
    return Loaded(profile, NEVER, seen)


def test_of_busy_profiles_those_idle_longest_make_room() -> None:
    found = Table()
    most = tables.MAX_BUSY_BYTES // tables.BUSY_BYTES
    for number in range(most):
        found.keep(loaded(str(number)))
    found.keep(loaded("0"))
    assert len(found.busy) == most
    found.keep(loaded("one more"))
    assert len(found.busy) == most
    assert "1" not in found.busy
    assert "0" in found.busy


def test_a_busy_profile_takes_the_room_of_its_ids() -> None:
    found = Table()
    found.keep(loaded("little"))
    found.keep(loaded("much", known=tables.MAX_BUSY_BYTES // tables.KNOWN_BYTES - 100))
    assert set(found.busy) == {"little", "much"}
    found.keep(loaded("more", known=1_000))
    assert set(found.busy) == {"more"}


def test_a_released_profile_leaves_its_room() -> None:
    found = Table()
    found.keep(loaded("much", known=tables.MAX_BUSY_BYTES // tables.KNOWN_BYTES - 100))
    found.release("much")
    found.release("never there")
    for number in range(100):
        found.keep(loaded(str(number)))
    assert len(found.busy) == 100


def test_pages_of_ids_are_restored_to_their_places() -> None:
    found = Table()
    for place, page in ((0, b"zero"), (1, b"one"), (0, b"zero again")):
        found.restore(page_key("p", place), page)
    found.restore(page_key("q", 14), b"of q")
    found.restore(page_key("q", 14), None)
    assert found.pages == {"p": {0: b"zero again", 1: b"one"}, "q": {14: b"of q"}}
    assert found.profiles == {}


def test_profiles_are_told_from_what_lies_beside_them() -> None:
    assert tables.is_profile(b"ada")
    for key in (tables.PROGRESS_KEY, tables.CRASH_KEY, tables.ADOPTION_KEY, page_key("ada", 0)):
        assert not tables.is_profile(key)


def test_size_is_added_up_again_when_many_have_come() -> None:
    each = tables.WAKE_BYTES + len(b"bytes")
    assert Table().size_bytes == 0
    found = table(**{f"p{n}": NEVER for n in range(1_000)})
    assert found.size_bytes == 1_000 * each
    put(found, "one more", with_wake(NEVER, b"bytes"), NEVER)
    assert found.size_bytes == 1_000 * each
    for number in range(60):
        put(found, f"more-{number}", with_wake(NEVER, b"bytes"), NEVER)
    assert found.size_bytes == 1_061 * each


@budget(100)
@given(
    st.lists(
        st.tuples(st.sampled_from("pqr"), st.integers(0, 9) | st.just(NEVER), st.booleans()),
        max_size=20,
    )
)
def test_every_profile_is_taken_at_its_wake_time_whatever_happened(
    puts: list[tuple[str, int, bool]],
) -> None:
    found = Table()
    known: dict[str, int] = {}
    for profile_id, wake, is_fired in puts:
        if is_fired:
            for each in found.take_due(wake, 2):
                put(found, each, with_wake(NEVER, b""), NEVER)
                known[each] = NEVER
        else:
            kept = min(wake, known.get(profile_id, NEVER))
            put(found, profile_id, with_wake(kept, b""), known.get(profile_id, NEVER))
            known[profile_id] = kept
    waiting = {(wake, each) for each, wake in known.items() if wake < NEVER}
    assert found.next_wake() <= min((wake for wake, _ in waiting), default=NEVER)
    for now in range(10):
        assert set(found.take_due(now, 100)) == {each for wake, each in waiting if wake == now}


def test_the_index_does_not_grow_with_the_number_of_times_a_profile_woke() -> None:
    """Short timers come and go while a long one stays: windows of hours, and one of days."""
    found = table(p=1_000_000)
    for now in range(1, 5_000):
        put(found, "p", with_wake(now, b""), wake_of(found.profiles["p"]))
        assert found.take_due(now, 10) == ["p"]
        put(found, "p", with_wake(1_000_000 + now, b""), NEVER)
    assert found.pending < 2_000
