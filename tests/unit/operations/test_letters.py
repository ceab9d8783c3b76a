"""What lies among the dead letters: counted by reason and topic, without what was replayed."""

from contextlib import closing
from typing import Any

import pytest
from confluent_kafka import Consumer

from processors.operations import letters
from processors.operations.errors import OperationFailed
from processors.operations.letters import Found, Letter, Pile, Selection
from processors.runtime import clients, readers
from processors.runtime.errors import TopicMissing
from schemas.letters import MAX_VALUE_BYTES, DeadLetter, Record, mark
from tests.embedded import Broker


def bury(
    broker: Broker,
    value: bytes | None = b"{",
    *,
    reason: str = "not-json",
    source: str = "events",
    place: int = 0,
) -> None:
    """Writes a dead letter into a partition, as a worker or a sender does."""
    record = Record(broker.topic(source), 3, 42, b"ada", value)
    letter = DeadLetter(record, reason, "the value is so and so")
    topic = broker.topic("dead-letters")
    headers = {name: told for name, told in letter.headers()}
    broker.produce(topic, (b"ada", letter.value()), partition=place, headers={**headers})


def marked(broker: Broker, offset: int, place: int = 0) -> None:
    """Writes the mark of a letter that was replayed."""
    broker.produce(
        broker.topic("dead-letters"), (None, None), partition=place, headers={**dict(mark(offset))}
    )


def find(broker: Broker, samples: int = 0, **selection: Any) -> Found:
    broker.topic("dead-letters")
    with closing(Pile(broker.cluster, broker.prefix)) as found:
        return found.find(Selection(**selection), samples=samples)


def counts(found: Found) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Returns how many can be replayed, can not, and were, without the prefix of the topics."""
    return {
        (reason, topic.partition(".")[2]): (each.waiting, each.kept, each.replayed)
        for (reason, topic), each in found.counts.items()
    }


def test_letters_are_counted_by_reason_and_topic(broker: Broker) -> None:
    for place in (0, 2):
        bury(broker, place=place)
        bury(broker, reason="too-late", place=place)
    bury(broker, source="commands.webhook")
    found = find(broker)
    assert counts(found) == {
        ("not-json", "events"): (2, 0, 0),
        ("too-late", "events"): (2, 0, 0),
        ("not-json", "commands.webhook"): (1, 0, 0),
    }
    assert found.waiting == {0: {0, 1, 2}, 2: {0, 1}}
    assert all(each.latest_ms for each in found.counts.values())


def test_those_that_were_replayed_do_not_wait(broker: Broker) -> None:
    for _ in range(3):
        bury(broker)
    marked(broker, 1)
    bury(broker, place=1)
    found = find(broker, samples=9)
    assert counts(found) == {("not-json", "events"): (3, 0, 1)}
    assert found.waiting == {0: {0, 2}, 1: {0}}
    assert sorted(each.place for each in found.samples) == ["0:0", "0:2", "1:0"]


def test_cut_values_and_definitions_can_not_be_replayed(broker: Broker) -> None:
    bury(broker, b"x" * (MAX_VALUE_BYTES + 1), reason="too-large")
    bury(broker, source="definitions")
    found = find(broker)
    assert counts(found) == {
        ("too-large", "events"): (0, 1, 0),
        ("not-json", "definitions"): (0, 1, 0),
    }
    assert found.waiting == {}


def test_what_is_no_letter_is_passed_over(broker: Broker) -> None:
    broker.produce(broker.topic("dead-letters"), (b"k", b"v"), partition=0)
    marked(broker, 0)
    marked(broker, 99)
    assert find(broker, samples=1) == Found()


@pytest.mark.parametrize(
    ("selection", "waiting"),
    [
        ({"reasons": frozenset({"a"})}, {0: {0, 2}, 1: {0}}),
        ({"reasons": frozenset({"a", "b"})}, {0: {0, 1, 2}, 1: {0}}),
        ({"reasons": frozenset({"c"})}, {}),
        ({"partition": 1}, {1: {0}}),
        ({"partition": 0, "first": 1}, {0: {1, 2}}),
        ({"partition": 0, "first": 1, "last": 1}, {0: {1}}),
        ({"partition": 0, "last": 0, "reasons": frozenset({"b"})}, {}),
    ],
)
def test_selection_says_which_are_meant(
    broker: Broker, selection: dict[str, Any], waiting: dict[int, set[int]]
) -> None:
    for reason in ("a", "b", "a"):
        bury(broker, reason=reason)
    bury(broker, reason="a", place=1)
    assert find(broker, **selection).waiting == waiting


def test_samples_are_the_newest_of_each_kind(broker: Broker) -> None:
    for number in range(4):
        bury(broker, b"%d" % number, reason="a")
    bury(broker, b"9", reason="b")
    found = find(broker, samples=2)
    assert [(each.whence.reason, each.value) for each in found.samples] == [
        ("a", b"2"),
        ("a", b"3"),
        ("b", b"9"),
    ]


def test_letters_are_given_whole(broker: Broker) -> None:
    for value in (b"first", None, b"third"):
        bury(broker, value)
    bury(broker, b"other", place=3)
    with closing(Pile(broker.cluster, broker.prefix)) as pile:
        found = list(pile.letters({0: {0, 1}, 3: {0}}))
        assert [(each.place, each.key, each.value) for each in found] == [
            ("0:0", b"ada", b"first"),
            ("0:1", b"ada", None),
            ("3:0", b"ada", b"other"),
        ]
        assert [pile.obstacle(each) for each in found] == [None, None, None]
        whence = found[0].whence._replace(topic=f"{broker.prefix}definitions")
        definition = Letter(0, 0, 0, whence, None, None)
        assert "definitions again" in str(pile.obstacle(definition))


def test_progress_tells_how_many_records_were_read(broker: Broker) -> None:
    bury(broker)
    bury(broker, place=3)
    told: list[int] = []
    with closing(Pile(broker.cluster, broker.prefix)) as pile:
        pile.find(Selection(), progress=told.append)
    assert told == [1, 2]


def test_missing_topic_says_what_to_do(broker: Broker) -> None:
    with pytest.raises(TopicMissing, match="run `beckon topics create`"):
        Pile(broker.cluster, broker.prefix)


def test_transaction_that_hides_letters_is_waited_for_and_no_longer(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    bury(broker)
    spans = iter([range(0), range(1)])
    monkeypatch.setattr(letters, "WAIT_S", 0)
    span = readers.span

    def hidden(reader: Consumer, topic: str, partition: int) -> range:
        return next(spans, range(0)) if partition == 0 else span(reader, topic, partition)

    with closing(clients.reader(broker.cluster, "ends")) as seeing:
        wanted = readers.ends(seeing, broker.topic("dead-letters"))
    monkeypatch.setattr(readers, "ends", lambda reader, topic: wanted)
    monkeypatch.setattr(readers, "span", hidden)
    with closing(Pile(broker.cluster, broker.prefix)) as pile:
        assert pile.ends == wanted
    monkeypatch.setattr(letters, "SETTLE_S", 0)
    with pytest.raises(OperationFailed, match="does not end"):
        Pile(broker.cluster, broker.prefix)
