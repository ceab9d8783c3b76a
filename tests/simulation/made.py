"""Made-up lives from a number: definitions and their edits, a log, and what befalls the worker.

Cheaper than hypothesis by far, so that a night tries hundreds of thousands of them.
"""

from random import Random
from typing import Any, NamedTuple

from processors.definitions.errors import InvalidDefinitions
from schemas.events import iso
from tests.builders import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    SEND,
    T0,
    Document,
    Json,
    cap,
    compiled,
    emit,
    event,
    on,
    points,
    policy,
    score,
    segment,
    set_trait,
    static_list,
    tag,
    trigger,
)

PEOPLE = ("p", "q", "r")
EVENTS = ("a", "b", "c")
JOURNEYS = ("j0", "j1", "j2")
STEPS = tuple(f"s{number}" for number in range(7))
DURATIONS = ("1s", "1m", "1h", "1d", "3d")
SPANS = (SECOND, MINUTE, HOUR, DAY, 3 * DAY)
GAPS = (0, 0, 1, *SPANS, *(each - 1 for each in SPANS), *(each + 1 for each in SPANS))
LATE = (0, 0, 0, 0, 0, 0, 1, SECOND, MINUTE, HOUR, DAY, 7 * DAY, 7 * DAY + 1)
FAULTS = ("", "", "", "", "unfinished", "uncommitted", "unapplied")
"""What goes wrong with a transaction: before its end, before its commit, right after it."""
TURNS = ("take", "take", "take", "fire", "settle")

Item = Json | bytes | int
"""An event or a clock record, what can not be read, or the edition that is taken up."""


class Turn(NamedTuple):
    """One transaction of the worker, or its death."""

    what: str
    size: int
    fault: str
    is_death: bool
    """Whether the worker dies of the fault, or goes on by itself."""


class Life(NamedTuple):
    """What happens in one run of the simulation."""

    editions: list[list[Document]]
    """The definitions, and each later state of them."""
    log: list[Item]
    turns: list[Turn]


def life(seed: int) -> Life:
    """Returns the life that a number stands for."""
    chance = Random(seed)
    editions = [[*CONTEXT, *_journeys(chance)]]
    for _ in range(chance.choice((0, 1, 1, 2, 3))):
        editions.append(_edited(chance, editions[-1]))
    log = _log(chance)
    for number in range(1, len(editions)):
        log.insert(chance.randint(0, len(log)), number)
    numbers = iter(range(1, len(editions)))
    log = [next(numbers) if isinstance(each, int) else each for each in log]
    turns = [_turn(chance) for _ in range(chance.randint(5, 40))]
    found = Life(editions, log, turns)
    return _gated(chance, found) if chance.random() < 0.5 else found


def _gated(chance: Random, one: Life) -> Life:
    """Returns a life with policies, which each edition may change, and with what people say."""
    editions = [[*documents, *_policies(chance)] for documents in one.editions]
    log = [_said(chance, each) if isinstance(each, dict) else each for each in one.log]
    return Life(editions, log, one.turns)


def _policies(chance: Random) -> list[Document]:
    found = []
    for id in ("x", "y")[: chance.randint(0, 2)]:
        rules = [each for each in RULES if chance.random() < 0.4] or [RULES[0]]
        said: Document = {key: value for rule in rules for key, value in rule.items()}
        if id == "y":
            said.pop("arbitration", None)
        found.append(policy(id, **said | {"consent": "implied"}))
    return found


RULES: tuple[Document, ...] = (
    {"caps": [cap(1, "1h", over="defer"), cap(2, "3d", "most")]},
    {"quiet_hours": {"from": "21:00", "to": "08:00"}},
    {"arbitration": {"wait": "1h", "others": "defer"}},
    {"sunset": {"after": "3d"}, "channels": ["email"]},
    {"expires": "1d"},
)
SAID: tuple[tuple[str, Document], ...] = (
    ("consent.granted", {"channel": "email"}),
    ("consent.denied", {"channel": "email"}),
    ("suppression.added", {"reason": "unsubscribe"}),
    ("suppression.removed", {}),
    ("email.bounced", {"kind": "soft"}),
    ("email.opened", {}),
)


def _said(chance: Random, item: Json) -> Json:
    if item["type"] != "track" or chance.random() < 0.75:
        return item
    name, properties = chance.choice(SAID)
    return item | {"event": name, "properties": properties}


CONTEXT: list[Document] = [
    static_list("l"),
    segment({"event": "a", "within": "1d", "at_least": 2}),
    score(on("b", 5, within="1d")),
    trigger({"segment": "s", "change": "entered"}, {"start_journey": "j0"}, id="t0"),
    trigger("d", SEND, id="t1", limit={"times": 2, "within": "3d"}),
    trigger({"inactive": "3d"}, {"start_journey": "j1"}, id="t2"),
]
CONDITIONS: tuple[Document, ...] = (
    {"segment": "s"},
    {"tag": "x"},
    {"trait": "plan", "equals": 1},
    {"event": "b", "within": "1d"},
    {"score": "fit", "at_least": 5},
    {"property": "n", "at_least": 2},
    {"bucket": {"salt": "s", "from": 0, "to": 50}},
)
ACTIONS: tuple[Document, ...] = (
    SEND,
    SEND,
    tag("x"),
    {"remove_tag": "x"},
    set_trait("plan", 1),
    set_trait("due", "2026-01-20"),
    emit("d", n=1),
    {"add_to_list": "l"},
    {"set_status": "won"},
    points(5),
)


def _journeys(chance: Random) -> list[Document]:
    while True:
        found = [_journey(chance, id) for id in JOURNEYS]
        if _fits([*CONTEXT, *found]):
            return found


