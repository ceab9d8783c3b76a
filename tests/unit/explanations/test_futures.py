"""What turns by itself, and when: the engine's timers run ahead, on a copy."""

import pytest

from processors.explanations import futures
from processors.explanations.futures import Watch
from processors.state.profiles import NEVER, Profile
from tests.builders import DAY, HOUR, T0, Person, segment, tag, track, trigger

RECENT = segment({"event": "a", "within": "1h"}, "recent")
QUIET = segment({"segment": "recent", "is": "out"}, "quiet")


def is_in(segment_id: str) -> Watch:
    return lambda profile, now_ms: (segment_id in profile.segments, NEVER)


def has_tag(profile: Profile, now_ms: int) -> tuple[bool, int]:
    return "left" in profile.tags, NEVER


def test_segment_turns_when_its_timer_is_due_and_so_does_what_hangs_on_it() -> None:
    person = Person(RECENT, QUIET)
    person.hears(track("a"))
    watches = [is_in("recent"), is_in("quiet")]
    turned = futures.turns(person.compiled, person.profile, T0, watches)
    assert turned == ([T0 + HOUR, T0 + HOUR], None)


def test_actions_that_the_clock_brings_about_are_part_of_the_future() -> None:
    left = trigger({"segment": "recent", "change": "exited"}, tag("left"))
    person = Person(RECENT, left)
    person.hears(track("a"))
    assert futures.turns(person.compiled, person.profile, T0, [has_tag]) == ([T0 + HOUR], None)


def test_looking_ahead_changes_nothing() -> None:
    person = Person(RECENT, QUIET)
    person.hears(track("a"))
    before = futures.copy(person.profile)
    futures.turns(person.compiled, person.profile, T0, [is_in("recent")])
    assert person.profile == before


def test_what_needs_no_timer_is_looked_at_when_its_promise_ends() -> None:
    person = Person(RECENT)
    person.hears(track("z"))

    def watch(profile: Profile, now_ms: int) -> tuple[bool, int]:
        return now_ms >= T0 + DAY, T0 + DAY if now_ms < T0 + DAY else NEVER

    assert futures.turns(person.compiled, person.profile, T0, [watch]) == ([T0 + DAY], None)


def test_future_without_end_is_looked_at_so_far_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(futures, "MAX_STEPS", 3)
    person = Person(RECENT)

    def watch(profile: Profile, now_ms: int) -> tuple[bool, int]:
        return True, now_ms + 1

    assert futures.turns(person.compiled, person.profile, T0, [watch]) == ([None], T0 + 3)


def test_nothing_to_look_at_needs_no_look() -> None:
    person = Person(RECENT)
    person.hears(track("a"))
    assert futures.turns(person.compiled, person.profile, T0, []) == ([], None)
