"""Values for tests, with defaults: change only what matters.

Events are JSON-like, as an SDK sends them; definitions are documents, as marketers write them.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from processors.decisions import decide
from processors.decisions.compiled import Compiled
from processors.decisions.compiling import compile_set
from processors.decisions.decide import Arrival, Due
from processors.decisions.moments import Decision
from processors.definitions import sets, syntax
from processors.definitions.predicates import Model, Predicate
from processors.runtime.batches import Policy
from processors.runtime.memory import Driver
from processors.state.duplicates import Seen
from processors.state.profiles import Profile
from schemas import codec, events
from schemas.commands import Command
from schemas.events import Event, iso

Document = dict[str, Any]
Json = dict[str, Any]

T0 = 1_767_225_600_000
"""2026-01-01T00:00:00Z, in ms."""
SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def at(hours: float) -> int:
    """Returns the instant so many hours after T0, ms."""
    return T0 + round(hours * HOUR)


def segment(when: Document, id: str = "s", **keys: Any) -> Document:
    return {"kind": "segment", "id": id, "name": id, "when": when} | keys


def static_list(id: str) -> Document:
    return {"kind": "list", "id": id, "name": id}


def on(event: str, points: int = 10, id: str = "", **keys: Any) -> Document:
    """Returns a rule that adds points at each occurrence."""
    where = {"where": keys.pop("where")} if "where" in keys else {}
    return {"id": id or event, "points": points, "on": {"event": event} | where} | keys


def holding(when: Document, points: int = 10, id: str = "held") -> Document:
    """Returns a rule that holds its points while a condition is true."""
    return {"id": id, "points": points, "when": when}


def group(*rules: Document, id: str = "g", **keys: Any) -> Document:
    return {"id": id, "rules": list(rules)} | keys


def score(*rules: Document, id: str = "fit", **keys: Any) -> Document:
    """Returns a score of one group, unless `groups` are given."""
    return {
        "kind": "score",
        "id": id,
        "name": id,
        "groups": [group(*rules)] if rules else [],
    } | keys


def trigger(stimulus: Document | str, *do: Document, id: str = "t", **keys: Any) -> Document:
    """Returns a trigger; a stimulus that is a text is an event's name."""
    when_heard = {"event": stimulus} if isinstance(stimulus, str) else stimulus
    return {"kind": "trigger", "id": id, "on": when_heard, "do": list(do) or [SEND]} | keys


def journey(entry: Document | str, *steps: Document, id: str = "j", **keys: Any) -> Document:
    """Returns a journey; an entry that is a text is an event's name."""
    when_heard = {"event": entry} if isinstance(entry, str) else entry
    return {"kind": "journey", "id": id, "entry": when_heard, "steps": list(steps)} | keys


def step(id: str, does: Document | None = None, **keys: Any) -> Document:
    return {"id": id} | (does or {}) | keys


def wait(id: str = "wait", **keys: Any) -> Document:
    """Returns a step that waits; `else_` and `from_` stand for `else` and `from`."""
    return {"id": id, "wait": {key.rstrip("_"): value for key, value in keys.items()}}


def topic(id: str = "news", **keys: Any) -> Document:
    return {"kind": "topic", "id": id, "name": id} | keys


def policy(id: str = "p", **keys: Any) -> Document:
    return {"kind": "policy", "id": id} | keys


def catalogue(id: str = "shop", **keys: Any) -> Document:
    """Returns a catalogue; None leaves a key out."""
    written = {
        "kind": "catalogue",
        "id": id,
        "viewed": {"event": "Product Viewed", "item": "product_id"},
        "bought": {"event": "Order Completed", "item": "products[].product_id"},
    } | keys
    return {key: value for key, value in written.items() if value is not None}


def cap(times: int = 1, within: str = "1d", id: str = "c", **keys: Any) -> Document:
    return {"id": id, "times": times, "within": within} | keys


