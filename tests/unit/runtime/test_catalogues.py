"""The catalogue: what it refuses changes nothing, and what does not fit yet waits for the rest."""

import pytest

from processors.definitions import sets
from processors.definitions.predicates import predicate
from processors.runtime import catalogues
from processors.runtime.catalogues import Catalogue
from processors.runtime.errors import TopicMissing
from schemas import codec, definitions
from schemas.definitions import DefinitionRecord
from schemas.letters import DeadLetter, Record
from tests.builders import T0, Document, journey, segment, trigger, wait
from tests.embedded import Broker
from tests.faults import Mock, Request

GOLD: Document = segment({"trait": "plan", "equals": "gold"}, "vip")
SILVER: Document = segment({"trait": "plan", "equals": "silver"}, "vip")
WELCOME: Document = trigger({"segment": "vip", "change": "entered"}, id="welcome")
KEYS = [b"segment/vip", b"trigger/welcome"]


def published(document: Document, number: int = 1, **other: str) -> bytes:
    """Returns the value of a record; `other` says something else than the document does."""
    kind, id_ = str(document["kind"]), str(document["id"])
    record = DefinitionRecord(
        kind=other.get("kind", kind),
        id=other.get("id", id_),
        version=f"v{number}",
        number=number,
        published_at=T0,
        document=document,
    )
    return codec.encode(record)


class Topic:
    """A catalogue, and the next offset of a partition."""

    def __init__(self) -> None:
        self.catalogue = Catalogue()
        self.offset = -1

    def put(self, key: bytes | None, value: bytes | None) -> DeadLetter | None:
        self.offset += 1
        return self.catalogue.take(Record("definitions", 0, self.offset, key, value))

    def publish(self, *documents: Document) -> None:
        for each in documents:
            key = definitions.key(each["kind"], each["id"]).encode()
            assert self.put(key, published(each)) is None

    def end(self, key: bytes) -> None:
        assert self.put(key, None) is None

    def build(self) -> list[tuple[bytes | None, str]]:
        """Returns key and reason of what does not fit."""
        active, letters = self.catalogue.build()
        assert active is self.catalogue.active
        return [(each.record.key, each.reason) for each in letters]

    def is_changed(self) -> bool:
        return self.catalogue.is_changed

    @property
    def active(self) -> str:
        return self.catalogue.active.id


def id_of(*documents: Document) -> str:
    return sets.from_documents(documents).id


def test_what_was_taken_is_active_after_the_next_build() -> None:
    topic = Topic()
    assert topic.is_changed() is False
    topic.publish(GOLD, WELCOME)
    assert topic.is_changed() is True
    assert topic.active == id_of()
    assert topic.build() == []
    assert topic.is_changed() is False
    assert topic.active == id_of(GOLD, WELCOME)


def test_later_version_takes_the_place_of_the_earlier() -> None:
    topic = Topic()
    topic.publish(GOLD, SILVER)
    assert topic.build() == []
    assert topic.active == id_of(SILVER)


def test_tombstone_ends_a_definition() -> None:
    topic = Topic()
    topic.publish(GOLD)
    topic.end(b"segment/vip")
    topic.end(b"segment/never-was")
    assert topic.build() == []
    assert topic.active == id_of()


def test_versions_that_are_kept_under_their_numbers_are_passed_over() -> None:
    topic = Topic()
    topic.publish(GOLD)
    topic.build()
    for value in (published(SILVER, 1), b"{", None):
        assert topic.put(b"segment/vip@1", value) is None
    assert topic.is_changed() is False
    assert topic.build() == []
    assert topic.active == id_of(GOLD)


