"""Profiles: bytes and back, and which value of a trait stands."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.state import profiles
from processors.state.errors import UnreadableProfile
from processors.state.profiles import NEVER, Profile, ScoreState
from tests.properties import budget

names = st.text(max_size=5)
instants = st.integers(0, NEVER)
integers = st.integers(-(2**63), 2**63 - 1)
finite = st.floats(allow_nan=False, allow_infinity=False)
numbers = st.integers(0, 2**32 - 1)
leaves = st.none() | st.booleans() | integers | st.floats(allow_nan=False) | names
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=2)
)
traits = st.dictionaries(names, st.tuples(values, instants), max_size=3)
counts = st.dictionaries(names, integers, max_size=3)
times = st.dictionaries(names, st.lists(instants, max_size=3), max_size=3)
known_profiles = st.builds(
    Profile,
    id=names,
    clock=instants,
    offset=integers,
    definitions=names,
    due=instants,
    seen=st.binary(max_size=24).map(bytearray),
    seen_at=st.binary(max_size=24).map(bytearray),
    traits=traits,
    account=traits,
    counts=counts,
    times=times,
    segments=counts,
    scores=st.dictionaries(
        names,
        st.builds(
            ScoreState,
            value=integers | finite,
            added=integers | finite,
            points=st.dictionaries(numbers, integers | finite, max_size=3),
        ),
        max_size=2,
    ),
    tags=st.lists(names, max_size=3),
    lists=st.lists(names, max_size=3),
    status=st.none() | names,
    fired=times,
    timers=st.dictionaries(numbers, instants, max_size=3),
    decays=st.dictionaries(names, st.tuples(instants, finite), max_size=2),
)


@budget(100)
@given(known_profiles)
def test_bytes_give_the_profile_back(profile: Profile) -> None:
    data = profiles.encode(profile)
    found = profiles.decode(profile.id, data)
    assert found == profile
    assert profiles.encode(found) == data


def test_whole_scores_stay_integers_and_others_are_decimals() -> None:
    profile = Profile(scores={"a": ScoreState(5), "b": ScoreState(2.5, 0, {9: 1.5})})
    found = profiles.decode("p", profiles.encode(profile)).scores
    assert [type(found[name].value) for name in "ab"] == [int, float]


def test_profile_can_be_read_out_of_a_larger_record() -> None:
    record = b"12345678" + profiles.encode(Profile(id="p"))
    assert profiles.decode("p", memoryview(record)[8:]) == Profile(id="p")


def test_fields_that_an_older_layout_lacks_have_their_defaults() -> None:
    data = msgspec.msgpack.encode([profiles.FORMAT, ""])
    assert profiles.decode("p", data) == Profile(id="p")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"{}",
        msgspec.msgpack.encode([profiles.FORMAT, 2]),
        msgspec.msgpack.encode({"id": "p"}),
    ],
    ids=["nothing", "no msgpack", "json", "wrong field", "no array"],
)
def test_bytes_of_no_profile_are_refused(data: bytes) -> None:
    with pytest.raises(UnreadableProfile, match="can not be read"):
        profiles.decode("p", data)


def test_bytes_do_not_repeat_the_id_that_they_stand_under() -> None:
    profile = Profile(id="somebody")
    assert b"somebody" not in profiles.encode(profile)
    assert profile.id == "somebody"


@pytest.mark.parametrize("rest", [[], ["p", "whatever"]], ids=["alike", "quite different"])
@pytest.mark.parametrize("layout", [profiles.FORMAT - 1, profiles.FORMAT + 1])
def test_profile_of_another_layout_is_refused(layout: int, rest: list[str]) -> None:
    data = msgspec.msgpack.encode([layout, *rest])
    with pytest.raises(UnreadableProfile, match=f"layout {layout}, known is {profiles.FORMAT}"):
        profiles.decode("p", data)


def test_a_bytearray_in_a_profile_is_its_own() -> None:
    assert Profile().seen is not Profile().seen


def test_profile_is_new_until_definitions_have_judged_it() -> None:
    assert Profile().is_new
    assert not Profile(definitions="d").is_new


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("plan",), "gold"),
        (("company", "size"), 5),
        (("company", "address", "city"), "Rome"),
        (("company",), {"size": 5, "address": {"city": "Rome"}}),
        (("none",), None),
        (("none", "size"), None),
        (("plan", "size"), None),
        (("company", "none"), None),
        (("company", "none", "size"), None),
        (("list", "0"), None),
    ],
)
def test_trait_is_reached_by_its_path(path: tuple[str, ...], expected: Any) -> None:
    held = {
        "plan": ("gold", 0),
        "company": ({"size": 5, "address": {"city": "Rome"}}, 0),
        "list": ([1], 0),
    }
    assert profiles.trait(held, path) == expected


def test_trait_of_the_latest_event_time_stands() -> None:
    held: dict[str, tuple[Any, int]] = {}
    assert profiles.put_trait(held, "plan", "gold", 20)
    assert not profiles.put_trait(held, "plan", "old", 19)
    assert held == {"plan": ("gold", 20)}


def test_of_traits_at_one_time_the_later_in_the_log_stands() -> None:
    held = {"plan": ("gold", 20)}
    assert profiles.put_trait(held, "plan", "silver", 20)
    assert held == {"plan": ("silver", 20)}


def test_the_same_value_again_is_no_change_but_moves_its_time() -> None:
    held = {"plan": ("gold", 20)}
    assert not profiles.put_trait(held, "plan", "gold", 30)
    assert not profiles.put_trait(held, "plan", "silver", 25)
    assert held == {"plan": ("gold", 30)}


@pytest.mark.parametrize(
    ("old", "new"),
    [(1, True), (0, False), (1, "1"), ("x", None), (None, "x"), ({"a": 1}, {"a": True})],
)
def test_values_that_only_python_holds_for_equal_are_a_change(old: Any, new: Any) -> None:
    assert profiles.put_trait({"plan": (old, 20)}, "plan", new, 20)


def test_unset_is_a_value_that_stands_against_earlier_ones() -> None:
    held: dict[str, tuple[Any, int]] = {}
    assert not profiles.put_trait(held, "plan", None, 20)
    assert not profiles.put_trait(held, "plan", "gold", 10)
    assert profiles.trait(held, ("plan",)) is None


def test_traits_of_one_person_are_bounded() -> None:
    held = {str(n): (n, 0) for n in range(profiles.MAX_TRAITS)}
    assert not profiles.put_trait(held, "more", 1, 0)
    assert profiles.put_trait(held, "0", "new", 0)
    assert len(held) == profiles.MAX_TRAITS


def test_of_memberships_the_first_by_their_ids_are_told() -> None:
    names = [f"s{number:03}" for number in range(profiles.MAX_MEMBERSHIPS + 1)]
    profile = Profile(segments=dict.fromkeys(reversed(names), 0), lists=["b", "a"])
    said = profiles.known(profile)
    assert (said["segments"], said["lists"]) == (names[:-1], ["a", "b"])
