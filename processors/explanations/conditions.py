"""Conditions as trees of answers, each given by the engine's own closure for that part.

Whatever a condition asks, it has its text, an answer, and when that turns. Kinds that are known
here show the value that was found besides; events are those that the part's features count.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from processors.decisions import compiling, persons, scales
from processors.decisions.comparisons import Answer
from processors.decisions.compiled import Compiled
from processors.decisions.conditions import Compiler, Evaluate, bucket
from processors.decisions.features import NO_PROPERTIES, Properties, Where, read
from processors.decisions.measures import hashed
from processors.definitions.conditions import (
    HEADS,
    AllCondition,
    AnyCondition,
    Condition,
    NotCondition,
    PeopleCondition,
)
from processors.definitions.errors import one_line
from processors.definitions.predicates import Model, Predicate
from processors.definitions.sets import DefinitionSet
from processors.explanations import contacts, trees
from processors.explanations.futures import Watch
from processors.explanations.histories import Heard, History
from processors.state import profiles, windows
from processors.state.profiles import NEVER, Profile
from schemas import events
from schemas.errors import BadEvent

PLAIN_KEYS = frozenset({"event", "where", "at_least", "at_most", "exactly", "within", "since"})
"""Keys of an event condition that only counts."""
JOINED = {"all": "all of", "any": "any of", "not": "not"}
MAX_TEXT = 300
MAX_NAME = 40
MAX_NAMED = 5
"""People who are named beside a condition; JSON has all."""


class Heeded(msgspec.Struct, frozen=True, kw_only=True):
    """Which events count."""

    event: str
    where: Where | None = None
    since_ms: int | None = None
    width_ms: int | None = None
    """For how long; None for ever."""
    key: str = ""
    """Under which the profile counts them."""


class Scene(msgspec.Struct, kw_only=True):
    """What conditions are held against."""

    definitions: DefinitionSet
    compiled: Compiled
    history: History
    properties: Properties | None = None
    """Those of the event at hand; None: there is no such event."""

    @property
    def profile(self) -> Profile:
        """The person."""
        return self.history.profile

    @property
    def now_ms(self) -> int:
        """The instant."""
        return self.history.at_ms


Watched = list[tuple[Watch, Any]]
"""What is to be watched, and the node whose `until` it gives."""


def explain(
    condition: Condition, written: Mapping[str, Any], scene: Scene, watched: Watched
) -> trees.Condition:
    """Returns the tree of a condition.

    Args:
        condition: parsed.
        written: the same as in its document.
        scene: against what it is held.
        watched: gets what is to be watched, for each node.
    """
    compiler = compiling.compiler(scene.definitions)
    evaluate = compiler.compile(condition)
    reads = compiler.take_reads()
    is_open = ("property", "") in reads and scene.properties is None
    kind = next(key for key in written if key in HEADS)
    node = trees.Condition(
        kind=kind,
        text=JOINED.get(kind) or text(written),
        holds=None if is_open else _holds(_ask(evaluate, scene)),
    )
    if not is_open:
        watched.append((_watch(evaluate, scene.properties or NO_PROPERTIES), node))
    match condition:
        case AllCondition(all=inner) | AnyCondition(any=inner):
            node.parts = [
                explain(each, below, scene, watched)
                for each, below in zip(inner, written[kind], strict=True)
            ]
        case NotCondition(negated=inner):
            node.parts = [explain(inner, written["not"], scene, watched)]
        case PeopleCondition(condition=inner, quantifier=quantifier, key=key):
            node.parts = [explain(inner, written["account"][quantifier], scene, watched)]
            node.found, node.note = _of_people(scene, key)
        case _:
            keys = [key for fact, key in sorted(reads) if fact == "feature"]
            heeded = _heeded(compiler)
            _fill(node, written, scene, [heeded[key] for key in keys])
    return node


def text(written: Mapping[str, Any]) -> str:
    """Returns a piece of a document on one line.

    >>> text({"event": "Order", "where": [{"property": "total", "at_least": 5}]})
    'event: Order, where: [{property: total, at_least: 5}]'
    """
    said = ", ".join(f"{key}: {_flow(each)}" for key, each in written.items())
    return one_line(said, MAX_TEXT)


def occurrences(history: History, heeded: Heeded) -> list[trees.Occurrence]:
    """Returns the events that count at the instant of a history, oldest first."""
    width_ms = heeded.width_ms
    found = [
        trees.Occurrence(
            message_id=each.event.message_id,
            event=each.name,
            at=each.at_ms,
            place=each.place,
            counts=True,
            until=None if width_ms is None else each.at_ms + width_ms,
        )
        for each in history.heard
        if _counts(each, heeded, history.at_ms)
    ]
    return sorted(found, key=lambda each: each.at)


def once_per(
    path: str, found: list[trees.Occurrence], history: History, *, latest: bool
) -> list[trees.Occurrence]:
    """Returns of the events with one value of a property the first, or the latest."""
    parts = tuple(path.split("."))
    told = {each.event.message_id: read(properties_of(each), parts) for each in history.heard}
    by_value: dict[int | None, trees.Occurrence] = {}
    for each in found:
        value = hashed(told[each.message_id])
        if latest:
            by_value.pop(value, None)
        by_value.setdefault(value, each)
    by_value.pop(None, None)
    return list(by_value.values())


def _counts(heard: Heard, heeded: Heeded, now_ms: int) -> bool:
    at_ms = heard.at_ms
    if heard.name != heeded.event or at_ms > now_ms:
        return False
    if heeded.width_ms is not None and now_ms >= at_ms + heeded.width_ms:
        return False
    if heeded.since_ms is not None and at_ms < heeded.since_ms:
        return False
    return heeded.where is None or heeded.where(properties_of(heard), at_ms)


def _heeded(compiler: Compiler) -> dict[str, Heeded]:
    """Returns what a compiler has gathered by now, by key: counts, and whatever else it keeps."""
    gathered = [each.by_key for each in vars(compiler).values() if hasattr(each, "by_key")]
    return {
        key: Heeded(
            event=each.event,
            where=each.where,
            since_ms=each.since_ms,
            width_ms=None if each.width_ms == NEVER else each.width_ms,
            key=key,
        )
        for by_key in gathered
        for key, each in by_key.items()
    }


def properties_of(heard: Heard) -> Properties:
    """Returns what an event says besides; nothing where that can not be read."""
    try:
        return events.properties(heard.event)
    except BadEvent:
        return NO_PROPERTIES


def _ask(evaluate: Evaluate, scene: Scene) -> Answer:
    return evaluate(scene.profile, scene.now_ms, scene.properties or NO_PROPERTIES)


def _holds(answer: Answer) -> bool:
    return answer > 0


def _watch(evaluate: Evaluate, properties: Properties) -> Watch:
    def watch(profile: Profile, now_ms: int) -> tuple[bool, int]:
        answer = evaluate(profile, now_ms, properties)
        return _holds(answer), abs(answer)

    return watch


def _fill(
    node: trees.Condition, written: Mapping[str, Any], scene: Scene, heeded: list[Heeded]
) -> None:
    """Puts the values beside a condition that has no parts."""
    node.found = _found(written, scene)
    if "segment" in written and "for" in written:
        node.since = scene.profile.segments.get(written["segment"])
    if "custom" in written:
        predicate = scene.definitions.predicates[written["custom"]]
        node.found, node.note = _seen(scene, predicate), f"version {predicate.version}"
    for each in heeded:
        node.events += occurrences(scene.history, each)
    if heeded and written.keys() <= PLAIN_KEYS:
        (counted,) = heeded
        found = len(node.events)
        node.count = count = _count(counted, scene, found)
        if count != found:
            node.note = f"the log has {found} of them"


def _of_people(scene: Scene, key: str) -> tuple[list[str] | None, str]:
    """Returns for whom of the account's people something holds, and what to say of it."""
    belongs, people = scene.profile.belongs, scene.history.people
    if belongs is None:
        return None, "the person has no account"
    whose = f"account {one_line(belongs.account, MAX_NAME)}"
    if key not in (belongs.answers or {}):
        return None, f"{whose} has not answered yet"
    if people is None:
        return None, f"{whose}, of whose people nothing is known here"
    told = [each for each, holds in people.items() if key in holds]
    found = sorted(each for each in told if people[each][key])
    names = ", ".join([one_line(each, MAX_NAME) for each in found[:MAX_NAMED]])
    more = ", …" if len(found) > MAX_NAMED else ""
    return found, f"{whose}: holds for {len(found)} of {len(told)}{names and f': {names}{more}'}"


