"""Dead letters that are sent again: as they came, each once, however often it is asked for."""

from contextlib import closing

import pytest
from confluent_kafka import Consumer, Message, TopicPartition

from processors.operations import replaying
from processors.operations.errors import OperationFailed
from processors.operations.letters import Pile, Selection
from processors.operations.replaying import replay
from processors.runtime.errors import Fenced
from processors.runtime.partitioners import partition
from processors.runtime.transactions import Aborted, Transactions
from tests.embedded import Broker
from tests.unit.operations.test_letters import bury, find


def records(broker: Broker, name: str = "events") -> list[Message]:
    return broker.records(broker.topic(name))


def values(broker: Broker, name: str = "events") -> list[bytes]:
    return sorted(each.value() or b"" for each in records(broker, name))


def again(broker: Broker, selection: Selection | None = None) -> int:
    return replay(broker.cluster, broker.prefix, selection or Selection())


def test_letters_go_back_as_they_came_with_whence_they_come(broker: Broker) -> None:
    bury(broker, b"first")
    bury(broker, b"command", source="commands.webhook", place=2)
    assert again(broker) == 2
    (event,) = records(broker)
    assert (event.key(), event.value()) == (b"ada", b"first")
    assert event.partition() == partition(b"ada", 4)
    assert event.headers() == [("replayed-from", f"{broker.prefix}dead-letters/0/0".encode())]
    (command,) = records(broker, "commands.webhook")
    assert (command.key(), command.value()) == (b"ada", b"command")


def test_each_goes_once_however_often_it_is_asked_for(broker: Broker) -> None:
    for number in range(3):
        bury(broker, b"%d" % number, reason="a" if number else "b")
    assert again(broker, Selection(reasons=frozenset({"a"}))) == 2
    assert values(broker) == [b"1", b"2"]
    assert [again(broker), again(broker)] == [1, 0]
    assert values(broker) == [b"0", b"1", b"2"]
    bury(broker, b"3")
    assert again(broker) == 1
    assert find(broker).waiting == {}


def test_what_can_not_be_sent_stays(broker: Broker) -> None:
    bury(broker, source="definitions")
    assert again(broker) == 0
    assert records(broker, "definitions") == []
    assert find(broker).waiting == {}


def test_many_go_in_several_transactions(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "MAX_LETTERS", 2)
    monkeypatch.setattr(replaying, "MAX_BYTES", 10)
    for value in (b"a", b"b", b"c" * 10, b"d", b"e"):
        bury(broker, value)
    told: list[int] = []
    assert replay(broker.cluster, broker.prefix, Selection(), progress=told.append) == 5
    assert told == [2, 3, 5]


def test_one_that_breaks_off_is_gone_on_with(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "MAX_LETTERS", 1)
    for value in (b"a", b"b", b"c"):
        bury(broker, value)

    def stop(sent: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay(broker.cluster, broker.prefix, Selection(), progress=stop)
    assert values(broker) == [b"a"]
    assert again(broker) == 2
    assert values(broker) == [b"a", b"b", b"c"]


@pytest.mark.parametrize(
    ("error", "why"),
    [(Aborted("_TIMED_OUT"), "_TIMED_OUT"), (Fenced("id"), "somebody else does it now")],
)
def test_transaction_that_comes_to_nothing_is_told(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, error: Exception, why: str
) -> None:
    bury(broker)

    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(Transactions, "commit", refuse)
    with pytest.raises(OperationFailed) as failure:
        again(broker)
    said = f"0 were sent, then it ended ({why}): do it again, which sends the others"
    assert str(failure.value) == said


def test_who_has_to_take_the_id_anew_looks_anew_what_was_sent(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "MAX_LETTERS", 1)
    for value in (b"a", b"b", b"c"):
        bury(broker, value)
    commit = Transactions.commit

    def doubtful(self: Transactions, consumer: Consumer, offsets: list[TopicPartition]) -> None:
        commit(self, consumer, offsets)
        self.close()
        monkeypatch.undo()

    monkeypatch.setattr(Transactions, "commit", doubtful)
    with pytest.raises(OperationFailed, match="1 were sent, then it ended"):
        again(broker)
    assert again(broker) == 2
    assert values(broker) == [b"a", b"b", b"c"]


def test_record_that_is_refused_is_told(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    bury(broker)
    monkeypatch.setattr(Pile, "obstacle", lambda pile, letter: None)
    bury(broker, b"x" * 100, source="events", reason="b")
    producers = Transactions.begin

    def full(transactions: Transactions) -> object:
        class Full:
            def __init__(self) -> None:
                self.inner = producers(transactions)

            def produce(self, *_: object, **__: object) -> None:
                raise BufferError("Local: Queue full")

        return Full()

    monkeypatch.setattr(Transactions, "begin", full)
    with pytest.raises(OperationFailed, match=r"0 were sent, then it ended \(Local: Queue full\)"):
        again(broker)


def test_who_takes_over_ends_what_another_has_under_way(broker: Broker) -> None:
    bury(broker, b"a")
    with closing(Transactions(broker.cluster, f"{broker.prefix}dead-letters-replay")) as other:
        other.open()
        assert again(broker) == 1
    assert again(broker) == 0
