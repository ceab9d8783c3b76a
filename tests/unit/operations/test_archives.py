"""The archive: what is active beside what was, numbers that count on, and ids that are found."""

import pytest

from processors.definitions import sets
from processors.operations.archives import Archive
from processors.operations.errors import OperationFailed
from processors.runtime.catalogues import Catalogue
from schemas import codec, definitions
from schemas.definitions import DefinitionRecord
from schemas.letters import DeadLetter, Record
from tests.builders import T0, Document, journey, segment, static_list, wait

VIP = ("segment", "vip")


def version(number: int, *, id: str = "vip", tag: str = "a") -> DefinitionRecord:
    document: Document = segment({"tag": tag}, id)
    return DefinitionRecord(
        kind="segment",
        id=id,
        version=sets.from_documents([document]).versions["segment", id],
        number=number,
        published_at=T0 + number,
        document=document,
    )


class Topic:
    """An archive, and the next offset of its topic."""

    def __init__(self) -> None:
        self.archive = Archive()
        self.offset = -1

    def put(self, key: str, record: DefinitionRecord | bytes | None) -> DeadLetter | None:
        self.offset += 1
        value = codec.encode(record) if isinstance(record, DefinitionRecord) else record
        return self.archive.take(Record("definitions", 0, self.offset, key.encode(), value))

    def publish(self, *records: DefinitionRecord) -> None:
        for each in records:
            key = definitions.key(each.kind, each.id)
            for where in (key, definitions.numbered_key(each.kind, each.id, each.number)):
                assert self.put(where, each) is None


def test_version_stays_when_a_later_one_takes_its_place() -> None:
    topic = Topic()
    topic.publish(version(1), version(2, tag="b"))
    assert topic.archive.records == {VIP: version(2, tag="b")}
    assert topic.archive.versions(VIP) == {1: version(1), 2: version(2, tag="b")}
    assert topic.archive.version(VIP, 1) == version(1)


def test_active_version_is_there_though_it_is_under_no_number_yet() -> None:
    topic = Topic()
    assert topic.put("segment/vip", version(3)) is None
    assert topic.archive.kept(VIP) == {}
    assert topic.archive.version(VIP, 3) == version(3)


def test_versions_come_by_rising_number() -> None:
    topic = Topic()
    topic.publish(*(version(number) for number in (3, 1, 10, 2)))
    assert list(topic.archive.versions(VIP)) == [1, 2, 3, 10]


def test_ended_definition_keeps_its_versions_and_its_count() -> None:
    topic = Topic()
    topic.publish(version(1), version(2))
    topic.put("segment/vip", None)
    assert topic.archive.records == {}
    assert topic.archive.named("vip") == VIP
    assert list(topic.archive.versions(VIP)) == [1, 2]
    assert topic.archive.next_number(VIP) == 3


def test_definition_that_never_was_begins_with_one() -> None:
    assert Archive().next_number(VIP) == 1


def test_tombstone_of_a_number_takes_that_version_away() -> None:
    topic = Topic()
    topic.publish(version(1), version(2))
    assert topic.put("segment/vip@1", None) is None
    assert topic.put("segment/vip@7", None) is None
    assert list(topic.archive.versions(VIP)) == [2]


def test_definition_with_no_version_left_is_unknown() -> None:
    topic = Topic()
    topic.publish(version(1))
    topic.put("segment/vip", None)
    topic.put("segment/vip@1", None)
    with pytest.raises(OperationFailed, match=r"^nothing is published as vip$"):
        topic.archive.named("vip")


def test_version_that_the_grammar_has_left_behind_stays_readable() -> None:
    topic = Topic()
    document = {"kind": "segment", "id": "vip", "when": {"moon": "full"}}
    old = DefinitionRecord(
        kind="segment", id="vip", version="v", number=1, published_at=T0, document=document
    )
    assert topic.put("segment/vip@1", old) is None
    assert topic.archive.version(VIP, 1).document == document


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("segment/vip", b"{", "not-json"),
        ("segment/vip@1", b"{", "not-json"),
        ("segment/vip@2", version(1), "key-mismatch"),
        ("segment/other@1", version(1), "key-mismatch"),
        ("list/vip@1", version(1), "key-mismatch"),
        ("vip@1", version(1), "key-invalid"),
    ],
)
def test_what_can_not_be_read_is_refused(
    key: str, value: DefinitionRecord | bytes, reason: str
) -> None:
    topic = Topic()
    refused = topic.put(key, value)
    assert refused is not None
    assert refused.reason == reason
    assert topic.archive.versions(VIP) == {}


def test_definition_is_found_by_its_id_or_its_key() -> None:
    topic = Topic()
    topic.publish(version(1), version(1, id="both"))
    topic.put("list/both", _list("both"))
    assert topic.archive.named("vip") == topic.archive.named("segment/vip") == VIP
    assert topic.archive.named("list/both") == ("list", "both")
    with pytest.raises(OperationFailed, match="several both: say list/both or segment/both"):
        topic.archive.named("both")
    with pytest.raises(OperationFailed, match="published as vipp; did you mean vip"):
        topic.archive.named("vipp")


def _list(id: str) -> DefinitionRecord:
    return DefinitionRecord(
        kind="list", id=id, version="v", number=1, published_at=T0, document=static_list(id)
    )


def test_version_that_is_not_there_is_told_with_those_that_are() -> None:
    topic = Topic()
    topic.publish(*(version(number) for number in (4, 5, 6)))
    said = "segment/vip has no version 3; the earliest is 4, the latest 6"
    with pytest.raises(OperationFailed, match=said):
        topic.archive.version(VIP, 3)


def test_set_is_that_of_workers_also_where_runs_may_go_on_by_older_versions() -> None:
    topic, catalogue = Topic(), Catalogue()
    for number in (1, 2):
        document = journey("a", wait(for_=f"{number}h"))
        record = DefinitionRecord(
            kind="journey", id="j", version="v", number=number, published_at=T0, document=document
        )
        topic.publish(record)
        for place, key in enumerate(("journey/j", f"journey/j@{number}")):
            value = codec.encode(record)
            taken = Record("definitions", 0, 2 * number + place, key.encode(), value)
            assert catalogue.take(taken) is None
    active, _ = catalogue.build()
    assert [len(each) for each in active.older.values()] == [1]
    assert topic.archive.published({}).id == active.id


def test_what_is_asked_for_must_be_published() -> None:
    topic = Topic()
    topic.publish(version(1), version(1, id="beta"))
    assert topic.archive.ids("segment") == ["beta", "vip"]
    topic.archive.require("segment", "vip")
    said = r"no segment vipp is published; did you mean vip\?"
    with pytest.raises(OperationFailed, match=said):
        topic.archive.require("segment", "vipp")
    with pytest.raises(OperationFailed, match=r"no journey vip is published$"):
        topic.archive.require("journey", "vip")
