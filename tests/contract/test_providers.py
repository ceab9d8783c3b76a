"""What every provider promises: one bounded request a call, its fate told, no secret shown.

A provider joins by its module's `CASES` (tests/providers/cases.py).
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import msgspec
import pytest

from processors.ports import Provider
from schemas.messages import Message, Reply
from tests.providers import drawers, mail, relay
from tests.providers.cases import FATES, HASTY_MS, PATIENT_MS, Case, Cases
from tests.providers.servers import Fault

CASES: Cases = {**mail.CASES, **relay.CASES, **drawers.MAIL_CASES}
SLACK_MS = 2_500
"""Beyond the time-out of an attempt: this machine may be busy."""

Found = TypeVar("Found")


@pytest.fixture(params=sorted(CASES))
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    with CASES[request.param]() as found:
        yield found


def using(provider: Provider, use: Callable[[Provider], Awaitable[Found]]) -> Found:
    async def run() -> Found:
        try:
            return await use(provider)
        finally:
            await provider.close()

    return asyncio.run(run())


def send(provider: Provider, *messages: Message) -> list[Reply]:
    async def all_of(one: Provider) -> list[Reply]:
        return [await one.send(message) for message in messages]

    return using(provider, all_of)


def fault_of(case: Case, fault: Fault) -> Fault:
    if fault not in case.fates:
        pytest.skip("this service does not fail in that way")
    return fault


def test_message_is_taken_once_and_its_reply_names_it(case: Case) -> None:
    [reply] = send(case.make(PATIENT_MS), case.message("c-1"))

    assert (reply.fate, case.effects()) == ("accepted", ["c-1"])
    assert reply.provider_id is None or 0 < len(reply.provider_id) <= 300
    assert reply.suppresses is None


def test_several_messages_go_over_the_same_connections(case: Case) -> None:
    keys = [f"c-{number}" for number in range(5)]

    replies = send(case.make(PATIENT_MS), *(case.message(key) for key in keys))

    assert [reply.fate for reply in replies] == ["accepted"] * 5
    assert case.effects() == keys


def test_overlapping_messages_are_each_taken_once(case: Case) -> None:
    keys = [f"c-{number}" for number in range(20)]

    async def together(provider: Provider) -> list[Reply]:
        return await asyncio.gather(*(provider.send(case.message(key)) for key in keys))

    replies = using(case.make(PATIENT_MS), together)

    assert {reply.fate for reply in replies} == {"accepted"}
    assert sorted(case.effects()) == sorted(keys)


def test_repeat_is_known_where_that_is_promised(case: Case) -> None:
    provider = case.make(PATIENT_MS)
    if provider.promise != "key":
        pytest.skip("this provider knows no key")

    first, second = send(provider, case.message("c-1"), case.message("c-1"))

    assert (first.fate, second.fate) == ("accepted", "accepted")
    assert case.effects() == ["c-1"]


@pytest.mark.parametrize("fault", sorted(FATES))
def test_fate_of_a_fault_is_told_and_the_time_is_bounded(case: Case, fault: Fault) -> None:
    case.fail(fault_of(case, fault))
    started = time.monotonic()

    [reply] = send(case.make(HASTY_MS), case.message("c-1"))

    assert reply.fate in case.fates[fault]
    assert (time.monotonic() - started) * 1000 < HASTY_MS + SLACK_MS
    assert reply.retry_after_ms == (7_000 if fault == "busy-for-7-s" else None)
    if case.effects():
        assert reply.fate in ("accepted", "unknown")


@pytest.mark.parametrize("fault", sorted(FATES))
def test_message_after_a_fault_is_taken(case: Case, fault: Fault) -> None:
    case.fail(fault_of(case, fault))

    _, reply = send(case.make(HASTY_MS), case.message("c-1"), case.message("c-2"))

    assert reply.fate == "accepted"
    assert case.effects()[-1] == "c-2"


def test_service_that_is_away_is_passing(case: Case) -> None:
    [reply] = send(case.away(), case.message("c-1"))

    assert (reply.fate, reply.provider_id) == ("passing", None)


@pytest.mark.parametrize("fault", ["none", *sorted(FATES)])
def test_no_secret_is_told(case: Case, fault: Fault, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    if fault != "none":
        case.fail(fault_of(case, fault))
    provider = case.make(HASTY_MS)

    [reply] = send(provider, case.message("c-1"))

    told = msgspec.json.encode(reply).decode() + repr(provider) + repr(vars(provider).keys())
    for secret in case.secrets:
        assert secret not in told
        assert secret not in caplog.text


def test_details_are_short_fixed_words(case: Case) -> None:
    for fault in case.fates:
        case.fail(fault)

    count = len(case.fates) + 1  # the last one is taken
    replies = send(case.make(HASTY_MS), *(case.message(f"c-{n}") for n in range(count)))

    for reply in replies:
        assert 0 < len(reply.detail) <= 64
        assert " " not in reply.detail


def test_look_up_says_nothing_where_it_is_not_promised(case: Case) -> None:
    provider = case.make(HASTY_MS)
    if provider.promise == "look-up":
        pytest.skip("this provider can be asked")

    assert using(provider, lambda one: one.look_up(case.message("c-1"))) is None