def test_record_that_was_taken_before_is_passed_over() -> None:
    catalogue = Catalogue()
    gold = Record("definitions", 0, 5, b"segment/vip", published(GOLD))
    assert catalogue.take(gold) is None
    catalogue.build()
    for offset in (5, 4):
        assert catalogue.take(gold._replace(offset=offset, value=b"{")) is None
    assert catalogue.build() == (catalogue.active, [])
    assert catalogue.active.id == id_of(GOLD)
    assert catalogue.take(gold._replace(partition=1, offset=0)) is None
    assert catalogue.is_changed


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        (None, published(GOLD), "key-invalid"),
        (b"vip", published(GOLD), "key-invalid"),
        (b"segment/", published(GOLD), "key-invalid"),
        (b"/vip", None, "key-invalid"),
        (b"segment/vip@one", None, "key-invalid"),
        (b"segment/vip", b"{", "not-json"),
        (b"segment/vip", b"", "empty"),
        (b"segment/vip", b"{}", "field-invalid"),
        (b"segment/other", published(GOLD), "key-mismatch"),
        (b"list/vip", published(GOLD), "key-mismatch"),
        (b"segment/other", published(GOLD, id="other"), "key-mismatch"),
        (b"list/vip", published(GOLD, kind="list"), "key-mismatch"),
        (b"segment/vip", published(GOLD | {"colour": "red"}), "definition-invalid"),
        (b"segment/vip", published(GOLD | {"when": {"trait": "plan"}}), "definition-invalid"),
    ],
)
def test_what_can_not_be_read_is_refused_and_leaves_the_old_one(
    key: bytes | None, value: bytes | None, reason: str
) -> None:
    topic = Topic()
    topic.publish(GOLD)
    topic.build()
    refused = topic.put(key, value)
    assert refused is not None
    assert (refused.reason, refused.record.key, refused.record.value) == (reason, key, value)
    assert topic.is_changed() is False
    assert topic.active == id_of(GOLD)


def test_refusal_says_where_in_the_document_it_is_wrong() -> None:
    refused = Topic().put(b"segment/vip", published(GOLD | {"nam": "x"}))
    assert refused is not None
    assert "nam" in refused.message


def test_what_does_not_fit_waits_for_the_rest_and_the_set_before_stays() -> None:
    topic = Topic()
    topic.publish(WELCOME)
    assert topic.build() == [(b"trigger/welcome", "does-not-fit")]
    assert topic.active == id_of()
    assert topic.is_changed() is False
    topic.publish(GOLD)
    assert topic.build() == []
    assert topic.active == id_of(GOLD, WELCOME)


def test_what_others_need_can_not_be_ended_before_them() -> None:
    topic = Topic()
    topic.publish(GOLD, WELCOME)
    topic.build()
    topic.end(b"segment/vip")
    assert topic.build() == [(b"segment/vip", "does-not-fit")]
    assert topic.active == id_of(GOLD, WELCOME)
    topic.end(b"trigger/welcome")
    assert topic.build() == []
    assert topic.active == id_of()


def test_only_what_came_since_the_last_build_is_told_not_to_fit() -> None:
    topic = Topic()
    topic.publish(GOLD)
    topic.build()
    topic.publish(trigger({"segment": "nobody", "change": "entered"}, id="lost"), SILVER)
    told = topic.build()
    assert told == [(b"trigger/lost", "does-not-fit"), (b"segment/vip", "does-not-fit")]
    assert topic.active == id_of(GOLD)
    assert topic.is_changed() is False


def test_log_of_a_refusal_names_the_definition_and_why() -> None:
    record = Record("definitions", 0, 0, b"segment/\xff", b"{")
    assert catalogues.refusal(DeadLetter(record, "not-json", "no JSON")) == {
        "definition": "segment/\ufffd",
        "reason": "not-json",
        "why": "no JSON",
    }
    keyless = DeadLetter(record._replace(key=None), "key-invalid", "no key")
    assert catalogues.refusal(keyless)["definition"] == ""


def publish(broker: Broker, *documents: Document) -> str:
    topic = broker.topic("definitions")
    for each in documents:
        key = definitions.key(each["kind"], each["id"]).encode()
        broker.produce(topic, (key, published(each)))
    return topic


def test_topic_is_read_to_its_end_whatever_its_partitions(broker: Broker) -> None:
    topic = publish(broker, GOLD, WELCOME, segment({"tag": "x"}, "other"), SILVER)
    catalogue = Catalogue()
    catalogues.read(broker.cluster, topic, catalogue)
    assert set(catalogue.records) == {
        ("segment", "vip"),
        ("trigger", "welcome"),
        ("segment", "other"),
    }
    assert catalogue.records["segment", "vip"].document == SILVER


def test_empty_topic_gives_nothing(broker: Broker) -> None:
    catalogue = Catalogue()
    catalogues.read(broker.cluster, broker.topic("definitions"), catalogue)
    assert not catalogue.is_changed


def test_what_is_read_again_is_passed_over(broker: Broker) -> None:
    topic = publish(broker, GOLD)
    catalogue = Catalogue()
    catalogues.read(broker.cluster, topic, catalogue)
    catalogue.build()
    catalogues.read(broker.cluster, topic, catalogue)
    assert not catalogue.is_changed


