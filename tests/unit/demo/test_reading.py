"""The reader hands every output to the board and the files, and knows how far it is."""

import threading
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import Producer

from processors.definitions.sets import DefinitionSet
from processors.demo.boards import Board
from processors.demo.broker import Broker, Ends
from processors.demo.files import Files
from processors.demo.reading import Reader
from processors.runtime.batches import tick
from processors.runtime.clients import Cluster
from processors.runtime.rereading import EMITTED
from processors.runtime.tables import PROGRESS_KEY, Progress, encode_progress
from schemas import codec, relays
from schemas.records import DecisionRecord
from schemas.relays import Told
from schemas.topics import TOPICS, full_name
from tests.builders import T0, encoded, track

LIMIT_S = 20.0


class World:
    """A broker with topics of its own, and a reader on it."""

    def __init__(self, broker: Broker, prefix: str, board: Board, files: Files) -> None:
        broker.create(full_name(prefix, name) for name in TOPICS)
        self.cluster = Cluster(bootstrap=broker.bootstrap)
        self.prefix = prefix
        self.reader = Reader(self.cluster, prefix, board=board, files=files)
        self.producer = Producer({"bootstrap.servers": broker.bootstrap})

    def put(self, name: str, key: bytes, value: bytes | None, **keys: object) -> None:
        topic = full_name(self.prefix, name)
        self.producer.produce(topic, value, key, 0, **keys)  # type: ignore[arg-type]

    def read(self) -> None:
        """Runs the reader until it has read everything."""
        assert self.producer.flush(10) == 0
        thread = threading.Thread(target=self.reader.run)
        thread.start()
        ends, tries = Ends(self.cluster), threading.Event()
        wanted = {topic: ends.of(topic) for topic in self.reader.topics}
        ends.close()
        for _ in range(round(LIMIT_S / 0.02)):
            if all(self.reader.has_reached(topic, end) for topic, end in wanted.items()):
                break
            tries.wait(0.02)
        self.reader.stop()
        thread.join(LIMIT_S)
        assert all(self.reader.has_reached(topic, end) for topic, end in wanted.items())


@pytest.fixture
def board(shop: DefinitionSet) -> Board:
    return Board(shop, T0)


def test_outputs_reach_the_board_and_the_files(
    broker: Broker, board: Board, tmp_path: Path
) -> None:
    decision = DecisionRecord(
        profile_id="ann",
        definition_id="hot-lead",
        version="v",
        outcome="yes",
        reason="fired",
        at=T0,
        cause="m1",
        late=False,
    )
    with Files(tmp_path) as files:
        world = World(broker, "reading.out.", board, files)
        world.put("decisions", b"ann", codec.encode(decision))
        world.put("dead-letters", b"ben", b"{", headers=[("reason", b"not-json")])
        world.read()

    [hot] = [each for each in world.reader.picture().triggers if each.id == "hot-lead"]
    assert hot.reasons == {"fired": 1}
    assert world.reader.picture().dead_letters == {"not-json": 1}
    told = msgspec.json.decode((tmp_path / "decisions.jsonl").read_bytes())
    assert told["at"] == "2026-01-01T00:00:00.000Z"
    dead = msgspec.json.decode((tmp_path / "dead-letters.jsonl").read_bytes())
    assert dead == {"profile_id": "ben", "reason": "not-json", "value": "{"}


def test_events_count_without_ticks_and_relays_and_told_apart_from_emitted_ones(
    broker: Broker, board: Board, tmp_path: Path
) -> None:
    world = World(broker, "reading.events.", board, Files(tmp_path))
    world.put("events", b"ann", encoded(track("Product Viewed", id="m1")))
    world.put("events", b"ann", encoded(track("Gift Earned", id="m2")), headers=EMITTED)
    world.put("events", b"", tick(T0))
    gone = Told(account="acme", person="ann", at=T0, cause="c")
    world.put("events", relays.key(gone), relays.encode(gone))
    world.read()

    found = world.reader.picture()
    assert (found.events, found.emitted, found.unreadable) == (1, 1, 0)


def test_changelog_tells_how_far_the_worker_is(
    broker: Broker, board: Board, tmp_path: Path
) -> None:
    world = World(broker, "reading.far.", board, Files(tmp_path))
    for number in range(5):
        world.put("events", b"ann", encoded(track("Product Viewed", id=f"m{number}")))
    world.put("profiles", b"ann", b"whatever it is")
    progress = Progress(offset=3, high_water=T0 + 5)
    world.put("profiles", PROGRESS_KEY, encode_progress(progress))
    world.read()

    assert world.reader.undecided == 2
    assert world.reader.picture().at_ms == T0 + 5


def test_end_that_was_not_reached_is_known(broker: Broker, board: Board, tmp_path: Path) -> None:
    world = World(broker, "reading.end.", board, Files(tmp_path))
    world.read()
    topic = full_name(world.prefix, "scores")

    assert world.reader.has_reached(topic, {0: 0, 1: 0})
    assert not world.reader.has_reached(topic, {0: 1})
