"""What every sender promises, and what the webhook sender does with a receiver that misbehaves."""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import pytest

from connectors import http
from connectors.channels.jsonl import JsonlSender
from connectors.channels.memory import MemorySender
from connectors.channels.webhook import WebhookSender
from processors.clock import WallClock
from processors.ports import Sender
from schemas.commands import Command
from schemas.outcomes import Outcome
from tests.receivers import OLD_SECRET, SECRET, Receiver, receiver

NUMBERS = itertools.count()
OPTIONS = http.Options(allow_http=True, allow_private=True, ports=frozenset())


def command(url: str | None, *, number: int | None = None, channel: str = "webhook") -> Command:
    return Command(
        id=f"c-{next(NUMBERS) if number is None else number}",
        channel=channel,
        profile_id="ada",
        definition_id="welcome",
        version="0123456789ab",
        step="0",
        occurrence="m-1",
        at=1_714_566_896_789,
        url=url,
        body={"plan": "gold"},
        traits={"city": "Köln"},
    )


@pytest.fixture
def inbox() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


@dataclass
class Case:
    """A sender, and how to see what it did."""

    make: Callable[[], Sender]
    effects: Callable[[], list[str]]
    """Ids of the commands that were carried out, as the other side sees them."""
    command: Callable[[int], Command]


@pytest.fixture(params=["webhook", "jsonl", "memory"])
def case(request: pytest.FixtureRequest, tmp_path: Path, inbox: Receiver) -> Case:
    now_ms = WallClock().now_ms
    if request.param == "webhook":
        return Case(
            make=lambda: WebhookSender(http.Client(OPTIONS, now_ms), [SECRET], now_ms=now_ms),
            effects=lambda: list(dict.fromkeys(inbox.ids)),
            command=lambda number: command(inbox.url(), number=number),
        )
    if request.param == "jsonl":
        path = tmp_path / "commands.webhook.jsonl"
        return Case(
            make=lambda: JsonlSender(tmp_path, now_ms=now_ms),
            effects=lambda: [json.loads(line)["id"] for line in path.read_text().splitlines()],
            command=lambda number: command(None, number=number),
        )
    memory = MemorySender("webhook", now_ms=now_ms)
    return Case(
        make=lambda: memory,
        effects=lambda: list(memory.sent),
        command=lambda number: command(None, number=number),
    )


def with_sender(sender: Sender, use: Callable[[Sender], Awaitable[list[Outcome]]]) -> list[Outcome]:
    async def run() -> list[Outcome]:
        try:
            return await use(sender)
        finally:
            await sender.close()

    return asyncio.run(run())


class TestEverySender:
    def test_command_is_carried_out_and_its_outcome_names_it(self, case: Case) -> None:
        [outcome] = with_sender(case.make(), lambda sender: gather(sender, case.command(1)))

        assert case.effects() == ["c-1"]
        assert (outcome.command_id, outcome.result) == ("c-1", "sent")
        assert (outcome.profile_id, outcome.channel) == ("ada", "webhook")
        assert outcome.attempts == 1
        assert outcome.at > 0

    def test_repeat_has_no_second_effect_and_the_same_outcome_id(self, case: Case) -> None:
        async def twice(sender: Sender) -> list[Outcome]:
            return [await sender.send(case.command(1)), await sender.send(case.command(1))]

        first, second = with_sender(case.make(), twice)

        assert case.effects() == ["c-1"]
        assert first.id == second.id

    def test_overlapping_commands_are_each_carried_out_once(self, case: Case) -> None:
        many = [case.command(number % 20) for number in range(40)]

        outcomes = with_sender(case.make(), lambda sender: gather(sender, *many))

        assert sorted(case.effects()) == sorted({one.id for one in many})
        assert [outcome.command_id for outcome in outcomes] == [one.id for one in many]


async def gather(sender: Sender, *commands: Command) -> list[Outcome]:
    return list(await asyncio.gather(*(sender.send(one) for one in commands)))