def send(topic: str | None = None, channel: str = "email", template: str = "hello") -> Document:
    about = {} if topic is None else {"topic": topic}
    return {"send": {"channel": channel, "template": template} | about}


SEND: Document = {"send": {"channel": "email", "template": "hello"}}


def tag(name: str) -> Document:
    return {"add_tag": name}


def emit(event: str, **properties: Any) -> Document:
    return {"emit": {"event": event, "properties": properties}}


def points(number: int, score: str = "fit") -> Document:
    return {"add_points": {"score": score, "points": number}}


def set_trait(trait: str, value: Any) -> Document:
    return {"set_trait": {"trait": trait, "value": value}}


def read(text: str) -> Document:
    """Returns the document that a YAML text holds."""
    found = syntax.read_yaml(text)
    assert not found.faults, found.faults
    document: Document = found.document
    return document


def compiled(*documents: Document | str, predicates: Iterable[Predicate | Model] = ()) -> Compiled:
    """Returns the compiled set of documents; those that are texts are YAML."""
    written = [read(each) if isinstance(each, str) else each for each in documents]
    known = {each.name: each for each in predicates}
    return compile_set(sets.from_documents(written, predicates=known))


def event(kind: str, at_ms: int = T0, *, id: str = "m", person: str = "p", **fields: Any) -> Json:
    """Returns an event as an SDK sends it."""
    return {
        "messageId": id,
        "type": kind,
        "userId": person,
        "timestamp": iso(at_ms),
    } | fields


def track(
    name: str, at_ms: int = T0, *, id: str = "", person: str = "p", **properties: Any
) -> Json:
    """Returns a `track`; without an id, it gets one of its name and time."""
    message_id = id or f"{name}@{at_ms}"
    return event("track", at_ms, id=message_id, person=person, event=name, properties=properties)


def identify(at_ms: int = T0, *, id: str = "", person: str = "p", **traits: Any) -> Json:
    return event("identify", at_ms, id=id or f"traits@{at_ms}", person=person, traits=traits)


def account(at_ms: int = T0, *, id: str = "", person: str = "p", **traits: Any) -> Json:
    """Returns a `group` event, which tells of the person's account."""
    return event("group", at_ms, id=id or f"account@{at_ms}", person=person, traits=traits)


def joins(account: str, at_ms: int = T0, *, id: str = "", person: str = "p", **traits: Any) -> Json:
    """Returns a `group` event, by which a person belongs to an account."""
    told = id or f"joins@{at_ms}"
    return event("group", at_ms, id=told, person=person, groupId=account, traits=traits)


def of_people(quantifier: str, when: Document) -> Document:
    """Returns what is asked of any, all or none of the account's people."""
    return {"account": {quantifier: when}}


def command(**more: Any) -> Command:
    """Returns a webhook command for Ada."""
    given: Json = {
        "id": "c-1",
        "channel": "webhook",
        "profile_id": "ada",
        "definition_id": "welcome",
        "version": "v",
        "step": "0",
        "occurrence": "m",
        "at": T0,
    }
    return Command(**given | more)


def encoded(data: Json) -> bytes:
    return msgspec.json.encode(data)


def decoded(data: Json) -> Event:
    return codec.decode_event(encoded(data))


def keyed(data: Json) -> tuple[bytes, bytes]:
    """Returns key and value of an event's record."""
    return str(data["userId"]).encode(), encoded(data)


TAGGED: Document = step("tagged", tag("x"))
HELLO: Document = step("hello", SEND)
PAUSE: Document = wait("pause", for_="1h")
"""Steps of journeys."""


