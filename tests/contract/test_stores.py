"""What the senders' database promises, on SQLite and on a real Postgres."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import msgspec
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from connectors.stores import migrating, outbox
from connectors.stores.engines import Away, Database
from connectors.stores.ledger import Ledger
from connectors.stores.outbox import Outbox
from connectors.stores.postings import Postings
from connectors.stores.standing import FORGOTTEN_MS, OF_PEOPLE, Standing
from connectors.stores.tables import METADATA
from schemas.consents import ConsentRecord, Lifted, Reason, State, SuppressionRecord
from schemas.intents import End, Entry
from schemas.messages import Report
from schemas.postings import Posting
from tests import stores
from tests.stores import gate, intent

Found = TypeVar("Found")


def run(work: Coroutine[Any, Any, Found]) -> Found:
    return asyncio.run(work)


class TestMigrations:
    def test_steps_lead_to_the_tables(self, database: Database) -> None:
        with database.engine.begin() as connection:
            found = compare_metadata(MigrationContext.configure(connection), METADATA)
        assert found == []

    def test_what_goes_with_an_erased_person_is_found_by_an_index(self, database: Database) -> None:
        with database.engine.connect() as connection:
            for table in OF_PEOPLE:
                found = inspect(connection).get_indexes(table.name)
                assert "profile_id" in {one["column_names"][0] for one in found}, table.name

    def test_second_upgrade_changes_nothing(self, database: Database) -> None:
        before, now = migrating.upgrade(database)
        assert before == now

    def test_database_of_a_newer_version_is_refused(self, database: Database) -> None:
        newer = text("update alembic_version set version_num = '9999'")
        database.run_now(lambda one: one.execute(newer))
        with pytest.raises(migrating.NewerDatabase, match="9999"):
            migrating.upgrade(database)

    def test_those_who_start_together_upgrade_once(self, url: str) -> None:
        async def together() -> list[tuple[str | None, str]]:
            opened = [Database(url) for _ in range(4)]
            work = [asyncio.to_thread(migrating.upgrade, one) for one in opened]
            found = await asyncio.gather(*work)
            for one in opened:
                one.close()
            return found

        found = run(together())
        assert sorted(before is None for before, _ in found) == [False, False, False, True]


class TestLedger:
    @pytest.fixture
    def ledger(self, database: Database) -> Ledger:
        return Ledger(database, owner="one")

    def test_each_epoch_is_higher_than_the_last(self, ledger: Ledger) -> None:
        assert [run(ledger.epoch()) for _ in range(3)] == [1, 2, 3]

    def test_new_message_is_claimed_and_a_repeat_finds_it(self, ledger: Ledger) -> None:
        first = run(ledger.claim([intent()], epoch=1, at=5))
        again = run(ledger.claim([intent()], epoch=1, at=9))
        assert first == again == {"c-1": Entry(id="c-1", state="claimed", epoch=1, updated_at=5)}

    def test_later_epoch_takes_an_open_message_over(self, ledger: Ledger) -> None:
        run(ledger.claim([intent()], epoch=1, at=5))
        assert run(ledger.claim([intent()], epoch=2, at=6))["c-1"].epoch == 2

    def test_variant_is_the_one_that_a_provider_may_have(self, ledger: Ledger) -> None:
        def claimed(variant: str) -> str | None:
            given = msgspec.structs.replace(intent(), variant=variant)
            return run(ledger.claim([given], epoch=1, at=5))["c-1"].variant

        assert [claimed("a"), claimed("b")] == ["a", "b"]
        run(ledger.dispatch([gate()], at=6))
        assert claimed("c") == "b"

    def test_domain_stays_known_whoever_takes_the_message_up(self, ledger: Ledger) -> None:
        found = Report(id="r", provider="ses", result="delivered", at=9, command_id="c-1")

        def claimed(domain: str | None, epoch: int) -> str | None:
            run(ledger.claim([msgspec.structs.replace(intent(), domain=domain)], epoch=epoch, at=5))
            [sent] = run(Postings(ledger._database).find([found]))
            assert sent is not None
            return sent.domain

        assert [claimed(None, 1), claimed("gmail.com", 2), claimed(None, 3)] == [
            None,
            "gmail.com",
            "gmail.com",
        ]

    def test_earlier_epoch_finds_the_message_taken(self, ledger: Ledger) -> None:
        run(ledger.claim([intent()], epoch=2, at=5))
        assert run(ledger.claim([intent()], epoch=1, at=6))["c-1"].epoch == 2
        left = run(ledger.dispatch([gate(epoch=1)], at=7))["c-1"]
        assert (left.state, left.epoch) == ("claimed", 2)
        ended = run(ledger.conclude([End(id="c-1", epoch=1, state="sent", detail="")], at=8))
        assert (ended["c-1"].state, ended["c-1"].epoch) == ("claimed", 2)

    def test_message_goes_from_claimed_to_its_end(self, ledger: Ledger) -> None:
        run(ledger.claim([intent()], epoch=1, at=5))
        going = run(ledger.dispatch([gate()], at=6))["c-1"]
        assert (going.state, going.provider, going.attempts) == ("dispatching", "ses", 1)
        end = End(id="c-1", epoch=1, state="sent", detail="http-200", provider_id="p", answer="{}")
        ended = run(ledger.conclude([end], at=7))["c-1"]
        assert ended == Entry(
            id="c-1",
            state="sent",
            epoch=1,
            detail="http-200",
            provider="ses",
            provider_id="p",
            promise="key",
            attempts=1,
            answer="{}",
            updated_at=7,
        )
        assert run(ledger.conclude([end], at=8))["c-1"] == ended
        run(ledger.told(["c-1"], at=9))
        stands = run(ledger.claim([intent()], epoch=2, at=10))["c-1"]
        assert (stands.state, stands.told_at, stands.answer) == ("sent", 9, None)

    def test_released_message_is_claimed_again(self, ledger: Ledger) -> None:
        run(ledger.claim([intent()], epoch=1, at=5))
        run(ledger.dispatch([gate()], at=6))
        run(ledger.release([gate(epoch=2)], at=7))
        assert run(ledger.claim([intent()], epoch=1, at=8))["c-1"].state == "dispatching"
        run(ledger.release([gate()], at=7))
        assert run(ledger.claim([intent()], epoch=1, at=8))["c-1"].state == "claimed"

    def test_batch_is_taken_whole_and_told_apart(self, ledger: Ledger) -> None:
        many = [intent(f"c-{one}") for one in range(1_200)]
        run(ledger.claim(many[:600], epoch=1, at=5))
        found = run(ledger.claim(many, epoch=2, at=6))
        assert len(found) == 1_200
        assert {one.updated_at for one in found.values()} == {5, 6}

    def test_open_messages_are_counted_by_state(self, ledger: Ledger) -> None:
        run(ledger.claim([intent("c-1"), intent("c-2"), intent("c-3")], epoch=1, at=5))
        run(ledger.dispatch([gate("c-3")], at=9))
        found = {one.state: (one.messages, one.oldest) for one in run(ledger.open())}
        assert found == {"claimed": (2, 5), "dispatching": (1, 9)}

    def test_only_what_was_told_and_is_old_is_forgotten(
        self, ledger: Ledger, database: Database
    ) -> None:
        run(ledger.claim([intent("old-1"), intent("old-2"), intent("open")], epoch=1, at=5))
        run(ledger.claim([intent("new")], epoch=1, at=50))
        run(ledger.told(["old-1", "old-2", "new"], at=60))
        assert run(ledger.expire(50, most=1)) == 1
        assert run(ledger.expire(50, most=5)) == 1
        assert stores.states(database).keys() == {"open", "new"}

    def test_refused_recipient_gets_nothing_more_on_the_channel(
        self, ledger: Ledger, database: Database
    ) -> None:
        run(ledger.claim([intent()], epoch=1, at=5))
        run(ledger.dispatch([gate()], at=6))
        end = End(id="c-1", epoch=1, state="failed", detail="x", suppresses="hard-bounce")
        run(ledger.conclude([end], at=7))
        [stopped] = run(Standing(database).of("ada")).suppressions
        assert (stopped.channel, stopped.reason, stopped.at) == ("email", "hard-bounce", 7)


class TestLastLook:
    def look(self, database: Database, *, transactional: bool = False) -> tuple[str, str]:
        ledger = Ledger(database, owner="one")
        run(ledger.claim([intent(transactional=transactional)], epoch=1, at=5))
        entry = run(ledger.dispatch([gate()], at=6))["c-1"]
        return entry.state, entry.detail

    @pytest.mark.parametrize("channel", ["email", "*"])
    @pytest.mark.parametrize("transactional", [False, True])
    @pytest.mark.parametrize(
        "reason", ["unsubscribe", "hard-bounce", "complaint", "manual", "erased"]
    )
    def test_suppressed_person_gets_nothing(
        self, database: Database, channel: str, transactional: bool, reason: Reason
    ) -> None:
        run(Standing(database).suppress("ada", channel, reason=reason, at=1))
        found = self.look(database, transactional=transactional)
        assert found == ("dropped", f"suppressed-{reason}")

    def test_sunset_stops_marketing_only(self, database: Database) -> None:
        run(Standing(database).suppress("ada", "email", reason="sunset", at=1))
        assert self.look(database, transactional=True) == ("dispatching", "")

    @pytest.mark.parametrize("reason", ["manual", "erased"])
    def test_suppressed_person_can_be_taken_off_an_audience(
        self, database: Database, reason: Reason
    ) -> None:
        ledger, standing = Ledger(database, owner="one"), Standing(database)
        removal = msgspec.structs.replace(intent(transactional=True), channel="audience")
        addition = msgspec.structs.replace(intent("c-2"), channel="audience")
        run(ledger.claim([removal, addition], epoch=1, at=5))
        stopped = SuppressionRecord(profile_id="ada", channel="*", reason=reason, at=6)
        posting = Posting(source="s", id="1", suppressions=(stopped,))
        run(Postings(database).post([posting], now_ms=6))
        run(standing.suppress("ada", "*", reason=reason, at=7))
        found = run(ledger.dispatch([gate(), gate("c-2")], at=8))
        assert (found["c-1"].state, found["c-2"].state) == ("dispatching", "dropped")

    def test_suppression_of_another_channel_or_person_stops_nothing(
        self, database: Database
    ) -> None:
        run(Standing(database).suppress("ada", "sms", reason="manual", at=1))
        run(Standing(database).suppress("bob", "*", reason="manual", at=1))
        assert self.look(database) == ("dispatching", "")

    @pytest.mark.parametrize("topic", ["news", "*"])
    def test_denied_topic_stops_marketing(self, database: Database, topic: str) -> None:
        run(Standing(database).withdraw("ada", "email", topic=topic, at=1))
        assert self.look(database) == ("dropped", "consent-denied")

    def test_denied_topic_does_not_stop_what_answers_the_person(self, database: Database) -> None:
        run(Standing(database).withdraw("ada", "email", topic="*", at=1))
        assert self.look(database, transactional=True) == ("dispatching", "")

    @pytest.mark.parametrize(("granted_at", "state"), [(2, "dispatching"), (0, "dropped")])
    def test_topic_granted_after_all_were_denied_is_sent(
        self, database: Database, granted_at: int, state: str
    ) -> None:
        run(Standing(database).withdraw("ada", "email", topic="*", at=1))
        agreed = Standing(database).consent
        run(agreed("ada", "email", topic="news", state="granted", at=granted_at))
        assert self.look(database)[0] == state

    @pytest.mark.parametrize(
        ("denied", "state"), [("news", "dropped"), ("shop", "dropped"), ("offers", "dispatching")]
    )
    def test_summary_is_stopped_by_a_no_to_any_of_its_topics(
        self, database: Database, denied: str, state: str
    ) -> None:
        run(Standing(database).withdraw("ada", "email", topic=denied, at=1))
        ledger = Ledger(database, owner="one")
        intents = [msgspec.structs.replace(intent(), topics=["shop", "tips"]), intent("c-2", "bob")]
        run(ledger.claim(intents, epoch=1, at=5))
        summary = msgspec.structs.replace(gate(), topics=["shop", "tips"])
        found = run(ledger.dispatch([summary, gate("c-2")], at=6))
        assert (found["c-1"].state, found["c-1"].attempts) == (state, int(state == "dispatching"))
        assert found["c-2"].state == "dispatching"

    def test_summary_goes_where_all_its_topics_were_granted_after_a_no_to_the_channel(
        self, database: Database
    ) -> None:
        standing = Standing(database)
        run(standing.withdraw("ada", "email", topic="*", at=1))
        run(standing.consent("ada", "email", topic="news", state="granted", at=2))
        ledger = Ledger(database, owner="one")
        run(ledger.claim([intent(), intent("c-2"), intent("c-3")], epoch=1, at=5))
        one, two = (
            msgspec.structs.replace(gate(id), topics=[topic])
            for id, topic in (("c-1", "shop"), ("c-2", "*"))
        )
        found = run(ledger.dispatch([one, two, gate("c-3")], at=6))
        states = [found[each].state for each in ("c-1", "c-2", "c-3")]
        assert states == ["dropped", "dropped", "dispatching"]
        run(standing.consent("ada", "email", topic="shop", state="granted", at=2))
        run(ledger.claim([intent("c-4")], epoch=1, at=5))
        last = msgspec.structs.replace(gate("c-4"), topics=["shop"])
        assert run(ledger.dispatch([last], at=6))["c-4"].state == "dispatching"

    def test_what_a_provider_may_have_is_unknown_when_it_is_stopped(
        self, database: Database
    ) -> None:
        assert self.look(database) == ("dispatching", "")
        run(Standing(database).suppress("ada", "email", reason="manual", at=7))
        entry = run(Ledger(database, owner="one").dispatch([gate()], at=8))["c-1"]
        assert (entry.state, entry.detail) == ("unknown", "suppressed-manual")


class TestStanding:
    @pytest.mark.parametrize("order", [(1, 2), (2, 1)])
    def test_later_word_wins_whoever_writes_it(
        self, database: Database, order: tuple[int, int]
    ) -> None:
        said: dict[int, State] = {1: "granted", 2: "denied"}
        for at in order:
            one = ConsentRecord(
                profile_id="ada", channel="email", topic="news", state=said[at], at=at
            )
            run(Standing(database).apply([one]))
        [found] = run(Standing(database).of("ada")).consents
        assert (found.state, found.at) == ("denied", 2)

    def test_batch_is_applied_in_its_order(self, database: Database) -> None:
        added = SuppressionRecord(profile_id="ada", channel="sms", reason="manual", at=3)
        lifted = Lifted(profile_id="ada", channel="sms", at=4)
        again = SuppressionRecord(profile_id="ada", channel="sms", reason="complaint", at=5)
        standing = Standing(database)
        run(standing.apply([added, lifted]))
        assert run(standing.of("ada")).suppressions == []
        run(standing.apply([added, lifted, again]))
        assert [one.reason for one in run(standing.of("ada")).suppressions] == ["complaint"]

    def test_lifting_is_not_meant_for_what_the_worker_did_not_know(
        self, database: Database
    ) -> None:
        standing = Standing(database)
        run(standing.suppress("ada", "sms", reason="unsubscribe", at=10))
        run(standing.apply([Lifted(profile_id="ada", channel="sms", at=12)]))
        assert len(run(standing.of("ada")).suppressions) == 1
        run(standing.apply([Lifted(profile_id="ada", channel="sms", at=10 + FORGOTTEN_MS)]))
        assert run(standing.of("ada")).suppressions == []

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    @pytest.mark.parametrize("sunk_at", [5, 15])
    def test_sunset_displaces_nothing_that_stops_more(
        self, database: Database, order: tuple[int, int], sunk_at: int
    ) -> None:
        said = (
            SuppressionRecord(profile_id="ada", channel="sms", reason="hard-bounce", at=10),
            SuppressionRecord(profile_id="ada", channel="sms", reason="sunset", at=sunk_at),
        )
        standing = Standing(database)
        for place in order:
            run(standing.apply([said[place]]))
        assert [one.reason for one in run(standing.of("ada")).suppressions] == ["hard-bounce"]

    def test_sunset_holds_where_another_suppression_was_lifted(self, database: Database) -> None:
        bounced = SuppressionRecord(profile_id="ada", channel="sms", reason="hard-bounce", at=10)
        lifted = Lifted(profile_id="ada", channel="sms", at=12)
        sunk = SuppressionRecord(profile_id="ada", channel="sms", reason="sunset", at=20)
        standing = Standing(database)
        run(standing.apply([bounced, lifted]))
        run(standing.apply([sunk]))
        assert [one.reason for one in run(standing.of("ada")).suppressions] == ["sunset"]

    def test_sunset_ends_with_an_answer_that_came_late(self, database: Database) -> None:
        standing = Standing(database)
        sunk = SuppressionRecord(profile_id="ada", channel="sms", reason="sunset", at=10)
        run(standing.apply([sunk]))
        run(standing.apply([Lifted(profile_id="ada", channel="sms", at=9)]))
        assert run(standing.of("ada")).suppressions == []

    def test_withdrawal_cancels_what_was_claimed_and_tells_of_it(self, database: Database) -> None:
        ledger, standing = Ledger(database, owner="one"), Standing(database)
        waiting = [intent("c-1"), intent("receipt", transactional=True), intent("b", "bob")]
        run(ledger.claim([*waiting, intent("gone")], epoch=1, at=5))
        run(ledger.dispatch([gate("gone")], at=6))
        told = outbox.Record(id="r-1", topic="events", key="ada", value="{}", at=7)
        run(standing.withdraw("ada", "email", topic="news", at=7, records=[told]))
        assert stores.states(database) == {
            "c-1": "dropped",
            "receipt": "claimed",
            "b": "claimed",
            "gone": "dispatching",
        }
        assert run(Outbox(database).take()) == [told]

    def test_suppression_cancels_receipts_too(self, database: Database) -> None:
        ledger = Ledger(database, owner="one")
        run(ledger.claim([intent(transactional=True)], epoch=1, at=5))
        run(Standing(database).suppress("ada", "*", reason="erased", at=7))
        assert stores.states(database) == {"c-1": "dropped"}


class TestOutbox:
    def test_records_go_oldest_first_and_stay_until_they_are_done(self, database: Database) -> None:
        def record(one: str, at: int) -> outbox.Record:
            return outbox.Record(id=one, topic="events", key="ada", value="{}", at=at)

        box, records = Outbox(database), [record("b", 2), record("a", 1), record("b", 3)]
        database.run_now(lambda one: outbox.put(one, records[:2]))
        database.run_now(lambda one: outbox.put(one, records[2:]))
        assert run(box.take()) == [record("a", 1), record("b", 2)]
        assert run(box.take(1)) == [record("a", 1)]
        run(box.done(["a"]))
        assert run(box.take()) == [record("b", 2)]


def test_withdrawal_before_the_dispatch_always_wins(database: Database) -> None:
    """Withdrawals race sends: none is dispatched in a statement that began after one was there."""
    people, chance = 60, random.Random(7)
    instants: dict[str, tuple[float, str]] = {}
    withdrawn: dict[str, float] = {}
    ledger, standing = Ledger(database, owner="one"), Standing(database)

    async def send(one: str) -> None:
        clock = asyncio.get_running_loop().time
        await asyncio.sleep(chance.uniform(0, 0.2))
        await ledger.claim([intent(f"c-{one}", one)], epoch=1, at=5)
        await asyncio.sleep(chance.uniform(0, 0.05))
        asked_at = clock()
        entry = (await ledger.dispatch([gate(f"c-{one}")], at=6))[f"c-{one}"]
        instants[one] = (asked_at, entry.state)

    async def withdraw(one: str) -> None:
        await asyncio.sleep(chance.uniform(0, 0.25))
        if chance.random() < 0.5:
            await standing.withdraw(one, "email", topic="news", at=5)
        else:
            await standing.suppress(one, "email", reason="unsubscribe", at=5)
        withdrawn[one] = asyncio.get_running_loop().time()

    async def race() -> None:
        names = [f"p-{one}" for one in range(people)]
        await asyncio.gather(*map(send, names), *map(withdraw, names))

    run(race())
    late = [
        one
        for one, (asked_at, state) in instants.items()
        if state == "dispatching" and withdrawn[one] < asked_at
    ]
    assert late == []
    assert {state for _, state in instants.values()} == {"dispatching", "dropped"}


def test_dispatch_waits_for_a_withdrawal_that_is_under_way(postgres: str) -> None:
    """What began before the withdrawal is committed, and sees none, must not end after it."""
    from connectors.stores import standing as gates

    with stores.opened(postgres) as database:
        ledger = Ledger(database, owner="one")
        run(ledger.claim([intent()], epoch=1, at=5))

        async def race() -> Entry:
            with database.engine.begin() as connection:
                gates.lock(connection)
                asked = asyncio.create_task(ledger.dispatch([gate()], at=6))
                await asyncio.sleep(0.2)
                assert not asked.done()
                gates.suppress(connection, [gates.Suppressed("ada", "email", "manual", 5)])
            return (await asked)["c-1"]

        assert run(race()).state == "dropped"


def test_of_a_ledger_that_grew_no_more_is_read_than_is_asked_for(postgres: str) -> None:
    """What Postgres planned for a table when it was empty is not what it does with thousands of
    rows, also before it has analysed them."""
    with stores.opened(postgres, connections=1) as database:
        ledger = Ledger(database, owner="one")
        database.run_now(lambda one: one.execute(_NOT_ANALYSED))

        def go(name: str, times: int) -> int:
            for number in range(times):
                ids = [f"{name}-{number}-{one}" for one in range(20)]
                run(ledger.claim([intent(one, one) for one in ids], epoch=1, at=5))
                run(ledger.dispatch([gate(one) for one in ids], at=6))
                run(ledger.release([gate(one) for one in ids], at=6))
                run(ledger.dispatch([gate(one) for one in ids], at=7))
                ends = [End(id=one, epoch=1, state="sent", detail="http-200") for one in ids]
                run(ledger.conclude(ends, at=8))
                run(ledger.told(ids, at=9))
            database.run_now(lambda one: one.execute(_TELL))
            return int(database.run_now(lambda one: one.execute(_READ).scalar_one()))

        go("early", 20)
        many = [intent(f"c-{number}") for number in range(5_000)]
        run(ledger.claim(many, epoch=1, at=5))
        before = go("before", 1)
        assert 20 <= (go("late", 10) - before) / 10 < 1_000


_NOT_ANALYSED = text("alter table ledger set (autovacuum_enabled = false)")
_TELL = text("select pg_stat_force_next_flush()")
_READ = text("""
select t.seq_tup_read + sum(i.idx_tup_read) from pg_stat_user_tables t
join pg_stat_user_indexes i on i.relid = t.relid where t.relname = 'ledger' group by t.seq_tup_read
""")


def test_database_that_is_away_is_told_so() -> None:
    database = Database("postgresql://beckon@127.0.0.1:9/nothing")
    ask: Callable[..., Any] = lambda one: one.execute(text("select 1"))  # noqa: E731
    with pytest.raises(Away):
        run(database.run(ask))
    database.close()
