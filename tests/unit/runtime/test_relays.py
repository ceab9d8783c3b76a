"""Relays in batches: what goes from people to accounts and back, as records of `events`."""

import pytest

from processors.runtime.batches import MAX_CRASHES, Batch, Policy
from processors.runtime.outputs import Outputs
from processors.runtime.tables import Crash, Table
from processors.state import accounts
from schemas import relays
from schemas.letters import DeadLetter
from schemas.relays import Answered, Relay, Told
from tests.builders import (
    DAY,
    HOUR,
    T0,
    Document,
    Json,
    Partition,
    compiled,
    emit,
    joins,
    keyed,
    of_people,
    segment,
    tag,
    track,
    trigger,
)

ANY: Document = segment(of_people("any", {"event": "a", "within": "1h"}))
KEY = next(iter(compiled(ANY).people))


class Worker:
    """Batches over one table, one record each."""

    def __init__(self, *documents: Document, policy: Policy | None = None) -> None:
        self.table = Table()
        self.compiled = compiled(*documents)
        self.policy = policy or Policy(clock="stream")
        self.changelog: list[tuple[bytes, bytes | None]] = []
        self.letters: list[DeadLetter] = []
        self.offset = 0

    def put(
        self, key: bytes | None, value: bytes | None, *, is_aborted: bool = False
    ) -> list[Relay]:
        outputs = Outputs()
        batch = Batch(
            self.table, self.compiled, policy=self.policy, outputs=outputs, source=("events", 0)
        )
        batch.add(key, value, offset=self.offset, log_ms=T0)
        changelog = batch.finish()
        if is_aborted:
            batch.drop()
            return outputs.decision.relays
        self.offset += 1
        self.changelog += changelog
        self.letters += outputs.dead_letters
        batch.apply()
        return outputs.decision.relays

    def hears(self, data: Json) -> list[Relay]:
        return self.put(*keyed(data))

    def takes(self, relay: Relay) -> list[Relay]:
        return self.put(relays.key(relay), relays.encode(relay))

    @property
    def segments(self) -> set[str]:
        profile = self.table.profile("p")
        return set() if profile is None else set(profile.segments)


def told(person: str = "p", holds: bool = True, account: str = "acme") -> Told:
    return Told(account=account, person=person, at=T0, cause="c", holds={KEY: holds}, asks=True)


def answered(any_: bool, at: int = T0) -> Answered:
    return Answered(account="acme", person="p", at=at, cause="c", answers={KEY: (any_, False)})


def test_what_a_person_tells_reaches_the_account_and_what_it_answers_the_person() -> None:
    worker = Worker(ANY)
    (said,) = worker.hears(joins("acme"))
    (reply,) = worker.takes(said)
    assert worker.takes(reply) == []
    (said,) = worker.hears(track("a", T0 + 1))
    (reply,) = worker.takes(said)
    worker.takes(reply)
    assert worker.segments == {"s"}
    assert worker.letters == []


def test_state_of_accounts_is_in_the_changelog_and_restored() -> None:
    worker = Worker(ANY)
    worker.takes(told())
    worker.takes(told("q", holds=False))
    restored = Table()
    for key, value in worker.changelog:
        restored.restore(key, value)
    restored.restored()
    assert restored.accounts == worker.table.accounts
    account = accounts.decode(restored.accounts["acme"])
    assert account.people == {"p": {KEY: True}, "q": {KEY: False}}
    assert restored.profiles == {}


def test_account_that_nobody_belongs_to_leaves_the_changelog() -> None:
    worker = Worker(ANY)
    worker.takes(told())
    worker.takes(Told(account="acme", person="p", at=T0, cause="c"))
    restored = Table()
    for key, value in [*worker.changelog, (b"\x00account/other", None)]:
        restored.restore(key, value)
    assert restored.accounts == worker.table.accounts == {}


def test_size_of_accounts_counts() -> None:
    worker = Worker(ANY)
    worker.takes(told())
    assert worker.table.size_bytes == len(worker.table.accounts["acme"])


def test_nothing_of_an_aborted_batch_is_kept() -> None:
    worker = Worker(ANY)
    said = told()
    first = worker.put(relays.key(said), relays.encode(said), is_aborted=True)
    assert worker.table.accounts == {}
    assert worker.takes(said) == first


def test_relays_move_no_time_and_are_never_too_late() -> None:
    worker = Worker(ANY)
    worker.hears(joins("acme", T0 + 30 * DAY))
    worker.takes(told())
    worker.takes(answered(True, at=T0))
    assert worker.segments == {"s"}
    worker.takes(answered(False, at=T0 + 90 * DAY))
    assert worker.segments == set()
    assert worker.table.progress.high_water == T0 + 30 * DAY
    assert worker.letters == []