class Person:
    """One person under definitions, told one stimulus after the other."""

    def __init__(
        self,
        *documents: Document | str,
        id: str = "p",
        predicates: Iterable[Predicate | Model] = (),
    ) -> None:
        self.compiled = compiled(*documents, predicates=predicates)
        self.profile = Profile(id=id)
        self.seen = Seen(self.profile)
        self.adopted_ms = 0

    def hears(self, data: Json, *, timers_ms: int = 0, log_ms: int | None = None) -> Decision:
        heard = decoded(data)
        at_ms = events.time_ms(heard)
        log_s = (at_ms if log_ms is None else log_ms) // 1000
        arrival = Arrival(heard, at_ms, log_s, timers_ms, self.adopted_ms)
        decision = Decision()
        decide.on_event(self.compiled, self.profile, self.seen, arrival, decision)
        return decision

    def waits(self, until_ms: int) -> Decision:
        decision, due = Decision(), Due(until_ms, until_ms // 1000, self.adopted_ms)
        decide.on_timers(self.compiled, self.profile, self.seen, due, decision)
        return decision

    def gets(
        self,
        *documents: Document | str,
        adopted_ms: int = 0,
        predicates: Iterable[Predicate | Model] = (),
    ) -> Decision:
        """Brings the person under other definitions, before any timer is due."""
        assert adopted_ms < self.profile.due
        self.compiled = compiled(*documents, predicates=predicates)
        self.adopted_ms = adopted_ms
        clock = self.profile.clock
        decision, due = Decision(), Due(clock, clock // 1000, adopted_ms)
        decide.on_definitions(self.compiled, self.profile, self.seen, due, decision)
        return decision

    @property
    def segments(self) -> set[str]:
        return set(self.profile.segments)

    def score(self, id: str = "fit") -> float:
        scale, state = self.compiled.scales[id], self.profile.scores.get(id)
        return scale.empty if state is None else scale.told(state)

    def points(self, id: str = "fit") -> dict[str, int | float]:
        """Returns what the rules of a score hold."""
        names = self.compiled.scales[id].names
        return {names[each]: held for each, held in self.profile.scores[id].points.items()}


def moves(decision: Decision) -> list[tuple[str, str, int, str]]:
    """Returns who moved in or out: segment, change, ms since T0, cause."""
    return [
        (each.segment_id, each.change, each.at - T0, each.cause)
        for each in decision.segment_changes
    ]


def reasons(decision: Decision) -> list[tuple[str, str]]:
    """Returns which triggers were decided on, and how."""
    return [(each.definition_id, each.reason) for each in decision.decisions]


def runs(decision: Decision) -> list[tuple[str, str, str | None]]:
    """Returns what happened to runs: what, at which step, which way or why."""
    return [(each.what, each.step, each.choice) for each in decision.runs]


def entries(person: Person, *events: Document) -> list[str]:
    """Returns what was decided on the way into a journey at each event."""
    return [reason for each in events for _, reason in reasons(person.hears(each))]


def begun(*documents: Document, **properties: Any) -> Person:
    """Returns somebody who has just done `a`."""
    person = Person(*documents)
    person.hears(track("a", **properties))
    return person


class Recorder:
    """Takes what is written, topic by topic."""

    def __init__(self) -> None:
        self.records: list[tuple[str, str, msgspec.Struct | None]] = []

    def __call__(self, topic: str, key: str, value: msgspec.Struct | None) -> None:
        self.records.append((topic, key, value))

    def of(self, topic: str) -> list[tuple[str, Any]]:
        """Returns keys and values of a topic, in order."""
        return [(key, value) for name, key, value in self.records if name == topic]


class Partition:
    """One partition in memory, with what it has written."""

    def __init__(self, *documents: Document | str, policy: Policy | None = None) -> None:
        self.out = Recorder()
        self.driver = Driver(compiled(*documents), self.out, policy=policy)

    def feed(self, *data: Json, log_ms: int = 0) -> None:
        """Takes events as one batch."""
        self.driver.feed(map(keyed, data), log_ms)

    def each(self, data: Iterable[Json]) -> None:
        """Takes events one by one, each in its own batch."""
        for one in data:
            self.feed(one)