class Waits:
    """Takes the place of sleeping, and remembers for how long."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def post(url: str | None, *, waits: Waits | None = None, **changes: int) -> Outcome:
    bounds = {"attempts": 3, "backoff_ms": 1_000, "read_timeout_ms": 2_000, **changes}
    options = replace(OPTIONS, **bounds)  # type: ignore[arg-type]
    now_ms = WallClock().now_ms
    client = http.Client(options, now_ms, sleep=waits or Waits())
    sender = WebhookSender(client, [SECRET], now_ms=now_ms)
    [outcome] = with_sender(sender, lambda one: gather(one, command(url)))
    return outcome


class TestWebhook:
    def test_post_is_signed_and_carries_the_command_id_as_key(self, inbox: Receiver) -> None:
        outcome = post(inbox.url())

        assert inbox.refused == 0
        assert inbox.posts == [
            {
                "id": outcome.command_id,
                "type": "command",
                "timestamp": "2024-05-01T12:34:56.789Z",
                "profile_id": "ada",
                "definition_id": "welcome",
                "version": "0123456789ab",
                "step": "0",
                "data": {"plan": "gold"},
                "traits": {"city": "Köln"},
            }
        ]
        [headers] = inbox.headers
        assert headers["idempotency-key"] == headers["webhook-id"] == outcome.command_id
        assert headers["content-type"] == "application/json"

    def test_receiver_that_knows_only_the_old_secret_still_trusts(self, inbox: Receiver) -> None:
        now_ms = WallClock().now_ms
        client = http.Client(OPTIONS, now_ms)
        rotated = WebhookSender(client, [OLD_SECRET, SECRET], now_ms=now_ms)

        with_sender(rotated, lambda one: gather(one, command(inbox.url())))

        assert (len(inbox.posts), inbox.refused) == (1, 0)

    def test_wrong_secret_is_noticed_by_the_receiver(self, inbox: Receiver) -> None:
        now_ms = WallClock().now_ms
        stranger = WebhookSender(http.Client(OPTIONS, now_ms), [OLD_SECRET], now_ms=now_ms)

        with_sender(stranger, lambda one: gather(one, command(inbox.url())))

        assert (len(inbox.posts), inbox.refused) == (0, 1)

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
    def test_refusal_is_final_after_one_attempt(self, inbox: Receiver, status: int) -> None:
        outcome = post(inbox.url(f"/status/{status}"))

        assert (outcome.result, outcome.detail) == ("failed", f"http-{status}")
        assert outcome.attempts == len(inbox.bodies) == 1

    @pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
    def test_passing_failure_is_tried_again(self, inbox: Receiver, status: int) -> None:
        outcome = post(inbox.url(f"/first/{status}"))

        assert (outcome.result, outcome.detail, outcome.attempts) == ("sent", "http-200", 2)
        assert inbox.bodies[0] == inbox.bodies[1]
        assert inbox.ids == [outcome.command_id] * 2

    def test_attempts_are_bounded(self, inbox: Receiver) -> None:
        waits = Waits()

        outcome = post(inbox.url("/status/503"), waits=waits)

        assert (outcome.result, outcome.detail, outcome.attempts) == ("failed", "http-503", 3)
        assert len(inbox.bodies) == 3
        assert 0.5 <= waits.seconds[0] <= 1.0 <= waits.seconds[1] <= 2.0

    def test_receiver_may_ask_to_wait_longer(self, inbox: Receiver) -> None:
        waits = Waits()

        outcome = post(inbox.url("/later/7"), waits=waits)

        assert (outcome.result, waits.seconds) == ("sent", [7.0])

    @pytest.mark.parametrize("asked", ["1000000000", "Fri, 31 Dec 9999 23:59:59 GMT"])
    def test_receiver_may_not_ask_to_wait_for_ever(self, inbox: Receiver, asked: str) -> None:
        waits = Waits()

        outcome = post(inbox.url("/later/" + quote(asked)), waits=waits, retry_after_max_ms=3_000)

        assert (outcome.result, waits.seconds) == ("sent", [3.0])

    @pytest.mark.parametrize("asked", ["-5", "soon", "Thu, 01 Jan 1970 00:00:00 GMT", "0"])
    def test_nonsense_in_retry_after_changes_nothing(self, inbox: Receiver, asked: str) -> None:
        waits = Waits()

        outcome = post(inbox.url("/later/" + quote(asked)), waits=waits)

        assert outcome.result == "sent"
        assert 0.5 <= waits.seconds[0] <= 1.0

    def test_redirect_is_not_followed(self, inbox: Receiver) -> None:
        outcome = post(inbox.url("/redirect"))

        assert (outcome.result, outcome.detail) == ("failed", "http-302")
        assert inbox.seen == {"/redirect": 1}

    def test_answer_that_does_not_come_leaves_it_unknown(self, inbox: Receiver) -> None:
        outcome = post(inbox.url("/slow"), read_timeout_ms=50, attempts=2)

        assert (outcome.result, outcome.detail, outcome.attempts) == ("unknown", "time-out", 2)
        assert inbox.ids == [outcome.command_id] * 2

    def test_connection_that_is_cut_after_the_post_leaves_it_unknown(self, inbox: Receiver) -> None:
        outcome = post(inbox.url("/drop"))

        assert (outcome.result, outcome.detail) == ("unknown", "connection-lost")

    def test_repeat_settles_what_was_left_open(self, inbox: Receiver) -> None:
        outcome = post(inbox.url("/drop-first"))

        assert (outcome.result, outcome.attempts) == ("sent", 2)

    def test_endless_answer_is_read_to_a_bound(self, inbox: Receiver) -> None:
        outcome = post(inbox.url("/huge"))

        assert (outcome.result, outcome.detail) == ("sent", "http-200")

    def test_cookies_are_not_kept(self, inbox: Receiver) -> None:
        now_ms = WallClock().now_ms
        sender = WebhookSender(http.Client(OPTIONS, now_ms), [SECRET], now_ms=now_ms)
        both = [command(inbox.url()), command(inbox.url())]

        async def in_turn(one: Sender) -> list[Outcome]:
            return [await one.send(each) for each in both]

        with_sender(sender, in_turn)

        assert len(inbox.headers) == 2
        assert not any("cookie" in headers for headers in inbox.headers)

    def test_nobody_listening_is_a_failure_not_unknown(self) -> None:
        with receiver() as gone:
            url = gone.url()

        outcome = post(url)

        assert (outcome.result, outcome.detail, outcome.attempts) == ("failed", "connect-failed", 3)

    def test_command_without_address_fails_without_an_attempt(self) -> None:
        outcome = post(None)

        assert (outcome.result, outcome.detail, outcome.attempts) == ("failed", "url-missing", 0)
