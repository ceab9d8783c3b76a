"""The people of accounts, in as many partitions as there may be, against the oracle."""

from collections import deque
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from hypothesis import event as note
from hypothesis import given
from hypothesis import strategies as st

from processors.decisions import scales
from processors.decisions.compiled import Compiled
from processors.runtime.batches import Batch, Incoming, Policy, tick
from processors.runtime.memory import Driver
from processors.runtime.outputs import Outputs
from processors.runtime.partitioners import partition
from processors.runtime.tables import Table
from schemas import relays
from tests.builders import (
    DAY,
    T0,
    Document,
    Json,
    Recorder,
    compiled,
    event,
    on,
    score,
    segment,
)
from tests.oracle import accounts
from tests.oracle.grammar import condition
from tests.oracle.recompute import time_ms
from tests.properties import budget
from tests.simulation.results import of_engine, records
from tests.worlds import (
    EVENTS,
    GAPS,
    STATIC,
    VALUES,
    about_amounts,
    about_events,
    about_facts,
    dates,
    once,
    one,
    sequences,
)

WIDTHS_MS = (1_000, 60_000, 3_600_000, DAY, 3 * DAY, 7 * DAY)
PEOPLE = ("ann", "bob", "cat", "dan")
ACCOUNTS = ("x", "y")
QUANTIFIERS = ("any", "all", "none")
END = T0 + 200 * DAY
ALL = 1_000_000

Member = tuple[str, str]


def joined(leaves: list[st.SearchStrategy[Any]]) -> st.SearchStrategy[Document]:
    inner = st.one_of(leaves)
    return st.one_of(
        inner,
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=2, max_size=2)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=2, max_size=2)),
        st.builds(lambda part: {"not": part}, inner),
    )


@once
def of_one(segments: Sequence[str], *, counts: bool = True) -> st.SearchStrategy[Document]:
    """Draws what can be asked of a person alone, and the segments named."""
    leaves = [about_facts]
    if counts:
        leaves += [about_events(), about_events(), about_amounts(), sequences()]
    if segments:
        leaves.append(st.builds(lambda id: {"segment": id}, st.sampled_from(segments)))
    return joined(leaves)


@once
def of_people(segments: Sequence[str], *, counts: bool = True) -> st.SearchStrategy[Document]:
    asked = st.builds(
        lambda quantifier, inner: {"account": {quantifier: inner}},
        st.sampled_from(QUANTIFIERS),
        of_one(segments, counts=counts),
    )
    return joined([asked, asked, of_one(segments, counts=counts)])


@st.composite
def segments(draw: st.DrawFn, *, counts: bool = True) -> list[Document]:
    """Draws segments of which each may ask for people in those before it."""
    names: list[str] = []
    found = []
    for id in draw(st.permutations(["a", "b", "c"]))[: draw(st.integers(1, 3))]:
        found.append(segment(draw(of_people(names, counts=counts)), id))
        names.append(id)
    return found


contents = st.one_of(
    st.builds(
        lambda name, number: ("track", {"event": name, "properties": {"n": number}}),
        st.sampled_from(EVENTS),
        st.sampled_from([1, 2, 1.5, "x"]),
    ),
    st.builds(
        lambda traits: ("identify", {"traits": traits}),
        st.one_of(one(plan=st.sampled_from(VALUES)), one(born=dates)),
    ),
    st.builds(
        lambda account, traits: ("group", {"groupId": account, "traits": traits}),
        st.sampled_from(ACCOUNTS),
        st.one_of(st.just({}), one(tier=st.sampled_from(VALUES))),
    ),
    st.just(("group", {"groupId": "x"})),
)


@st.composite
def logs(draw: st.DrawFn, late: Sequence[int] = (0,)) -> list[Json]:
    """Draws what people of two accounts do, and which they belong to."""
    log: list[Json] = []
    now = T0 + 8 * DAY
    entries = st.tuples(
        st.sampled_from(GAPS), st.sampled_from(PEOPLE), contents, st.sampled_from(late)
    )
    for number, (gap_ms, person, (kind, fields), late_ms) in enumerate(
        draw(st.lists(entries, min_size=6, max_size=18))
    ):
        now += gap_ms
        log.append(event(kind, now - late_ms, id=f"m{number}", person=person, **fields))
    return log


