"""What becomes of one message: what each provider promises, and what is done when none knows."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from processors.delivery.breakers import Limits
from processors.delivery.couriers import DEFAULT_KNOWN_MS, UNDER_WAY_MS, Done, Policy
from processors.metrics import Counter
from schemas.errors import Unsendable
from schemas.intents import Gate
from schemas.messages import Promise
from tests.builders import DAY, HOUR, MINUTE
from tests.deliveries import (
    LATER,
    LOST,
    PASSING,
    REFUSED,
    SENT,
    Scripted,
    World,
    errand,
    run,
    world,
)


def said(done: Done) -> tuple[str, str, int]:
    return done.entry.state, done.entry.detail, done.entry.attempts


class TestOneProvider:
    def test_message_is_sent_once_and_a_repeat_finds_that(self, tmp_path: Path) -> None:
        ses = Scripted()
        with world(tmp_path, ses) as found:
            first = run(found.courier.deliver(errand()))
            again = run(found.courier.deliver(errand()))
        assert said(first) == ("sent", "http-200", 1)
        assert first.entry == again.entry
        assert (first.entry.provider, first.entry.provider_id) == ("ses", "p-1")
        assert ses.sent == ["c-1"]

    @pytest.mark.parametrize("id_", ["p\0", "p" * 513])
    def test_id_that_no_ledger_could_hold_is_left_out(self, tmp_path: Path, id_: str) -> None:
        ses = Scripted(msgspec.structs.replace(SENT, provider_id=id_))
        with world(tmp_path, ses) as found:
            done = run(found.courier.deliver(errand()))
        assert (done.entry.state, done.entry.provider_id) == ("sent", None)

    def test_what_is_wrong_with_a_message_is_told_as_the_ledger_can_hold_it(
        self, tmp_path: Path
    ) -> None:
        problem = Unsendable("template-broken", "no\0 " + "x" * 300)
        bad = msgspec.structs.replace(errand(), message=None, problem=problem)
        with world(tmp_path, Scripted()) as found:
            state, detail, _ = said(run(found.courier.deliver(bad)))
        assert (state, detail) == ("failed", "template-broken: no " + "x" * 180)

    def test_refusal_is_final_and_says_whether_the_recipient_is_lost(self, tmp_path: Path) -> None:
        gone = msgspec.structs.replace(REFUSED, suppresses="hard-bounce")
        with world(tmp_path, Scripted(gone)) as found:
            done = run(found.courier.deliver(errand()))
            assert said(done) == ("failed", "http-400", 1)
            assert done.suppresses == "hard-bounce"
            assert run(found.standing.of("ada")).suppressions[0].reason == "hard-bounce"

    def test_device_that_is_gone_does_not_suppress_its_person(self, tmp_path: Path) -> None:
        gone = msgspec.structs.replace(REFUSED, suppresses="hard-bounce")
        with world(tmp_path, Scripted(gone)) as found:
            mine = errand()
            assert mine.message is not None
            push = msgspec.structs.replace(mine.message, channel="push")
            done = run(found.courier.deliver(msgspec.structs.replace(mine, message=push)))
            assert said(done) == ("failed", "http-400", 1)
            assert done.suppresses is None
            assert not run(found.standing.of("ada")).suppressions

    def test_failure_that_passes_is_tried_again_later(self, tmp_path: Path) -> None:
        with world(tmp_path, Scripted(PASSING, SENT)) as found:
            assert said(run(found.courier.deliver(errand()))) == ("sent", "http-200", 2)
            assert 0.25 <= sum(found.time.slept) <= 0.5

    def test_failures_of_the_message_itself_are_bounded(self, tmp_path: Path) -> None:
        bad, policy = Scripted(PASSING), Policy(attempts=3)
        with world(tmp_path, bad, policy=policy) as found:
            assert said(run(found.courier.deliver(errand()))) == ("failed", "http-503", 3)

    def test_provider_that_is_away_costs_no_message_its_attempts(self, tmp_path: Path) -> None:
        away = Scripted(*[PASSING] * 40, SENT)
        with world(tmp_path, away, policy=Policy(attempts=6)) as found:
            assert said(run(found.courier.deliver(errand())))[:2] == ("sent", "http-200")
            assert found.time.now > 1_000_000 + 30 * 60_000

    def test_wait_that_the_provider_asks_for_is_kept(self, tmp_path: Path) -> None:
        with world(tmp_path, Scripted(LATER, SENT)) as found:
            run(found.courier.deliver(errand()))
            assert found.time.now >= 1_007_000

    def test_expired_message_is_dropped_and_nobody_is_asked(self, tmp_path: Path) -> None:
        ses = Scripted()
        with world(tmp_path, ses) as found:
            done = run(found.courier.deliver(errand(expires_at=1_000_000)))
        assert (said(done), ses.sent) == (("dropped", "expired", 0), [])

    def test_message_expires_while_it_waits(self, tmp_path: Path) -> None:
        with world(tmp_path, Scripted(PASSING)) as found:
            done = run(found.courier.deliver(errand(expires_at=1_003_000)))
            assert done.entry.state == "dropped"
            assert found.time.now == 1_003_000

    def test_suppressed_person_gets_nothing(self, tmp_path: Path) -> None:
        ses = Scripted()
        with world(tmp_path, ses) as found:
            run(found.standing.suppress("ada", "*", reason="complaint", at=1))
            done = run(found.courier.deliver(errand(transactional=True)))
        assert (said(done), ses.sent) == (("dropped", "suppressed-complaint", 0), [])

    def test_withdrawal_between_two_attempts_wins(self, tmp_path: Path) -> None:
        ses = Scripted(PASSING, SENT)
        with world(tmp_path, ses) as found:
            ses.before = [found.standing.withdraw("ada", "email", topic="news", at=1)]
            done = run(found.courier.deliver(errand()))
        assert (done.entry.state, ses.sent) == ("dropped", ["c-1"])

    @pytest.mark.parametrize(
        ("is_held", "expires_at", "state", "detail"),
        [
            (True, None, "held", "variable-missing: name"),
            (False, None, "failed", "variable-missing: name"),
            (True, 5, "dropped", "expired"),
        ],
    )
    def test_what_can_not_be_made_says_why(
        self, tmp_path: Path, is_held: bool, expires_at: int | None, state: str, detail: str
    ) -> None:
        problem = Unsendable("variable-missing", "name", is_held=is_held)
        one = msgspec.structs.replace(
            errand(), message=None, problem=problem, expires_at=expires_at
        )
        with world(tmp_path, Scripted()) as found:
            assert said(run(found.courier.deliver(one))) == (state, detail, 0)


class TestLostAnswer:
    def test_key_is_used_again_at_the_same_provider(self, tmp_path: Path) -> None:
        ses, smtp = Scripted(LOST, SENT), Scripted(name="smtp")
        with world(tmp_path, ses, smtp) as found:
            assert said(run(found.courier.deliver(errand()))) == ("sent", "http-200", 2)
        assert (ses.sent, smtp.sent) == (["c-1", "c-1"], [])

    def test_later_failure_does_not_make_it_not_sent(self, tmp_path: Path) -> None:
        with world(tmp_path, Scripted(LOST, PASSING), policy=Policy(attempts=3)) as found:
            assert said(run(found.courier.deliver(errand())))[0] == "unknown"

    @pytest.mark.parametrize(
        ("known", "sends"), [([SENT], 1), ([REFUSED], 2), ([PASSING, SENT], 1), ([LOST, SENT], 1)]
    )
    def test_provider_that_can_be_asked_is_asked(
        self, tmp_path: Path, known: list[object], sends: int
    ) -> None:
        ses = Scripted(LOST, SENT, promise="look-up", known=known)  # type: ignore[arg-type]
        with world(tmp_path, ses) as found:
            assert run(found.courier.deliver(errand())).entry.state == "sent"
        assert len(ses.sent) == sends

    def test_key_that_ran_out_while_the_provider_was_away_is_not_used(self, tmp_path: Path) -> None:
        later = msgspec.structs.replace(LATER, retry_after_ms=15 * MINUTE)
        brevo = Scripted(LOST, later, SENT, name="brevo")
        with world(tmp_path, brevo, limits=Limits(pause_max_ms=HOUR)) as found:
            done = run(found.courier.deliver(errand()))
        assert said(done)[:2] == ("unknown", "not-known-to-provider")
        assert len(brevo.sent) == 2

    def test_key_that_ran_out_is_sent_again_where_that_is_the_policy(self, tmp_path: Path) -> None:
        later = msgspec.structs.replace(LATER, retry_after_ms=15 * MINUTE)
        brevo = Scripted(LOST, later, SENT, name="brevo")
        with world(tmp_path, brevo, limits=Limits(pause_max_ms=HOUR)) as found:
            done = run(found.courier.deliver(errand(transactional=True)))
        assert (said(done)[0], len(brevo.sent)) == ("sent", 3)

    def test_provider_that_does_not_know_either_leaves_it_unknown(self, tmp_path: Path) -> None:
        ses = Scripted(LOST, promise="look-up", known=[None])
        with world(tmp_path, ses) as found:
            done = run(found.courier.deliver(errand()))
        assert said(done) == ("unknown", "not-known-to-provider", 1)

    @pytest.mark.parametrize("promise", ["none", "look-up"])
    def test_message_that_answers_a_person_is_sent_again(
        self, tmp_path: Path, promise: Promise
    ) -> None:
        ses = Scripted(LOST, SENT, promise=promise, known=[None])
        with world(tmp_path, ses) as found:
            done = run(found.courier.deliver(errand(transactional=True)))
        assert (done.entry.state, len(ses.sent)) == ("sent", 2)

    @pytest.mark.parametrize(
        ("policy", "state", "sends"), [(False, "unknown", 1), (True, "sent", 2)]
    )
    def test_policy_decides_where_the_provider_knows_nothing(
        self, tmp_path: Path, policy: bool, state: str, sends: int
    ) -> None:
        ses = Scripted(LOST, SENT, promise="none")
        with world(tmp_path, ses, policy=Policy(at_least_once=policy)) as found:
            done = run(found.courier.deliver(errand()))
        assert (done.entry.state, len(ses.sent)) == (state, sends)

    @pytest.mark.parametrize(
        "second", [Scripted(REFUSED, name="b"), Scripted(LOST, REFUSED, name="b")]
    )
    def test_refusal_by_one_says_nothing_of_another_who_may_have_it(
        self, tmp_path: Path, second: Scripted
    ) -> None:
        first = Scripted(LOST, name="a", promise="none")
        with world(tmp_path, first, second) as found:
            done = run(found.courier.deliver(errand(transactional=True)))
        assert said(done)[:2] == ("unknown", "http-400")

    def test_look_up_at_one_says_nothing_of_another_who_may_have_it(self, tmp_path: Path) -> None:
        first = Scripted(LOST, name="a", promise="none")
        second = Scripted(LOST, REFUSED, name="b", promise="look-up", known=[REFUSED])
        with world(tmp_path, first, second) as found:
            done = run(found.courier.deliver(errand(transactional=True)))
        assert said(done)[0] == "unknown"

    def test_withdrawal_ends_the_asking_and_it_stays_unknown(self, tmp_path: Path) -> None:
        ses = Scripted(LOST, SENT)
        with world(tmp_path, ses) as found:
            ses.before = [found.standing.suppress("ada", "email", reason="manual", at=1)]
            done = run(found.courier.deliver(errand()))
        assert (said(done), len(ses.sent)) == (("unknown", "suppressed-manual", 1), 1)


class TestPromises:
    @pytest.mark.parametrize(
        ("promise", "transactional", "told"),
        [
            (None, False, None),
            ("key", False, "exactly-once"),
            ("look-up", False, "exactly-once"),
            ("none", False, "at-most-once"),
            ("none", True, "at-least-once"),
        ],
    )
    def test_outcome_says_what_it_was_sent_under(
        self, tmp_path: Path, promise: Promise | None, transactional: bool, told: str | None
    ) -> None:
        with world(tmp_path, Scripted()) as found:
            assert found.courier.promise(promise, transactional=transactional) == told


class TestRestart:
    def left(self, found: World, provider: str = "ses", promise: Promise = "key") -> None:
        """Leaves a message in the middle of being sent, by a process that is gone."""

        async def leave() -> None:
            epoch = await found.ledger.epoch()
            await found.ledger.claim([errand().intent], epoch=epoch, at=found.time.now)
            gate = Gate(id="c-1", epoch=epoch, provider=provider, promise=promise)
            await found.ledger.dispatch([gate], at=found.time.now)

        run(leave())

    def test_key_settles_it(self, tmp_path: Path) -> None:
        ses = Scripted()
        with world(tmp_path, Scripted(name="smtp"), ses) as found:
            self.left(found)
            done = run(found.courier.deliver(errand()))
            assert found.metrics.read(Counter.MESSAGES_RESOLVED, "email", "key") == 1
        assert said(done) == ("sent", "unknown-resolved-as-sent", 2)
        assert ses.sent == ["c-1"]

    def test_refusal_under_the_same_key_was_one_the_first_time_too(self, tmp_path: Path) -> None:
        with world(tmp_path, Scripted(REFUSED)) as found:
            self.left(found)
            assert run(found.courier.deliver(errand())).entry.state == "failed"

    @pytest.mark.parametrize(
        ("known", "detail", "sends"),
        [(SENT, "unknown-resolved-as-sent", 0), (REFUSED, "unknown-resolved-as-not-sent", 1)],
    )
    def test_look_up_settles_it(
        self, tmp_path: Path, known: object, detail: str, sends: int
    ) -> None:
        ses = Scripted(promise="look-up", known=[known])  # type: ignore[list-item]
        with world(tmp_path, ses) as found:
            self.left(found, promise="look-up")
            done = run(found.courier.deliver(errand()))
        assert said(done)[:2] == ("sent", detail)
        assert len(ses.sent) == sends

    @pytest.mark.parametrize(("passed_ms", "waited_ms"), [(0, UNDER_WAY_MS), (UNDER_WAY_MS, 0)])
    def test_look_up_waits_until_the_request_before_can_not_be_under_way(
        self, tmp_path: Path, passed_ms: int, waited_ms: int
    ) -> None:
        with world(tmp_path, Scripted(promise="look-up", known=[SENT])) as found:
            self.left(found, promise="look-up")
            began = found.time.now = found.time.now + passed_ms
            run(found.courier.deliver(errand()))
            assert found.time.now == began + waited_ms

    @pytest.mark.parametrize(
        ("at_least_once", "said_then", "sends"),
        [
            (False, ("unknown", "unknown-resolved-as-unknown"), 0),
            (True, ("sent", "unknown-resolved-as-not-sent"), 1),
        ],
    )
    @pytest.mark.parametrize("case", ["none", "provider-gone", "key-too-old"])
    def test_policy_settles_what_nobody_knows(
        self,
        tmp_path: Path,
        at_least_once: bool,
        said_then: tuple[str, str],
        sends: int,
        case: str,
    ) -> None:
        ses = Scripted(promise="none" if case == "none" else "key")
        with world(tmp_path, ses, policy=Policy(at_least_once=at_least_once)) as found:
            self.left(found, "pigeon" if case == "provider-gone" else "ses")
            found.time.now += DEFAULT_KNOWN_MS + 1 if case == "key-too-old" else 0
            done = run(found.courier.deliver(errand()))
        assert said(done)[:2] == said_then
        assert len(ses.sent) == sends

    @pytest.mark.parametrize(
        ("name", "promise", "age_ms", "state"),
        [
            ("brevo", "key", 14 * MINUTE, "sent"),
            ("brevo", "key", 14 * MINUTE + 1, "unknown"),
            ("infobip", "look-up", 47 * HOUR, "sent"),
            ("infobip", "look-up", 47 * HOUR + 1, "unknown"),
            ("inbox", "key", 400 * DAY, "sent"),
            ("audiences", "key", 400 * DAY, "sent"),
        ],
    )
    def test_provider_is_believed_as_long_as_it_knows(
        self, tmp_path: Path, name: str, promise: Promise, age_ms: int, state: str
    ) -> None:
        one = Scripted(name=name, promise=promise, known=[SENT])
        with world(tmp_path, one) as found:
            self.left(found, provider=name, promise=promise)
            found.time.now += age_ms
            assert run(found.courier.deliver(errand())).entry.state == state
        assert len(one.sent) + len(one.looked_up) == (state == "sent")

    def test_what_can_not_be_made_any_more_is_unknown(self, tmp_path: Path) -> None:
        one = msgspec.structs.replace(errand(), message=None, problem=Unsendable("gone"))
        with world(tmp_path, Scripted()) as found:
            self.left(found)
            assert said(run(found.courier.deliver(one)))[:2] == ("unknown", "gone")

    def test_who_was_replaced_sends_nothing_and_sees_what_the_other_did(
        self, tmp_path: Path
    ) -> None:
        ses = Scripted()
        with world(tmp_path, ses) as found:
            old = found.another_process()
            replaced = found.hired(old)

            async def race() -> tuple[Done, Done]:
                await old.claim(errand().intent)
                late: list[asyncio.Task[Done]] = []

                async def meanwhile() -> None:
                    late.append(asyncio.create_task(replaced.deliver(errand())))
                    while not found.metrics.read(Counter.MESSAGES_FENCED, "email"):
                        await asyncio.sleep(0)

                ses.before = [meanwhile()]
                return await found.courier.deliver(errand()), await late[0]

            first, second = run(race())
        assert first.entry == second.entry
        assert ses.sent == ["c-1"]