def _fits(documents: list[Document]) -> bool:
    try:
        compiled(*documents)
    except InvalidDefinitions:
        return False
    return True


def _journey(chance: Random, id: str) -> Document:
    while True:
        found = _drawn(chance, id)
        others = [_STUB | {"id": each} for each in JOURNEYS if each != id]
        if _fits([*CONTEXT, *others, found]):
            return found


_STUB: Document = {"kind": "journey", "entry": {"manual": True}, "steps": [{"id": "s"} | tag("x")]}


def _drawn(chance: Random, id: str) -> Document:
    entry: Document = {"event": chance.choice(EVENTS)}
    if chance.random() < 0.15:
        entry = {"segment": "s", "change": chance.choice(("entered", "exited"))}
    found: Document = {"kind": "journey", "id": id, "entry": entry}
    if "event" in entry and chance.random() < 0.4:
        found["per"] = chance.choice(("n", "messageId"))
    found["re_entry"] = chance.choice(("never", "always", "always", "after 1d"))
    for key, value in (
        ("exit", [_awaited(chance)]),
        ("goal", {"event": "c"} | chance.choice(({}, {"within": "3d"}, {"same": "n"}))),
        ("targeting", chance.choice(CONDITIONS[:5])),
        ("priority", chance.randint(0, 9)),
    ):
        if chance.random() < 0.25:
            found[key] = value
    names = chance.sample(STEPS, chance.randint(1, 5))
    found["steps"] = [{"id": name} | _does(chance, name, names, id) for name in names]
    return found


def _awaited(chance: Random) -> Document:
    if chance.random() < 0.5:
        return {"event": chance.choice((*EVENTS, "d"))} | chance.choice(({}, {}, {"same": "n"}))
    return chance.choice(CONDITIONS[:5])


def _does(chance: Random, name: str, names: list[str], journey: str) -> Document:
    draw = chance.random()
    if draw < 0.45:
        found: Document = {"wait": _wait(chance, names)}
    elif draw < 0.75:
        found = dict(chance.choice(ACTIONS))
    elif draw < 0.85:
        cases = [{"when": chance.choice(CONDITIONS), "go": chance.choice(names)}]
        found = {"branch": {"cases": cases}}
    elif draw < 0.9:
        found = {"split": {"variants": {"a": 50, "b": 50}, "go": {"b": chance.choice(names)}}}
    elif draw < 0.96:
        other = chance.choice([each for each in JOURNEYS if each != journey])
        found = {"start_journey": {"journey": other, "wait": chance.random() < 0.5}}
    elif draw < 0.98:
        found = {"stop_journey": chance.choice(JOURNEYS)}
    else:
        return {"exit": "enough"}
    if chance.random() < 0.1:
        found["go"] = chance.choice(names)
    return found


def _wait(chance: Random, names: list[str]) -> Document:
    lasting = chance.choice(DURATIONS)
    draw = chance.random()
    if draw < 0.35:
        return {"for": lasting}
    if draw < 0.45:
        clock: Document = {"at": "09:00", "timezone": "profile"}
        return clock | chance.choice(({}, {"for": lasting}, {"days": ["mon", "fri"]}))
    if draw < 0.85:
        found: Document = {"until": _awaited(chance)}
        if chance.random() < 0.8:
            found["timeout"] = lasting
            found |= chance.choice(({}, {"else": chance.choice(names)}, {"from": "entry"}))
        return found
    found = {"date": "due", "offset": chance.choice(("-1d", "2h"))}
    return found | {"missing": chance.choice(("skip", "exit", "hold"))}


def _edited(chance: Random, before: list[Document]) -> list[Document]:
    """Returns definitions in which journeys have changed, with the versions that may go on."""
    kept = [each for each in before if "older" in each]
    found, older = list(CONTEXT), list(kept)
    for old in before:
        if old.get("kind") != "journey":
            continue
        new = dict(old)
        draw = chance.random()
        if draw < 0.5:
            new = _journey(chance, old["id"])
            older.append({"older": old})
        elif draw < 0.6 and old["id"] == "j2":
            continue
        new["status"] = chance.choice(("active", "active", "paused", "draining", "archived"))
        new["overdue"] = chance.choice(("run", "skip"))
        new["live_edit"] = chance.choice(("pin", "follow"))
        found.append(new)
    documents = [*older, *found]
    return documents if _fits(documents) else before


def _log(chance: Random) -> list[Item]:
    """Returns what comes: late, twice, unreadable, and clock records between."""
    log: list[Item] = []
    now = T0
    for number in range(chance.randint(5, 40)):
        now += chance.choice(GAPS)
        person = chance.choice(PEOPLE)
        at_ms = now - chance.choice(LATE)
        log.append(_event(chance, person, at_ms, f"m{number}"))
        draw = chance.random()
        if draw < 0.1:
            log.append(log[-1])
        elif draw < 0.13:
            log.append(b"{")
        elif draw < 0.2:
            now += chance.choice(GAPS)
            log.append({"type": "clock", "timestamp": iso(now)})
    return log


def _event(chance: Random, person: str, at_ms: int, id: str) -> Json:
    if chance.random() < 0.12:
        traits: dict[str, Any] = chance.choice(
            ({"due": "2026-01-08"}, {"due": None}, {"plan": 1}, {"timezone": "America/New_York"})
        )
        return event("identify", at_ms, id=id, person=person, traits=traits)
    properties = {} if chance.random() < 0.2 else {"n": chance.randint(1, 3)}
    name = chance.choice((*EVENTS, "d"))
    return event("track", at_ms, id=id, person=person, event=name, properties=properties)


def _turn(chance: Random) -> Turn:
    size = chance.choice((1, 1, 2, 3, 10))
    return Turn(chance.choice(TURNS), size, chance.choice(FAULTS), chance.random() < 0.5)
