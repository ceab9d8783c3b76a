"""Whatever the definitions and the history: what is explained is what the engine holds and does."""

from collections.abc import Iterator

import msgspec
from hypothesis import given

from processors.decisions.compiling import compile_set
from processors.definitions import sets
from processors.explanations import building, histories, trees
from processors.explanations.histories import Entry
from processors.runtime.memory import Driver
from processors.runtime.tables import WAKE_BYTES
from processors.state import profiles
from processors.state.profiles import Profile
from schemas.records import SegmentChange
from tests import logs, worlds
from tests.builders import DAY, Document, Json, Recorder, encoded, keyed
from tests.properties import budget

FAR = 40 * DAY


class World:
    """One person of a made-up world: the engine beside the explanation."""

    def __init__(self, documents: list[Document], log: list[Json], person: str) -> None:
        definitions = sets.from_documents(documents)
        self.compiled = compile_set(definitions)
        self.out = Recorder()
        self.driver = Driver(self.compiled, self.out)
        pairs = [keyed(each) if "userId" in each else (b"", encoded(each)) for each in log]
        self.driver.feed(pairs)
        self.person = person
        stored = self.driver.table.profiles.get(person)
        self.profile = None
        if stored is not None:
            self.profile = profiles.decode(person, stored[WAKE_BYTES:])
            lines = [Entry(f"f:{n}", None, encoded(each)) for n, each in enumerate(log)]
            history = histories.recall(self.compiled, lines, person)
            keys = building.choose(definitions, None)
            self.history = history
            self.explanation = building.explain(definitions, self.compiled, history, keys)

    def later(self) -> dict[str, int]:
        """Returns when each segment first turns by the clock alone."""
        now = self.driver.table.progress.high_water
        before = len(self.out.records)
        self.driver.advance(now + FAR)
        found: dict[str, int] = {}
        for _, _, change in self.out.records[before:]:
            if isinstance(change, SegmentChange) and change.profile_id == self.person:
                found.setdefault(change.segment_id, change.at)
        return found


def kept(profile: Profile) -> Profile:
    """Returns a profile without its offset, which counts all people's records."""
    return msgspec.structs.replace(profile, offset=0, seen=bytearray(), seen_at=bytearray())


def nodes(node: trees.Condition) -> Iterator[trees.Condition]:
    yield node
    for each in node.parts:
        yield from nodes(each)


def rules_of(score: trees.Score) -> Iterator[trees.Rule]:
    for group in score.groups:
        yield from group.rules


def is_decaying(rule: trees.Rule) -> bool:
    return "decay" in (rule.on or "")


def rules(explanation: trees.Explanation) -> Iterator[trees.Rule]:
    for score in explanation.scores:
        yield from rules_of(score)


def conditions(explanation: trees.Explanation) -> Iterator[trees.Condition]:
    for segment in explanation.segments:
        yield from nodes(segment.when)
    for rule in rules(explanation):
        if rule.when is not None:
            yield from nodes(rule.when)


def points(score: trees.Score) -> float:
    """Adds up what the tree shows."""
    total = score.added
    for group in score.groups:
        total += sum(rule.points for rule in group.rules) - group.cut
    return total - score.cut


def check_history(world: World, profile: Profile) -> None:
    told = [each for key, each in world.out.of("decisions") if key == world.person]
    assert world.history.decisions == told
    assert kept(world.history.profile) == kept(profile)


def check_segments(world: World, profile: Profile) -> None:
    looked_ms, last = world.explanation.looked_until, world.explanation.at + FAR
    later = world.later()
    if looked_ms is not None:  # something turns for ever
        last = min(last, looked_ms)
        later = {key: at_ms for key, at_ms in later.items() if at_ms <= last}
    for segment in world.explanation.segments:
        assert segment.member is (segment.id in profile.segments), segment
        assert segment.when.holds is segment.member
        assert segment.when.until == segment.until
        is_near = segment.until is not None and segment.until <= last
        assert (segment.until if is_near else None) == later.get(segment.id), segment


def check_scores(world: World, profile: Profile) -> None:
    for score in world.explanation.scores:
        state = profile.scores.get(score.id)
        scale = world.compiled.scales[score.id]
        if not any(is_decaying(rule) for rule in rules_of(score)) and not score.of:
            assert score.value == (scale.empty if state is None else scale.told(state))
        given = sum(score.of.values()) if score.of else points(score)
        assert abs(given - score.value) <= 0.01 + 1e-9
    for rule in rules(world.explanation):
        counted = sum(each.counts for each in rule.events)
        times = counted if rule.when is None else bool(rule.when.holds)
        is_of_events = not is_decaying(rule) and rule.amount is None
        assert not is_of_events or rule.points == rule.each * times, rule


def check_conditions(world: World) -> None:
    for node in conditions(world.explanation):
        assert node.note is None, node
        if node.count is not None:
            assert node.count == len(node.events)


@given(worlds.definitions(), logs.histories())
@budget(30)
def test_explained_is_what_the_engine_holds(documents: list[Document], log: list[Json]) -> None:
    for person in logs.PEOPLE:
        world = World(documents, log, person)
        if world.profile is not None:
            check_history(world, world.profile)
            check_segments(world, world.profile)
            check_scores(world, world.profile)
            check_conditions(world)
