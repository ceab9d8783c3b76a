"""Duplicates: a message is remembered for seven days of log time, and the latest 2,000 of them."""

import random

import pytest

from processors.state import duplicates
from processors.state.duplicates import (
    ID_BYTES,
    MAX_IDS,
    MAX_KNOWN,
    MAX_PAGES,
    PAGE_IDS,
    SET_PAGES,
    WINDOW_S,
    Seen,
)
from processors.state.profiles import Profile

NOW_S = 1_767_225_600


class Memory:
    """A profile and its pages, as the table has them; asked in batches."""

    def __init__(self, *, told: int = 0, batch: int = 300) -> None:
        """Returns one that has had so many messages, m0, m1 …"""
        self.profile = Profile(id="p")
        self.pages: dict[int, bytes] = {}
        for first in range(0, told, batch):
            assert all(self.add(*(f"m{number}" for number in range(first, told)[:batch])))

    def add(self, *message_ids: str, log_s: int = NOW_S) -> list[bool]:
        seen = Seen(self.profile, self.pages)
        found = [seen.add(each, log_s) for each in message_ids]
        self.pages = {**self.pages, **(seen.turned or {})}
        return found


def person() -> Profile:
    return Profile(id="p")


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


@pytest.mark.parametrize("told", [0, 130, 1_000], ids=["few ids", "many ids", "pages of ids"])
@pytest.mark.parametrize("more", [0, 300], ids=["lately", "before others"])
@pytest.mark.parametrize(
    ("after_s", "is_new"), [(0, False), (WINDOW_S - 1, False), (WINDOW_S, True)]
)
def test_it_is_remembered_for_seven_days_of_log_time(
    told: int, more: int, after_s: int, is_new: bool
) -> None:
    memory = Memory(told=told)
    memory.add("again", *(f"n{number}" for number in range(more)))
    assert memory.add("again", log_s=NOW_S + after_s) == [is_new]


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


@pytest.mark.parametrize("others", [MAX_IDS - 1, MAX_IDS])
@pytest.mark.parametrize("before", [0, 1, 127, 128, 500, 5_000])
@pytest.mark.parametrize("batch", [500, 10_000], ids=["in batches", "in one batch"])
def test_the_latest_2000_are_remembered(others: int, before: int, batch: int) -> None:
    memory = Memory(told=before, batch=batch)
    memory.add("first")
    for first in range(0, others, batch):
        memory.add(*(f"n{number}" for number in range(first, others)[:batch]))
    assert memory.add("first") == [others == MAX_IDS]


def test_memory_is_bounded_and_keeps_the_latest() -> None:
    memory = Memory(told=10_000)
    assert count(memory.profile) < 2 * PAGE_IDS
    assert sorted(memory.pages) == list(range(MAX_PAGES))
    assert {len(page) for page in memory.pages.values()} == {12 * PAGE_IDS}
    assert memory.add("m9999", f"m{10_000 - MAX_IDS}") == [False, False]
    assert memory.add(f"m{9_999 - MAX_IDS}") == [True]


def test_a_set_of_ids_is_made_anew_before_it_grows_much_larger() -> None:
    seen = Seen(person())
    sizes = []
    for number in range(10_000):
        assert seen.add(f"m{number}", NOW_S)
        sizes.append(len(seen.known or ()))
    assert sizes[SET_PAGES * PAGE_IDS] == 0
    assert sizes[(SET_PAGES + 2) * PAGE_IDS] > SET_PAGES * PAGE_IDS
    assert max(sizes) <= MAX_KNOWN + PAGE_IDS
    assert not seen.add("m9000", NOW_S)
    assert seen.add("m0", NOW_S)
    assert not seen.add("m0", NOW_S)


@pytest.mark.parametrize("told", [2, 200])
def test_bytes_across_two_ids_are_no_id(told: int) -> None:
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
    profile = Memory(told=3).profile
    duplicates.forget(profile, log_s)
    assert count(profile) == left


def test_forgetting_and_batches_change_no_answer() -> None:
    chance = random.Random(7)
    one, other = Memory(), Seen(person())
    now_s, repeats = NOW_S, 0
    for number in range(20_000):
        now_s += chance.choice([0, 1, 300, 600])
        duplicates.forget(one.profile, now_s)
        message_id = f"m{number - chance.randrange(3_000) * (number % 3 == 0)}"
        [is_new] = one.add(message_id, log_s=now_s)
        repeats += not is_new
        assert other.add(message_id, now_s) is is_new
    assert repeats > 1_000
