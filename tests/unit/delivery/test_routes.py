"""Which provider takes a message, at which pace, and what happens when one is away."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from processors.delivery.breakers import Limits
from processors.delivery.routes import Pace, Routes
from processors.metrics import Counter, Gauge, Metrics
from schemas.messages import Message, Promise, Reply
from tests.deliveries import LATER, LOST, PASSING, REFUSED, SENT, Scripted, errand, run, world
from tests.stores import Time


def opened(*providers: Scripted, time: Time | None = None, **limits: object) -> Routes:
    clock = time or Time()
    return Routes(
        providers,
        {one.name: Limits(**limits) for one in providers},  # type: ignore[arg-type]
        metrics=Metrics(),
        clock=clock,
        sleep=clock.sleep,
    )


def test_first_in_order_is_asked_while_it_works(tmp_path: Path) -> None:
    ses, smtp = Scripted(), Scripted(name="smtp")
    with world(tmp_path, ses, smtp) as found:
        for one in range(3):
            run(found.courier.deliver(errand(f"c-{one}")))
    assert (len(ses.sent), len(smtp.sent)) == (3, 0)


def test_next_one_takes_what_the_first_surely_did_not(tmp_path: Path) -> None:
    ses, smtp = Scripted(PASSING), Scripted(name="smtp")
    with world(tmp_path, ses, smtp) as found:
        done = run(found.courier.deliver(errand()))
        assert found.time.slept == []
    assert (done.entry.provider, done.entry.attempts) == ("smtp", 2)


def test_next_one_is_not_asked_what_the_first_refused(tmp_path: Path) -> None:
    ses, smtp = Scripted(REFUSED), Scripted(name="smtp")
    with world(tmp_path, ses, smtp) as found:
        assert run(found.courier.deliver(errand())).entry.state == "failed"
    assert smtp.sent == []


def test_open_circuit_sends_everything_to_the_next_one(tmp_path: Path) -> None:
    smtp = Scripted(name="smtp")
    with world(tmp_path, Scripted(PASSING), smtp) as found:
        for one in range(8):
            run(found.courier.deliver(errand(f"c-{one}")))
        assert found.metrics.read(Gauge.CIRCUIT_OPEN, "ses") == 1
        assert found.metrics.read(Counter.PROVIDER_ERRORS, "ses", "http-503") == 5
    assert len(smtp.sent) == 8


def test_while_all_are_away_messages_wait_and_one_probe_goes_at_a_time(tmp_path: Path) -> None:
    ses = Scripted(*[PASSING] * 20, SENT)
    with world(tmp_path, ses) as found:

        async def many() -> list[str]:
            errands = [errand(f"c-{one}") for one in range(10)]
            done = await asyncio.gather(*map(found.courier.deliver, errands))
            return [one.entry.state for one in done]

        assert run(many()) == ["sent"] * 10
        assert found.metrics.read(Gauge.CIRCUIT_OPEN, "ses") == 0
    assert len(ses.sent) <= 20 + 10


def test_provider_that_asks_to_wait_is_left_alone_by_all(tmp_path: Path) -> None:
    ses = Scripted(LATER, SENT)
    with world(tmp_path, ses) as found:
        run(found.courier.deliver(errand("c-1")))
        assert found.time.now >= 1_007_000
        assert found.metrics.read(Gauge.CIRCUIT_OPEN, "ses") == 0


def test_receiver_of_many_that_asks_to_wait_holds_up_nobody_else(tmp_path: Path) -> None:
    hook = Scripted(LATER, SENT)
    with world(tmp_path, hook, limits=Limits(is_shared=False)) as found:
        run(found.courier.deliver(errand()))
        assert found.routes.has_other(())
        assert found.time.slept == [7.0]


@pytest.mark.parametrize("given", [Reply(fate="passing", detail="x", retry_after_ms=10**12)])
def test_nobody_may_ask_to_wait_for_ever(tmp_path: Path, given: Reply) -> None:
    with world(tmp_path, Scripted(given, SENT)) as found:
        run(found.courier.deliver(errand()))
        assert found.time.now <= 1_000_000 + 600_000 + 1_000


def test_rate_is_kept_and_its_waits_are_counted(tmp_path: Path) -> None:
    ses = Scripted()
    with world(tmp_path, ses, limits=Limits(rate_per_s=10)) as found:
        for one in range(21):
            run(found.courier.deliver(errand(f"c-{one}")))
        assert found.time.now >= 1_000_000 + 1_800
        assert found.metrics.read(Counter.RATE_WAITS, "ses") >= 18


def test_without_a_share_of_the_rate_messages_wait_and_go_on_with_one(tmp_path: Path) -> None:
    ses = Scripted()
    with world(tmp_path, ses, limits=Limits(rate_per_s=0.5)) as found:
        found.routes.share(0)

        async def story() -> str:
            sending = asyncio.ensure_future(found.courier.deliver(errand()))
            while found.time.now < 1_600_000:
                await asyncio.sleep(0)
            assert ses.sent == []
            found.routes.share(0.5)
            shared_at = found.time.now
            state = (await sending).entry.state
            assert 4_000 <= found.time.now - shared_at < 6_000
            return state

        assert run(story()) == "sent"
        assert found.metrics.read(Gauge.RATE, "ses") == 0.25
        assert found.metrics.read(Counter.RATE_WAITS, "ses") == 1


def test_message_whose_time_passes_while_it_waits_for_the_rate_is_dropped(tmp_path: Path) -> None:
    """Nor does it use up what others may send: they go as if it had not been there."""
    ses = Scripted()
    with world(tmp_path, ses, limits=Limits(rate_per_s=0.2)) as found:
        begun_at = found.time.now

        async def many() -> list[tuple[str, str]]:
            short = [errand(f"c-{one}", expires_at=begun_at + 1_000) for one in range(3)]
            done = await asyncio.gather(*map(found.courier.deliver, [*short, errand("c-9")]))
            return [(one.entry.state, one.entry.detail) for one in done]

        assert run(many()) == [("dropped", "expired")] * 3 + [("sent", "http-200")]
        assert ses.sent == ["c-9"]
        assert found.time.now < begun_at + 6_000


def test_share_that_falls_slows_those_that_wait_already() -> None:
    clock = Time()
    routes = opened(Scripted(), time=clock, rate_per_s=10)
    went: list[int] = []

    async def one() -> None:
        route = routes.named("ses")
        assert route is not None
        async with routes.place(route, None):
            went.append(clock.now - 1_000_000)
        if len(went) == 5:
            routes.share(0.1)

    async def many() -> None:
        await asyncio.gather(*(one() for _ in range(7)))

    run(many())
    assert went[:5] == [100, 200, 300, 400, 500]
    assert went[5] >= 1_400, went
    assert went[6] >= went[5] + 1_000


@pytest.mark.parametrize(("part", "has"), [(0, False), (0.125, True), (1, True)])
def test_process_has_a_share_while_it_is_not_nothing(part: float, has: bool) -> None:
    routes = opened(Scripted())
    routes.share(part)
    assert routes.has_share is has


@pytest.mark.parametrize("part", [0, 0.5])
def test_provider_without_a_rate_is_asked_whatever_the_share(tmp_path: Path, part: float) -> None:
    with world(tmp_path, Scripted()) as found:
        found.routes.share(part)
        route = found.routes.named("ses")
        assert route is not None

        async def taken() -> int:
            count = 0
            for _ in range(1_000):
                async with found.routes.place(route, None) as place:
                    count += place is not None
            return count

        assert run(taken()) == 1_000
        assert found.time.slept == []
        assert found.metrics.read(Counter.RATE_WAITS, "ses") == 0
        assert b"beckon_rate_per_second{" not in found.metrics.text()


def test_no_more_requests_at_once_than_allowed() -> None:
    class Slow(Scripted):
        now = most = 0

        async def send(self, message: Message) -> Reply:
            Slow.now += 1
            Slow.most = max(Slow.most, Slow.now)
            for _ in range(5):
                await asyncio.sleep(0)
            Slow.now -= 1
            return await super().send(message)

    slow = Slow()
    routes = opened(slow, concurrency=3)

    async def one() -> None:
        route = await routes.pick((), None)
        assert route is not None
        async with routes.place(route, None) as place:
            assert place is not None
            message = errand().message
            assert message is not None
            assert await place.ask(message) is not None

    async def many() -> None:
        await asyncio.gather(*(one() for _ in range(20)))

    run(many())
    assert (Slow.most, len(slow.sent)) == (3, 20)


def test_nobody_is_asked_after_the_circuit_opened_before_their_turn() -> None:
    ses = Scripted(PASSING)
    routes = opened(ses, concurrency=1, failures=1)

    async def one() -> bool:
        route = routes.named("ses")
        assert route is not None
        async with routes.place(route, None) as place:
            message = errand().message
            assert message is not None
            return place is not None and await place.ask(message) is not None

    async def many() -> list[bool]:
        return list(await asyncio.gather(*(one() for _ in range(6))))

    assert sorted(run(many())) == [False] * 5 + [True]
    assert len(ses.sent) == 1


def test_probe_that_was_not_made_lets_the_next_one_go() -> None:
    clock = Time()
    routes = opened(Scripted(), time=clock, failures=1)
    route = routes.named("ses")
    assert route is not None
    route.breaker.fail(clock.now, is_probe=False)
    clock.now += 5_000

    async def leave() -> int:
        async with routes.place(route, None) as place:
            assert place is not None
        return route.wait_ms(clock.now)

    assert run(leave()) == 0


def test_providers_are_closed_with_the_routes() -> None:
    both = Scripted(), Scripted(name="smtp")
    run(opened(*both).close())
    assert [one.is_closed for one in both] == [True, True]


def test_waits_double_to_a_bound_and_are_spread() -> None:
    pace = Pace(backoff_ms=1_000, backoff_max_ms=4_000)
    waits = [pace.wait_ms(attempt, "c-1") for attempt in (1, 2, 3, 9, 99)]
    for wait, whole in zip(waits, (1_000, 2_000, 4_000, 4_000, 4_000), strict=True):
        assert whole // 2 <= wait <= whole
    assert len({pace.wait_ms(1, f"c-{one}") for one in range(20)}) > 10


@pytest.mark.parametrize(("promise", "looks"), [("key", 4), ("look-up", 4), ("none", 1)])
def test_looks_are_taken_ahead_only_where_a_crash_can_be_settled(
    promise: Promise, looks: int
) -> None:
    """After a crash, what had its look counts as unknown where the provider can not tell."""
    routes = opened(Scripted(promise=promise), concurrency=1)
    route = routes.named("ses")
    assert route is not None

    async def taken() -> int:
        async with contextlib.AsyncExitStack() as stack:
            count = 0
            while not route.near.locked():
                await stack.enter_async_context(routes.place(route, None))
                count += 1
            return count

    assert run(taken()) == looks


class TestProviderWithABug:
    BUG = ZeroDivisionError("ada@example.org")

    def test_what_it_raised_before_it_asked_goes_to_the_next_one(self, tmp_path: Path) -> None:
        ses, smtp = Scripted(self.BUG), Scripted(name="smtp")
        with world(tmp_path, ses, smtp) as found:
            done = run(found.courier.deliver(errand()))
        assert (done.entry.state, done.entry.provider, len(ses.sent)) == ("sent", "smtp", 1)

    def test_message_that_sets_it_off_each_time_fails_and_the_next_is_sent(
        self, tmp_path: Path
    ) -> None:
        ses = Scripted(*[self.BUG] * 8, SENT)
        with world(tmp_path, ses) as found:
            done = run(found.courier.deliver(errand()))
            assert (done.entry.state, done.entry.detail) == ("failed", "provider-broke")
            assert found.metrics.read(Gauge.CIRCUIT_OPEN, "ses") == 1
            assert run(found.courier.deliver(errand("c-2"))).entry.state == "sent"
            assert found.metrics.read(Counter.PROVIDER_BUGS, "ses") == 8

    @pytest.mark.parametrize(
        ("promise", "state", "sends"), [("key", "sent", 2), ("look-up", "sent", 1)]
    )
    def test_request_that_may_have_been_written_is_settled_as_the_provider_promises(
        self, tmp_path: Path, promise: Promise, state: str, sends: int
    ) -> None:
        ses, smtp = Scripted(self.BUG, SENT, promise=promise, known=[SENT]), Scripted(name="smtp")
        with world(tmp_path, ses, smtp) as found:
            ses.before = [asyncio.sleep(0)]
            assert run(found.courier.deliver(errand())).entry.state == state
        assert (len(ses.sent), smtp.sent) == (sends, [])

    def test_request_that_nobody_can_tell_of_ends_as_unknown(self, tmp_path: Path) -> None:
        ses = Scripted(self.BUG, SENT, promise="none")
        with world(tmp_path, ses) as found:
            ses.before = [asyncio.sleep(0)]
            done = run(found.courier.deliver(errand()))
        assert (done.entry.state, done.entry.detail) == ("unknown", "provider-broke")
        assert len(ses.sent) == 1

    def test_look_up_that_raises_is_asked_again_and_ends_as_unknown(self, tmp_path: Path) -> None:
        ses = Scripted(LOST, promise="look-up", known=[self.BUG] * 7)
        with world(tmp_path, ses) as found:
            done = run(found.courier.deliver(errand()))
            assert (done.entry.state, done.entry.detail) == ("unknown", "provider-broke")
            assert found.metrics.read(Counter.PROVIDER_BUGS, "ses") == 7
        assert (len(ses.sent), len(ses.looked_up)) == (1, 7)

    def test_log_names_the_error_and_its_place_and_nobody(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        with world(tmp_path, Scripted(self.BUG, SENT)) as found:
            run(found.courier.deliver(errand()))
        [record] = [one for one in caplog.records if one.levelname == "ERROR"]
        said = vars(record)
        assert (said["provider"], said["error_type"]) == ("ses", "ZeroDivisionError")
        assert said["where"].startswith("deliveries.py:")
        assert "ada" not in f"{record.getMessage()}{said['where']}{caplog.text}"