def of_oracle(documents: Sequence[Document], log: Sequence[Json], now: int) -> set[Member]:
    known = {each["id"]: condition(each["when"], []) for each in documents}
    return accounts.members(known, log, now)


def of_changes(out: Recorder, now: int) -> set[Member]:
    """Returns who had entered what by an instant, and had not left it."""
    found: set[Member] = set()
    for _, change in out.of("segment-changes"):
        if change.at <= now:
            who = (change.profile_id, change.segment_id)
            (found.add if change.change == "entered" else found.discard)(who)
    return found


def instants(log: Sequence[Json], out: Recorder) -> Iterator[int]:
    """Yields when something may have turned, and right before."""
    found = {time_ms(each) for each in log} | {each.at for _, each in out.of("segment-changes")}
    found |= {time_ms(each) + width for each in log for width in WIDTHS_MS}
    yield from sorted({at for each in found for at in (each - 1, each)} | {END})


@budget(150)
@given(segments(), logs())
def test_members_at_any_instant_are_those_that_the_oracle_finds(
    documents: list[Document], log: list[Json]
) -> None:
    out, _ = of_engine(compiled(*STATIC, *documents), log, END)
    for now in instants(log, out):
        assert of_changes(out, now) == of_oracle(documents, log, now), now - T0
    moved = [each.cause for _, each in out.of("segment-changes")]
    note(f"{min(moved.count('account'), 5)} or more by an account")


@budget(60)
@given(segments(), logs(late=(0, 0, 1, DAY, 3 * DAY)), st.lists(st.integers(1, 6), max_size=4))
def test_a_replay_is_the_same_whatever_its_batches(
    documents: list[Document], log: list[Json], sizes: list[int]
) -> None:
    asking = compiled(*STATIC, *documents, segment({"account": {"all": {"event": "a"}}}))
    one_by_one, _ = of_engine(asking, log, END, [1] * len(log))
    in_batches, driver = of_engine(asking, log, END, sizes)
    assert in_batches.records == one_by_one.records
    assert driver.dead_letters == []


@budget(100)
@given(segments(), logs(late=(0, 0, 1, DAY, 3 * DAY)), st.integers(0, 17))
def test_late_events_and_late_definitions_end_where_the_oracle_does(
    documents: list[Document], log: list[Json], begun: int
) -> None:
    out = Recorder()
    driver = Driver(compiled(), out, keeps_log=True)
    driver.feed(records(log[:begun]))
    driver.activate(compiled(*STATIC, *documents))
    driver.feed(records(log[begun:]))
    driver.advance(END)
    assert of_changes(out, END) == of_oracle(documents, log, END)


FUNCTIONS = ("sum", "average", "max")


def team(function: str) -> Document:
    return score({"id": "people", "points": 2, "people": {function: "base"}}, id="team")


BASE = score(on("a", 3, within="1d"), on("b", 4), id="base")


def worth(person: accounts.Somebody, now: int) -> int:
    """Returns the points that BASE gives."""
    done = {name: person.occurrences.get(name, []) for name in EVENTS}
    lately = sum(now < each.at_ms + DAY for each in done["a"])
    return 3 * lately + 4 * len(done["b"])


def rolled_up(function: str, log: Sequence[Json], now: int) -> dict[str, int]:
    """Returns what BASE comes to over the people of each person's account, twice."""
    found = {}
    for person in accounts.Crowd({}, log, now).people.values():
        worths = [worth(each, now) for each in person.colleagues()] or [0]
        exact = {
            "sum": Fraction(sum(worths)),
            "max": Fraction(max(worths)),
            "average": Fraction(sum(worths), len(worths)),
        }
        found[person.id] = 2 * int(exact[function] + Fraction(1, 2))
    return found


@budget(100)
@given(st.sampled_from(FUNCTIONS), logs())
def test_a_score_rolled_up_over_people_is_what_theirs_come_to(
    function: str, log: list[Json]
) -> None:
    out, _ = of_engine(compiled(BASE, team(function)), log, END)
    for now in instants(log, out):
        found = dict.fromkeys(rolled_up(function, log, now), 0)
        for person, change in out.of("score-changes"):
            if change.score_id == "team" and change.at <= now:
                found[person] = change.new
        assert found == rolled_up(function, log, now), now - T0


