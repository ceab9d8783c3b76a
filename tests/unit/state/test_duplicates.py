"""Duplicates: a message is remembered for seven days of log time, and the latest 2,000 of them."""

import random

import pytest

from processors.state import duplicates
from processors.state.duplicates import ID_BYTES, MAX_IDS, WINDOW_S, Seen
from processors.state.profiles import Profile

NOW_S = 1_767_225_600


def person(*, told: int = 0) -> Profile:
    """Returns a profile that has had so many messages, m0, m1 …"""
    profile = Profile(id="p")
    seen = Seen(profile)
    for number in range(told):
        assert seen.add(f"m{number}", NOW_S)
    return profile


def digest_of(message_id: str) -> bytes:
    profile = Profile(id="p")
    Seen(profile).add(message_id, NOW_S)
    return bytes(profile.seen)


def count(profile: Profile) -> int:
    assert len(profile.seen) // ID_BYTES == len(profile.seen_at) // duplicates.TIME_BYTES
    return len(profile.seen) // ID_BYTES


def test_a_message_is_new_once() -> None:
    seen = Seen(person())
    assert seen.add("m", NOW_S)
    assert not seen.add("m", NOW_S)
    assert seen.add("n", NOW_S)


@pytest.mark.parametrize("told", [0, 300], ids=["few ids", "many ids"])
@pytest.mark.parametrize(
    ("after_s", "is_new"), [(0, False), (WINDOW_S - 1, False), (WINDOW_S, True)]
)
def test_it_is_remembered_for_seven_days_of_log_time(told: int, after_s: int, is_new: bool) -> None:
    profile = person(told=told)
    Seen(profile).add("again", NOW_S)
    assert Seen(profile).add("again", NOW_S + after_s) is is_new


def test_a_repeat_does_not_renew_the_memory() -> None:
    seen = Seen(person())
    seen.add("m", NOW_S)
    assert not seen.add("m", NOW_S + WINDOW_S - 1)
    assert seen.add("m", NOW_S + WINDOW_S)


def test_a_repeat_after_the_window_is_remembered_anew() -> None:
    seen = Seen(person())
    seen.add("m", NOW_S)
    assert seen.add("m", NOW_S + WINDOW_S)
    assert not seen.add("m", NOW_S + WINDOW_S + 1)


@pytest.mark.parametrize(("others", "is_new"), [(MAX_IDS - 1, False), (MAX_IDS, True)])
@pytest.mark.parametrize("fresh", [False, True], ids=["in one batch", "in batches"])
def test_the_latest_2000_are_remembered(others: int, is_new: bool, fresh: bool) -> None:
    profile = Profile(id="p")
    seen = Seen(profile)
    seen.add("first", NOW_S)
    for number in range(others):
        seen = Seen(profile) if fresh and number % 500 == 0 else seen
        assert seen.add(f"m{number}", NOW_S)
    assert seen.add("first", NOW_S) is is_new


def test_memory_is_bounded_and_keeps_the_latest() -> None:
    profile = person(told=MAX_IDS + 257)
    assert count(profile) == MAX_IDS
    assert not Seen(profile).add(f"m{MAX_IDS + 256}", NOW_S)
    assert Seen(profile).add("m256", NOW_S)


def test_what_was_trimmed_within_a_batch_is_new_again() -> None:
    profile = Profile(id="p")
    seen = Seen(profile)
    for number in range(MAX_IDS + 257):
        seen.add(f"m{number}", NOW_S)
    assert seen.add("m0", NOW_S)
    assert not seen.add("m0", NOW_S)


def test_bytes_across_two_ids_are_no_id() -> None:
    for told in (2, 300):
        profile = Profile(id="p")
        digest = digest_of("m")
        # The digest of m, but shifted by half: the end of one id and the beginning of the next.
        profile.seen += b"\x00" * 4 + digest + b"\x00" * 4 + b"\x01" * ID_BYTES * (told - 2)
        profile.seen_at += NOW_S.to_bytes(4, "little") * told
        assert Seen(profile).add("m", NOW_S)
        assert not Seen(profile).add("m", NOW_S)


def test_an_id_before_bytes_that_only_look_like_it_is_found() -> None:
    profile = Profile(id="p")
    digest = digest_of("m")
    profile.seen += digest + b"\x00" * 4 + digest + b"\x00" * 4
    profile.seen_at += NOW_S.to_bytes(4, "little") * 3
    assert not Seen(profile).add("m", NOW_S)


@pytest.mark.parametrize("log_s", [-1, 1 << 32, 1 << 62])
def test_a_log_time_that_no_clock_has_does_no_harm(log_s: int) -> None:
    seen = Seen(person())
    assert seen.add("m", log_s)
    assert not seen.add("m", min(max(log_s, 0), NOW_S))


def test_forget_drops_what_lies_before_the_window() -> None:
    profile = Profile(id="p")
    seen = Seen(profile)
    for number in range(4):
        seen.add(f"m{number}", NOW_S + number)
    duplicates.forget(profile, NOW_S + WINDOW_S + 1)
    assert count(profile) == 2
    assert not Seen(profile).add("m2", NOW_S + WINDOW_S + 1)


@pytest.mark.parametrize(("log_s", "left"), [(NOW_S, 3), (NOW_S + 10 * WINDOW_S, 0)])
def test_forget_drops_none_or_all(log_s: int, left: int) -> None:
    profile = person(told=3)
    duplicates.forget(profile, log_s)
    assert count(profile) == left


def test_forget_changes_no_answer() -> None:
    chance = random.Random(7)
    one, other = Profile(id="p"), Profile(id="p")
    now_s = NOW_S
    for _ in range(500):
        now_s += chance.choice([0, 1, 3_600, WINDOW_S // 7])
        message_id = f"m{chance.randrange(40)}"
        duplicates.forget(other, now_s)
        is_new = Seen(one).add(message_id, now_s)
        assert Seen(other).add(message_id, now_s) is is_new