def test_who_is_not_there_is_not_made_by_an_answer() -> None:
    worker = Worker(ANY)
    worker.takes(answered(True))
    assert worker.table.profiles == {}
    assert worker.letters == []


@pytest.mark.parametrize("key", [None, b"", b"p", b"\x00account/other"])
def test_relay_under_another_key_is_a_dead_letter(key: bytes | None) -> None:
    worker = Worker(ANY)
    worker.put(key, relays.encode(told()))
    assert [each.reason for each in worker.letters] == ["field-invalid"]
    assert worker.table.accounts == {}


def test_relay_that_broke_workers_is_a_dead_letter() -> None:
    worker = Worker(ANY)
    worker.table.crash = Crash(0, MAX_CRASHES)
    worker.takes(told())
    assert [each.reason for each in worker.letters] == ["crashed"]
    assert worker.table.accounts == {}


def test_who_comes_to_a_full_account_is_a_dead_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "MAX_PEOPLE", 1)
    worker = Worker(ANY)
    worker.takes(told())
    assert worker.takes(told("q")) == []
    (letter,) = worker.letters
    assert (letter.reason, letter.record.key) == ("account-full", b"\x00account/acme")
    assert relays.read(letter.record.value) == told("q")
    assert letter.record.offset == 1


def test_relays_of_a_log_that_was_decided_on_before_are_passed_over() -> None:
    worker = Worker(ANY, policy=Policy(clock="stream", is_replay=True))
    worker.takes(told())
    assert worker.table.accounts == {}
    assert worker.letters == []


# In memory


def test_in_memory_relays_arrive_before_the_next_event_and_the_next_timer() -> None:
    partition = Partition(ANY)
    partition.feed(
        joins("acme", person="p"),
        joins("acme", T0 + 1, person="q"),
        track("a", T0 + 2, person="p"),
        track("a", T0 + 3, person="q"),
        track("b", T0 + 3 * HOUR, person="r"),
    )
    moved = [
        (each.profile_id, each.change, each.at - T0)
        for _, each in partition.out.of("segment-changes")
    ]
    assert moved == [
        ("p", "entered", 2),
        ("q", "entered", 2),
        ("p", "exited", HOUR + 3),
        ("q", "exited", HOUR + 3),
    ]


def test_in_memory_relays_of_the_log_are_not_taken_twice() -> None:
    partition = Partition(ANY)
    partition.feed(joins("acme"))
    said = told("q")
    partition.driver.feed([(relays.key(said), relays.encode(said))])
    assert set(accounts.decode(partition.driver.table.accounts["acme"]).people) == {"p"}
    assert partition.driver.dead_letters == []


def test_in_memory_a_full_account_is_told_with_the_record_that_led_to_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(accounts, "MAX_PEOPLE", 1)
    partition = Partition(ANY)
    partition.feed(track("b"), joins("acme"), joins("acme", person="q", id="m"))
    (letter,) = partition.driver.dead_letters
    assert (letter.reason, letter.record.offset) == ("account-full", 2)


def test_in_memory_records_that_can_not_be_used_move_no_time() -> None:
    partition = Partition(ANY)
    partition.feed(joins("acme"), track("a", T0 + 1))
    late = track("a", T0 + DAY)
    partition.driver.feed([(b"somebody", keyed(late)[1]), (b"p", b"{")])
    assert partition.driver.table.progress.high_water == T0 + 1
    assert [each.reason for each in partition.driver.dead_letters] == ["key-mismatch", "not-json"]


def test_in_memory_wall_time_is_moved_by_hand_here_too() -> None:
    partition = Partition(ANY, policy=Policy(clock="wall"))
    partition.feed(joins("acme"), track("a", T0 + 1), log_ms=T0)
    partition.feed(track("b", T0 + DAY, person="q"), log_ms=T0 + DAY)
    assert len(partition.out.of("segment-changes")) == 1
    partition.driver.fire(T0 + DAY)
    assert len(partition.out.of("segment-changes")) == 2


def test_in_memory_what_an_answer_leads_to_is_told_and_heard() -> None:
    partition = Partition(
        ANY,
        trigger({"segment": "s", "change": "entered"}, emit("told")),
        trigger("told", tag("x"), id="marks"),
    )
    partition.feed(joins("acme"), joins("acme", person="q", id="m"), track("a", T0 + 1))
    for person in ("p", "q"):
        profile = partition.driver.table.profile(person)
        assert profile is not None
        assert profile.tags == ["x"]
    assert len(partition.out.of("events")) == 2
