"""What is published is taken up together, made active if it fits, and refused in words if not."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from processors.agents import apps
from processors.agents import definitions as agent
from processors.agents.definitions import Options, Taker
from processors.decisions.compiled import Compiled
from processors.definitions import sets
from processors.definitions.predicates import NONE, Predicates, predicate
from processors.metrics import Counter, Metrics
from processors.runtime.errors import DefinitionsUnfit
from schemas import codec, definitions
from schemas.definitions import DefinitionRecord
from schemas.letters import Headers
from tests.builders import T0, Document, score, segment, trigger
from tests.embedded import Broker, Pair

VIP: Document = segment({"trait": "plan", "equals": "gold"}, "vip")
WELCOME: Document = trigger({"segment": "vip", "change": "entered"}, id="welcome")
BAD: Pair = (b"segment/bad", b"{")


def record(document: Document) -> Pair:
    kind, id_ = str(document["kind"]), str(document["id"])
    value = DefinitionRecord(
        kind=kind, id=id_, version="v", number=1, published_at=T0, document=document
    )
    return definitions.key(kind, id_).encode(), codec.encode(value)


def id_of(*documents: Document) -> str:
    return sets.from_documents(documents).id


class Records:
    """Records as Faust hands them over."""

    def __init__(self, pairs: Sequence[Pair], first: int) -> None:
        self._messages = [
            SimpleNamespace(topic="definitions", partition=9, offset=offset, key=key, value=value)
            for offset, (key, value) in enumerate(pairs, first)
        ]

    async def events(self) -> AsyncIterator[Any]:
        for each in self._messages:
            yield SimpleNamespace(message=each)


class Office:
    """A taker with all that it needs."""

    def __init__(
        self,
        broker: Broker,
        *published: Pair,
        is_first: bool = True,
        predicates: Predicates = NONE,
    ) -> None:
        broker.produce(broker.topic("definitions"), *published)
        self.active: list[str] = []
        self.buried: list[tuple[bytes | None, bytes | None, dict[str, bytes]]] = []
        self.metrics = Metrics()
        self.taker = Taker(
            self._activate,
            Options(
                cluster=broker.cluster,
                prefix=broker.prefix,
                is_first=lambda: is_first,
                predicates=predicates,
            ),
            bury=self._bury,
            metrics=self.metrics,
        )
        self._offset = 0

    def _activate(self, compiled: Compiled) -> None:
        self.active.append(compiled.id)

    async def _bury(self, key: bytes | None, value: bytes | None, headers: Headers) -> None:
        self.buried.append((key, value, dict(headers)))

    async def take(self, *pairs: Pair) -> None:
        await self.taker.take_up(Records(pairs, self._offset))
        self._offset += len(pairs)

    @property
    def refused(self) -> float:
        return self.metrics.read(Counter.DEFINITIONS_REFUSED)


def run(story: Callable[[], Awaitable[None]]) -> None:
    async def told() -> None:
        await asyncio.wait_for(story(), 20)

    asyncio.run(told())


def refusals(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    found = [vars(each) for each in caplog.records if each.msg == "a definition is refused"]
    return [(each["definition"], each["reason"]) for each in found]


def test_what_is_published_already_is_active_after_loading(broker: Broker) -> None:
    office = Office(broker, record(VIP), record(WELCOME))
    run(office.taker.load)
    assert office.active == [id_of(VIP, WELCOME)]


def test_a_worker_does_not_begin_with_definitions_that_do_not_fit(broker: Broker) -> None:
    office = Office(broker, record(WELCOME))
    with pytest.raises(DefinitionsUnfit, match="publish what is missing"):
        run(office.taker.load)
    assert office.active == []


def test_a_worker_begins_only_with_the_predicates_that_definitions_name(broker: Broker) -> None:
    asking = segment({"custom": "asked"}, "vip")
    asked = predicate("asked", reads=["tags"], version="1")(lambda person: True)
    office = Office(broker, record(asking), predicates={"asked": asked})
    run(office.taker.load)
    assert office.active == [sets.from_documents([asking], predicates={"asked": asked}).id]
    with pytest.raises(DefinitionsUnfit, match="there is no predicate asked"):
        run(Office(broker, record(asking)).taker.load)


def test_a_worker_begins_without_a_model_and_says_what_is_missing(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    risk = score({"id": "churn", "points": 40, "model": "churn"}, id="risk")
    office = Office(broker, record(risk))
    run(office.taker.load)
    assert office.active == [id_of(risk)]
    (warning,) = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert "model churn is not registered here" in vars(warning)["why"]


def test_empty_topic_makes_the_empty_set_active(broker: Broker) -> None:
    office = Office(broker)
    run(office.taker.load)
    assert office.active == [id_of()]


def test_what_comes_together_is_made_active_together(broker: Broker) -> None:
    office = Office(broker)

    async def story() -> None:
        await office.taker.load()
        await office.take(record(WELCOME), record(VIP))
        assert office.active == [id_of()]
        await office.taker.build()

    run(story)
    assert office.active == [id_of(), id_of(VIP, WELCOME)]
    assert (office.refused, office.buried) == (0, [])


def test_nothing_new_makes_nothing_active(broker: Broker) -> None:
    office = Office(broker, record(VIP))

    async def story() -> None:
        await office.taker.load()
        await office.taker.build()
        await office.taker.build()

    run(story)
    assert office.active == [id_of(VIP)]


def test_nothing_is_taken_up_before_all_that_was_there_is_loaded(broker: Broker) -> None:
    office = Office(broker, record(VIP))

    async def story() -> None:
        taking = asyncio.create_task(office.take(record(WELCOME)))
        for _ in range(10):
            await asyncio.sleep(0)
        await office.taker.build()
        assert (taking.done(), office.active) == (False, [])
        await office.taker.load()
        await taking
        await office.taker.build()

    run(story)
    assert office.active == [id_of(VIP), id_of(VIP, WELCOME)]


def test_version_that_is_kept_under_its_number_changes_nothing(broker: Broker) -> None:
    kept = (b"segment/vip@1", record(VIP)[1])
    office = Office(broker, record(VIP), kept)

    async def story() -> None:
        await office.taker.load()
        await office.take(kept, (b"segment/vip@1", None))
        await office.taker.build()

    run(story)
    assert office.active == [id_of(VIP)]
    assert (office.refused, office.buried) == (0, [])


def test_end_of_a_definition_makes_the_others_active(broker: Broker) -> None:
    office = Office(broker)

    async def story() -> None:
        await office.taker.load()
        await office.take(record(VIP), record(WELCOME))
        await office.taker.build()
        await office.take((b"trigger/welcome", None))
        await office.taker.build()

    run(story)
    assert office.active[-1] == id_of(VIP)


def test_what_can_not_be_read_is_refused_and_the_old_set_stays(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    office = Office(broker, record(VIP))

    async def story() -> None:
        await office.taker.load()
        await office.take(BAD)
        await office.taker.build()

    run(story)
    assert office.active == [id_of(VIP)]
    assert office.refused == 1
    [(key, value, headers)] = office.buried
    assert (key, value, headers["reason"]) == (*BAD, b"not-json")
    assert headers["topic"] == b"definitions"
    assert refusals(caplog) == [("segment/bad", "not-json")]


def test_what_does_not_fit_is_refused_until_the_rest_comes(broker: Broker) -> None:
    office = Office(broker)

    async def story() -> None:
        await office.taker.load()
        await office.take(record(WELCOME))
        await office.taker.build()
        assert office.active == [id_of()]
        await office.take(record(VIP))
        await office.taker.build()

    run(story)
    assert office.active == [id_of(), id_of(VIP, WELCOME)]
    assert office.refused == 1
    assert [headers["reason"] for _, _, headers in office.buried] == [b"does-not-fit"]


def test_refusal_is_buried_by_one_worker_only_and_counted_by_each(broker: Broker) -> None:
    office = Office(broker, is_first=False)

    async def story() -> None:
        await office.taker.load()
        await office.take(BAD)

    run(story)
    assert (office.refused, office.buried) == (1, [])


def test_refusals_while_loading_are_logged_and_buried_no_second_time(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    office = Office(broker, BAD, record(VIP))
    run(office.taker.load)
    assert office.active == [id_of(VIP)]
    assert office.buried == []
    assert refusals(caplog) == [("segment/bad", "not-json")]


def test_agent_reads_the_topic_of_its_prefix_and_loads_what_is_there(broker: Broker) -> None:
    broker.produce(broker.topic("definitions"), record(VIP))
    app = apps.build(apps.Options(bootstrap=broker.mock.bootstrap, group="definitions"))
    active: list[str] = []
    load = agent.build(
        app,
        lambda compiled: active.append(compiled.id),
        options=Options(cluster=broker.cluster, prefix=broker.prefix, is_first=lambda: True),
        metrics=Metrics(),
    )
    run(load)
    assert active == [id_of(VIP)]
    [found] = [each for name, each in app.agents.items() if name.endswith("definitions")]
    assert found.channel.topics == (f"{broker.prefix}definitions",)