class Cluster:
    """Partitions in memory whose workers take turns, abort and die; relays go by the log."""

    def __init__(self, documents: Sequence[Document], count: int) -> None:
        self.compiled: Compiled = compiled(*STATIC, *documents)
        self.logs: list[list[Incoming]] = [[] for _ in range(count)]
        self.tables = [Table() for _ in range(count)]
        self.changelogs: list[list[tuple[bytes, bytes | None]]] = [[] for _ in range(count)]
        self.out = Recorder()

    def write(self, key: bytes, value: bytes, place: int | None = None) -> None:
        place = partition(key, len(self.logs)) if place is None else place
        log = self.logs[place]
        log.append((key, value, len(log), 0))

    def take(self, place: int, size: int, *, is_aborted: bool = False) -> None:
        """Decides on the next records of a partition, and on what time has brought there."""
        outputs = Outputs()
        batch = Batch(
            self.tables[place],
            self.compiled,
            policy=Policy(clock="stream"),
            outputs=outputs,
            source=("events", place),
        )
        batch.settle(ALL)
        batch.run(self.logs[place][batch.offset : batch.offset + size])
        batch.fire(batch.high_water, ALL)
        changelog = batch.finish()
        if is_aborted:
            batch.drop()
            return
        self.changelogs[place] += changelog
        batch.apply()
        for record in outputs.records():
            self.out(*record)
        for relay in outputs.decision.relays:
            self.write(relays.key(relay), relays.encode(relay))
        assert outputs.dead_letters == []

    def dies(self, place: int) -> None:
        table = self.tables[place] = Table()
        for key, value in self.changelogs[place]:
            table.restore(key, value)
        table.restored()

    def has_work(self, place: int) -> bool:
        table = self.tables[place]
        is_behind = table.progress.offset < len(self.logs[place])
        has_other = table.progress.definitions != self.compiled.id and bool(table.profiles)
        return is_behind or has_other or table.next_wake() <= table.progress.high_water

    def drain(self) -> None:
        places = deque(range(len(self.logs)))
        while busy := [each for each in places if self.has_work(each)]:
            self.take(busy[0], 5)
            places.rotate(-1)

    @property
    def members(self) -> set[Member]:
        found = (each.profile(one) for each in self.tables for one in each.profiles)
        return {(one.id, each) for one in found if one for each in one.segments}

    @property
    def teams(self) -> dict[str, float]:
        found = (each.profile(one) for each in self.tables for one in each.profiles)
        return {one.id: scales.value(one, "team", 0) for one in found if one}


turns = st.lists(
    st.tuples(
        st.integers(0, 3), st.integers(1, 5), st.sampled_from(["", "", "", "aborts", "dies"])
    ),
    max_size=20,
)


@budget(100)
@given(segments(), st.sampled_from(FUNCTIONS), logs(late=(0, 0, 1, DAY)), turns)
def test_people_in_several_partitions_end_where_the_oracle_does(
    documents: list[Document], function: str, log: list[Json], taken: list[tuple[int, int, str]]
) -> None:
    cluster = Cluster([*documents, BASE, team(function)], 4)
    for key, value in records(log):
        cluster.write(key, value)
    for place, size, fate in taken:
        cluster.take(place, size, is_aborted=fate == "aborts")
        if fate == "dies":
            cluster.dies(place)
    cluster.drain()
    for place in range(4):
        cluster.write(b"", tick(END), place)
    cluster.drain()
    assert cluster.members == of_oracle(documents, log, END)
    assert cluster.teams == rolled_up(function, log, END)
    note(f"{len({partition(each.encode(), 4) for each in PEOPLE})} partitions")


@budget(60)
@given(segments(counts=False), segments(counts=False), logs(), turns)
def test_partitions_that_change_definitions_one_by_one_end_as_if_they_had_always_had_them(
    before: list[Document],
    after: list[Document],
    log: list[Json],
    taken: list[tuple[int, int, str]],
) -> None:
    cluster = Cluster(before, 4)
    for key, value in records(log):
        cluster.write(key, value)
    old, new = cluster.compiled, compiled(*STATIC, *after)
    adopted: set[int] = set()
    for number, (place, size, _) in enumerate(taken):
        if number >= len(taken) // 2:
            adopted.add(place)
        cluster.compiled = new if place in adopted else old
        cluster.take(place, size)
    cluster.compiled = new
    cluster.drain()
    for place in range(4):
        cluster.write(b"", tick(END), place)
    cluster.drain()
    assert cluster.members == of_oracle(after, log, END)
    note("some" if cluster.members else "none")