def _count(heeded: Heeded, scene: Scene, found: int) -> int:
    """Returns how many occurrences the profile counts; it stops where nobody asks for more."""
    if heeded.width_ms is None:
        count = scene.profile.counts.get(heeded.key, 0)
    else:
        kept = scene.profile.times.get(heeded.key, ())
        count = windows.count(kept, scene.now_ms - heeded.width_ms)
    return max(count, found) if count >= _capacity(scene.compiled, heeded) else count


def _capacity(active: Compiled, heeded: Heeded) -> int:
    plan = active.plans[heeded.event]
    features = [*plan.plain, *(each for each, _ in plan.asking)]
    return next(each.capacity for each in features if each.key == heeded.key)


def _found(written: Mapping[str, Any], scene: Scene) -> Any:
    """Returns the value that a condition was held against; None for kinds not known here."""
    profile = scene.profile
    match written:
        case {"trait": str(path)}:
            return profiles.trait(profile.traits, tuple(path.split(".")))
        case {"account": str(path)}:
            return profiles.trait(profile.account, tuple(path.split(".")))
        case {"property": str(path)}:
            return read(scene.properties or NO_PROPERTIES, tuple(path.split(".")))
        case {"segment": segment_id}:
            return "in" if segment_id in profile.segments else "out"
        case {"score": score_id}:
            return _score(scene, written, score_id)
        case {"status": _}:
            return profile.status
        case {"tag": _}:
            return list(profile.tags)
        case {"list": _}:
            return list(profile.lists)
        case {"bucket": {"salt": salt}}:
            return round(bucket(salt, profile.id), 3)
        case _:
            return contacts.found(written, profile)


def _seen(scene: Scene, predicate: Predicate | Model) -> dict[str, Any]:
    """Returns what a predicate reads of the person."""
    reads = persons.names_by_kind(predicate.facts)
    person = persons.Person(scene.profile, reads, scene.compiled.scales)
    return persons.seen(person, predicate.reads)


def _score(scene: Scene, written: Mapping[str, Any], score_id: str) -> Any:
    scale = scene.compiled.scales[score_id]
    value = scales.value(scene.profile, score_id, scale.empty)
    if "level" in written:
        return scale.levels.name(value)
    return scale.grades.name(value) if "grade" in written else value


def _flow(value: Any) -> str:
    match value:
        case Mapping():
            return "{" + ", ".join(f"{key}: {_flow(each)}" for key, each in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_flow, value)) + "]"
        case str():
            return value
        case _:
            return msgspec.json.encode(value).decode()
