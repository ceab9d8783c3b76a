"""Made-up journeys, in the vocabulary of `worlds`, and logs of those who travel.

Ways lead forward, but for those of waits: so no round is without a wait. What nothing leads to is
taken out.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

from tests.builders import Document, Json
from tests.logs import histories
from tests.worlds import (
    DAYS,
    EVENTS,
    GAPS,
    LISTS,
    MARKS,
    NOTHING,
    STATIC,
    STATUSES,
    TAGS,
    ZONES,
    Documents,
    about_events,
    about_facts,
    dates,
    durations,
    once,
    one,
    sequences,
    stimuli,
    within_some,
)

SEND: Document = {"send": {"channel": "email", "template": "hello"}}
SEGMENTS = ("s1", "s2")
NUMBERS = (1, 2, "x")
CLOCKS = ("09:00", "02:30", "00:00", "01:30")
WEEKDAYS = ("mon", "wed", "sat", "sun")

wheres: Documents = st.sampled_from(
    [{}, {}, {}, {"where": [{"property": "n", "equals": 1}]}, {"where": []}]
)
sames: Documents = st.sampled_from([{}, {}, {}, {}, {"same": "n"}, {"same": {"n": "w0.n"}}])
arrivals: Documents = st.builds(
    lambda name, where, same: {"event": name} | where | same,
    st.sampled_from(EVENTS),
    wheres,
    sames,
)
about_runs: Documents = st.builds(
    lambda path, asked: {"property": path} | asked,
    st.sampled_from(["n", "w0.n", "w1.n"]),
    st.sampled_from([{"equals": 1}, {"at_least": 2}, {"is_set": True}, {"not_equals": "x"}]),
)
about_segments: Documents = st.builds(
    lambda id, more: {"segment": id} | more,
    st.sampled_from(SEGMENTS),
    st.one_of(NOTHING, st.just({"is": "out"}), one(**{"for": durations})),
)


@once
def conditions() -> Documents:
    """Draws what is asked of a person and of what a run knows."""
    plain = about_events().filter(lambda each: bool(each.keys() - {"event", "where"}))
    leaves = [plain, plain, about_segments, about_facts, about_runs, sequences()]
    return st.recursive(
        st.one_of(leaves),
        lambda inner: st.one_of(
            st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=2)),
            st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=2)),
            st.builds(lambda part: {"not": part}, inner),
        ),
        max_leaves=3,
    )


times: Documents = st.builds(
    lambda at, zone: at | zone,
    st.one_of(
        one(at=st.sampled_from(CLOCKS)),
        st.just({"at": {"trait": "hour", "else": "09:15"}}),
        one(days=st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=2, unique=True)),
        st.builds(
            lambda at, day: {"at": at, "days": [day]},
            st.sampled_from(CLOCKS),
            st.sampled_from(WEEKDAYS),
        ),
    ),
    st.one_of(NOTHING, one(timezone=st.sampled_from(["profile", *ZONES]))),
)
of_time: Documents = st.one_of(
    one(**{"for": durations}),
    one(**{"for": durations}),
    times,
    st.builds(lambda width, time: width | time, one(**{"for": durations}), times),
)


@once
def appointments() -> Documents:
    """Draws waits for a day, without where they lead."""
    return st.builds(
        lambda offset, at, zone, missing: {"date": "due"} | offset | at | zone | missing,
        st.one_of(NOTHING, one(offset=st.sampled_from(["-7d", "1d", "-2h", "36h"]))),
        st.one_of(NOTHING, one(at=st.sampled_from(CLOCKS))),
        st.one_of(NOTHING, one(timezone=st.sampled_from(["profile", *ZONES]))),
        st.one_of(NOTHING, one(missing=st.sampled_from(["skip", "exit", "hold"]))),
    )


@st.composite
def awaited(draw: st.DrawFn) -> Document:
    found: Document = draw(arrivals if draw(st.integers(0, 2)) else conditions())
    return found


@st.composite
def waits(draw: st.DrawFn, ahead: Sequence[str], behind: Sequence[str]) -> Document:
    """Draws a wait that may lead anywhere, also back."""
    targets = [*ahead, *ahead, *behind]
    way: Documents = one(to=st.sampled_from(targets)) if targets else NOTHING
    to = draw(st.one_of(NOTHING, way)).get("to")
    kind = draw(st.sampled_from(["time", "until", "until", "until", "until", "date", "call"]))
    if kind == "call":
        call = {"url": "https://example.com/hook", "timeout": draw(durations)}
        return {"webhook": call | ({"else": to} if to in ahead else {})}
    if kind == "time":
        found: Document = {"wait": draw(of_time)}
        return found if to is None else found | {"go": to}
    if kind == "date":
        found = draw(appointments())
        return {"wait": found if to is None else found | {"past": to}}
    found = {"until": draw(awaited())}
    if draw(st.integers(0, 3)):
        found["timeout"] = draw(durations)
        if draw(st.booleans()):
            found["from"] = "entry"
        if to is not None:
            found["else"] = to
    step: Document = {"wait": found}
    back = draw(st.one_of(NOTHING, NOTHING, way)).get("to")
    return step if back is None else step | {"go": back}


doings: Documents = st.one_of(
    st.just(SEND),
    st.just(SEND),
    one(
        add_tag=st.sampled_from(TAGS),
        remove_tag=st.sampled_from(TAGS),
        add_to_list=st.sampled_from(LISTS),
        set_status=st.sampled_from(STATUSES),
        set_trait=st.one_of(
            st.builds(lambda day: {"trait": "due", "value": day}, st.sampled_from(DAYS)),
            st.builds(
                lambda hour: {"trait": "hour", "value": hour},
                st.sampled_from([0, 7, 23, 24, "17:45", "25:00", True]),
            ),
            st.just({"trait": "hour", "from": {"property": "n"}}),
        ),
        webhook=st.sampled_from(
            [
                {"url": "https://example.com/hook"},
                {"url": "https://example.com/hook", "body": {"n": "{{ run.n }}"}},
            ]
        ),
    ),
)
tellings: Documents = one(
    emit=st.builds(
        lambda name, n: {"event": name, "properties": {"n": n}},
        st.sampled_from(EVENTS),
        st.sampled_from(NUMBERS),
    )
)


@st.composite
def ways(draw: st.DrawFn, ahead: Sequence[str]) -> Document:
    """Draws a branch or a split that leads forward."""
    to = st.sampled_from(ahead)
    if draw(st.booleans()):
        variants = draw(st.sampled_from([{"a": 50, "b": 50}, {"b": 30, "a": 60, "c": 10}]))
        go = {name: draw(to) for name in variants if draw(st.booleans())}
        salt = draw(st.sampled_from([{}, {"salt": "s"}]))
        return {"split": {"variants": variants, "go": go} | salt}
    cases = [{"when": draw(conditions()), "go": draw(to)} for _ in range(draw(st.integers(1, 2)))]
    otherwise: Document = {"else": draw(to)} if draw(st.booleans()) else {}
    return {"branch": {"cases": cases} | otherwise}


@st.composite
def others(draw: st.DrawFn, journeys: Sequence[str]) -> Document:
    """Draws what a step does to another journey."""
    name = draw(st.sampled_from(journeys))
    if draw(st.integers(0, 2)) == 0:
        return {"stop_journey": name}
    return {"start_journey": {"journey": name, "wait": True} if draw(st.booleans()) else name}


@st.composite
def steps(draw: st.DrawFn, journeys: Sequence[str]) -> list[Document]:
    """Draws steps that fit together; w0, w1 … are waits.

    What goes back tells nothing: a hundred rounds in one instant would tell a hundred events, each
    of which may begin the next hundred.
    """
    goes_back = draw(st.booleans())
    number = draw(st.integers(2, 7))
    kinds = draw(st.lists(st.sampled_from("wwwwwddddbbboog"), min_size=number, max_size=number))
    names = [f"{kind}{place}" for place, kind in enumerate(kinds)]
    waiting = [place for place, kind in enumerate(kinds) if kind == "w"]
    for number, place in enumerate(waiting):
        names[place] = f"w{number}"
    found: list[Document] = []
    for place, (kind, name) in enumerate(zip(kinds, names, strict=True)):
        ahead = names[place + 1 :]
        if kind == "w":
            does = draw(waits(ahead, names[: place + 1] if goes_back else []))
        elif kind == "o":
            does = draw(others(journeys))
        elif kind == "b" and ahead:
            does = draw(ways(ahead))
        elif kind == "g" and ahead:
            does = {"go": draw(st.sampled_from(ahead))}
        elif kind == "g":
            does = {"exit": draw(st.sampled_from(["here", "there"]))}
        elif goes_back:
            does = draw(doings)
        else:
            does = draw(st.one_of(doings, tellings))
        if kind == "d" and not draw(st.integers(0, 3)):
            does = does | {"when": draw(conditions())}
        found.append({"id": name} | does)
    return reached(found)


def reached(found: list[Document]) -> list[Document]:
    """Returns the steps to which something leads."""
    places = {each["id"]: place for place, each in enumerate(found)}
    known: set[int] = set()
    waiting = [0]
    while waiting:
        place = waiting.pop()
        if place in known or place == len(found):
            continue
        known.add(place)
        waiting += [places[name] for name in named(found[place])]
        if goes_on(found[place]):
            waiting.append(place + 1)
    return [each for place, each in enumerate(found) if place in known]


WAYS = ("wait", "branch", "webhook")
"""Steps that name others within."""


def named(step: Document) -> Iterator[str]:
    """Yields the steps that a step leads to by name."""
    inner: Document = next((step[key] for key in WAYS if key in step), {})
    yield from (inner[key] for key in ("else", "past") if key in inner)
    yield from (case["go"] for case in inner.get("cases", ()))
    yield from step.get("split", {}).get("go", {}).values()
    if "go" in step:
        yield step["go"]


def goes_on(step: Document) -> bool:
    if "split" in step:
        return len(step["split"]["go"]) < len(step["split"]["variants"])
    return not ("go" in step or "exit" in step or "else" in step.get("branch", {}))


heard: Documents = st.builds(
    lambda name, where: {"event": name} | where, st.sampled_from(["a", "a", "b"]), wheres
)
turned: Documents = st.one_of(
    MARKS, stimuli(SEGMENTS, ()).filter(lambda on: not on.keys() & {"schedule", "manual", "event"})
)
goals: Documents = st.builds(
    lambda name, where, same, width: {"event": name} | where | same | width,
    st.sampled_from(EVENTS),
    wheres,
    st.sampled_from([{}, {"same": "n"}]),
    within_some,
)


@st.composite
def journeys(draw: st.DrawFn, id: str, known: Sequence[str]) -> Document:
    """Draws a journey that may begin and stop those known."""
    entry = draw(turned if draw(st.integers(0, 4)) == 0 else heard)
    found: Document = {"kind": "journey", "id": id, "name": id, "entry": entry}
    if draw(st.integers(0, 3)) == 0:
        found["entry"] = entry | {"when": draw(conditions())}
    if "event" in entry and draw(st.booleans()):
        found["per"] = draw(st.sampled_from(["n", "n", "messageId"]))
    more = {
        "re_entry": st.one_of(
            st.sampled_from(["never", "always", "always"]), durations.map("after {}".format)
        ),
        "limit": st.builds(
            lambda times, width: {"times": times} | width, st.integers(1, 3), within_some
        ),
        "targeting": conditions(),
        "exit": st.lists(awaited(), min_size=1, max_size=2),
        "goal": goals,
        "priority": st.sampled_from([0, 9]),
    }
    often = {"re_entry": 3, "goal": 1, "exit": 1}
    for key, choices in more.items():
        if draw(st.integers(0, 3)) <= often.get(key, 0):
            found[key] = draw(choices)
    return found | {"steps": draw(steps(known))}


@once
@st.composite
def definitions(draw: st.DrawFn) -> list[Document]:
    """Draws two segments, one to three journeys that know each other, and up to two triggers."""
    names = ["j0", "j1", "j2"][: draw(st.integers(1, 3))]
    whens = [draw(about_events()), draw(st.one_of(about_events(), about_facts))]
    found = [
        {"kind": "segment", "id": id, "name": id, "when": when}
        for id, when in zip(SEGMENTS, whens, strict=True)
    ]
    found += [
        draw(journeys(name, [*names[place + 1 :], *names])) for place, name in enumerate(names)
    ]
    for number in range(draw(st.integers(0, 2))):
        do = draw(st.one_of(doings, others(names).map(plain)))
        on = {"event": draw(st.sampled_from(EVENTS))}
        found.append({"kind": "trigger", "id": f"t{number}", "on": on, "do": [do]})
    return [*STATIC, *found]


def plain(action: Document) -> Document:
    """Returns an action as triggers have it: they wait for nothing."""
    started = action.get("start_journey")
    return {"start_journey": started["journey"]} if isinstance(started, dict) else action


contents = st.one_of(
    st.builds(
        lambda name, number: ("track", {"event": name, "properties": number}),
        st.sampled_from(EVENTS),
        st.one_of(NOTHING, *[one(n=st.sampled_from(NUMBERS))] * 4),
    ),
    st.builds(
        lambda name, number: ("track", {"event": name, "properties": {"n": number}}),
        st.sampled_from(EVENTS),
        st.sampled_from(NUMBERS),
    ),
    st.builds(
        lambda traits: ("identify", {"traits": traits}),
        st.one_of(
            one(due=st.sampled_from([*DAYS, None])),
            one(timezone=st.sampled_from(ZONES)),
            one(born=dates),
        ),
    ),
)
LATE = (0,) * 12 + GAPS[:7]
"""Most come in time."""
OFTEN = (*GAPS[:6], *GAPS[:6], *GAPS)
"""Shorter than most waits."""
told = st.tuples(
    st.sampled_from(OFTEN), st.sampled_from(["p", "p", "p", "q"]), contents, st.sampled_from(LATE)
)


@once
@st.composite
def travels(draw: st.DrawFn) -> list[Json]:
    """Draws a log in which much happens."""
    number = draw(st.integers(6, 18))
    found: list[Json] = draw(histories(told, least=number, most=number))
    return found


def any_of(rows: Sequence[dict[str, Any]]) -> set[str]:
    """Returns what happened to runs: for the notes of a test."""
    return {f"{row['what']}: {row['choice']}" for row in rows}