def test_what_is_refused_while_reading_is_logged_and_the_rest_is_taken(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    topic = publish(broker, GOLD)
    broker.produce(topic, (b"segment/bad", b"{"))
    catalogue = Catalogue()
    catalogues.read(broker.cluster, topic, catalogue)
    assert set(catalogue.records) == {("segment", "vip")}
    told = [vars(each) for each in caplog.records if each.msg == "a definition is refused"]
    assert [(each["definition"], each["reason"]) for each in told] == [("segment/bad", "not-json")]


def test_missing_topic_is_told_with_what_to_do(broker: Broker) -> None:
    with pytest.raises(TopicMissing, match="beckon topics create"):
        catalogues.read(broker.cluster, f"{broker.prefix}nowhere", Catalogue())


def test_errors_on_the_way_are_outlived(broker: Broker, mock: Mock) -> None:
    topic = publish(broker, GOLD)
    mock.fail(Request.FETCH, 3, 6)  # unknown topic, not the leader
    catalogue = Catalogue()
    catalogues.read(broker.cluster, topic, catalogue)
    assert set(catalogue.records) == {("segment", "vip")}


def test_predicates_that_documents_name_are_those_of_the_catalogue() -> None:
    asking = segment({"custom": "asked"}, "vip")
    asked = predicate("asked", reads=["tags"], version="1")(lambda person: True)
    record = Record("definitions", 0, 0, b"segment/vip", published(asking))
    with_it, without = Catalogue({"asked": asked}), Catalogue()
    for each in (with_it, without):
        assert each.take(record) is None
    active, letters = with_it.build()
    assert (active.predicates, letters) == ({"asked": asked}, [])
    active, letters = without.build()
    assert (active.versions, [each.reason for each in letters]) == ({}, ["does-not-fit"])
    assert "there is no predicate asked" in letters[0].message


def pausing(hours: int, id: str = "j") -> Document:
    return journey("a", wait("pause", for_=f"{hours}h"), id=id)


def numbered(topic: Topic, document: Document, number: int) -> None:
    key = definitions.numbered_key("journey", document["id"], number).encode()
    assert topic.put(key, published(document, number)) is None


def activate(topic: Topic, document: Document, number: int) -> None:
    key = definitions.key("journey", document["id"]).encode()
    assert topic.put(key, published(document, number)) is None


def waits(topic: Topic, id: str = "j") -> list[str]:
    """Returns how long the versions of a journey wait by which runs may go on."""
    assert topic.build() == []
    found = topic.catalogue.active.older.get(id, ())
    return [each.origin.document["steps"][0]["wait"]["for"] for each in found]


def test_versions_of_a_journey_before_the_active_one_are_those_by_which_runs_go_on() -> None:
    topic = Topic()
    for number in (1, 2, 3):
        numbered(topic, pausing(number), number)
    activate(topic, pausing(3), 3)
    assert waits(topic) == ["1h", "2h"]


@pytest.mark.parametrize("is_numbered", [True, False])
def test_latest_twenty_of_them_count_whether_the_active_one_has_come_by_its_number_or_not(
    is_numbered: bool,
) -> None:
    topic = Topic()
    for number in range(1, 26 if is_numbered else 25):
        numbered(topic, pausing(number), number)
    activate(topic, pausing(25), 25)
    assert waits(topic) == [f"{number}h" for number in range(5, 25)]


def test_versions_that_differ_in_no_step_push_none_of_them_out() -> None:
    topic = Topic()
    numbered(topic, pausing(1), 1)
    for number in range(2, 60):
        status = "paused" if number % 2 else "active"
        numbered(topic, pausing(2) | {"status": status}, number)
    activate(topic, pausing(2), 60)
    assert waits(topic) == ["1h"]


def test_version_that_comes_back_is_the_latest_of_its_steps() -> None:
    topic = Topic()
    for number, hours in enumerate((1, 2, 1, 3), 1):
        numbered(topic, pausing(hours), number)
    activate(topic, pausing(4), 5)
    assert waits(topic) == ["2h", "1h", "3h"]


def test_version_that_is_kept_no_longer_is_none_of_them() -> None:
    topic = Topic()
    numbered(topic, pausing(1), 1)
    assert topic.put(b"journey/j@1", None) is None
    activate(topic, pausing(2), 2)
    assert waits(topic) == []


def test_set_is_the_same_in_whatever_order_such_versions_come() -> None:
    topics = Topic(), Topic()
    for topic, ids in zip(topics, (("j", "k"), ("k", "j")), strict=True):
        for id_ in ids:
            numbered(topic, pausing(1, id_), 1)
            activate(topic, pausing(2, id_), 2)
        assert waits(topic, "k") == ["1h"]
    assert topics[0].active == topics[1].active
