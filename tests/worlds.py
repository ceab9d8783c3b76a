"""Made-up definitions over a small vocabulary, for properties; `logs` has what happens there."""

from collections.abc import Callable, Sequence
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar

from hypothesis import strategies as st

from schemas.events import iso
from tests.builders import DAY, HOUR, MINUTE, SECOND, T0, Document

Documents = st.SearchStrategy[Document]
P = ParamSpec("P")
T = TypeVar("T")

EVENTS = ("a", "b", "c")
DURATIONS = ("1s", "1m", "1h", "1d", "3d", "7d")
VALUES: tuple[Any, ...] = (
    1,
    2,
    1.0,
    True,
    "1",
    "x",
    "",
    None,
    [],
    [1, "x"],
    {"deep": 1},
    {"deep": True},
)
SCALARS: tuple[Any, ...] = (1, 1.5, 2, True, False, "1", "x")
GAPS = (0, 1, 999, SECOND, MINUTE - 1, MINUTE, HOUR, DAY - 1, DAY, DAY + 1, 3 * DAY)
DATES = tuple(iso(T0 + at) for at in (-DAY, 0, SECOND, HOUR, DAY, 7 * DAY, 30 * DAY))
TAGS, LISTS, STATUSES = ("t1", "t2"), ("l1", "l2"), ("lead", "customer")
LEVELS = {"hot": 20, "warm": 10, "cold": 0}

NOTHING: Documents = st.just({})
durations = st.sampled_from(DURATIONS)
dates = st.sampled_from(DATES)
numbers = st.sampled_from([0, 1, 1.0, 1.5, 2, 10])


def once(make: Callable[P, T]) -> Callable[P, T]:
    """Makes one strategy for the same arguments, of which lists name ids, in whatever order.

    Hypothesis looks at a new strategy from all sides before it draws from it: that may take longer
    than all the rest.
    """
    made: Callable[..., T] = cache(make)

    @wraps(make)
    def found(*arguments: P.args, **named: P.kwargs) -> T:
        fixed = [tuple(sorted(each)) if isinstance(each, list) else each for each in arguments]
        return made(*fixed, **named)

    return found


@once
def one(**choices: st.SearchStrategy[Any]) -> Documents:
    """Draws a document with one of the keys."""
    return st.one_of([st.fixed_dictionaries({key: of}) for key, of in choices.items()])


TIMELESS = {
    "equals": st.sampled_from(SCALARS),
    "contains": st.sampled_from(SCALARS),
    "in": st.lists(st.sampled_from(SCALARS), min_size=1, max_size=2),
    "starts_with": st.just("x"),
    "ends_with": st.just("1"),
    "matches": st.sampled_from(["^x$", "[0-9]"]),
    "like": st.sampled_from(["x%", "_", "%1"]),
    "is_empty": st.just(True),
    "is_set": st.just(True),
    "is_not_set": st.just(True),
    "greater_than": numbers,
    "less_than": numbers,
    "at_least": numbers,
    "at_most": numbers,
    "between": st.just([1, 2]),
    "before": dates,
    "after": dates,
}
NEGATIVE = {f"not_{key}": TIMELESS[key] for key in ("equals", "contains", "in")}
NEGATIVE["is_not_empty"] = st.just(True)
TEMPORAL = {"within_last": durations, "within_next": durations, "older_than": durations}

comparisons = st.one_of(
    one(**TIMELESS),
    st.builds(
        lambda operator, missing: operator | missing,
        one(**NEGATIVE),
        st.sampled_from([{}, {"missing": False}, {"missing": True}]),
    ),
    one(**TEMPORAL),
)
about_property = st.builds(
    lambda path, comparison: {"property": path} | comparison,
    st.sampled_from(["n", "n.deep", "d"]),
    comparisons,
)
wheres: Documents = st.one_of(
    NOTHING, st.builds(lambda w: {"where": w}, st.lists(about_property, max_size=2))
)
counts: Documents = st.one_of(
    NOTHING,
    one(at_least=st.integers(1, 3), at_most=st.integers(0, 2), exactly=st.integers(0, 2)),
)
within_some: Documents = st.one_of(NOTHING, one(within=durations))
spans: Documents = st.one_of(
    NOTHING, one(within=durations), one(within=durations), one(since=dates)
)


@once
@st.composite
def about_events(draw: st.DrawFn) -> Document:
    named: Document = {"event": draw(st.sampled_from(EVENTS))}
    return named | draw(wheres) | draw(counts) | draw(spans)


asked_of_numbers = one(
    equals=numbers,
    not_equals=numbers,
    greater_than=numbers,
    less_than=numbers,
    at_least=numbers,
    at_most=numbers,
    between=st.just([1, 2.5]),
    not_in=st.just([0, 1.5, 2]),
)
aggregates: Documents = st.builds(
    lambda name, asked: {name: {"property": "n"} | asked},
    st.sampled_from(["sum", "average", "min", "max", "distinct"]),
    asked_of_numbers,
)


@once
@st.composite
def about_amounts(draw: st.DrawFn) -> Document:
    named: Document = {"event": draw(st.sampled_from(EVENTS))}
    return named | draw(wheres) | draw(aggregates) | draw(spans)


same: Documents = st.one_of(NOTHING, NOTHING, st.just({"same": "n"}))


@once
@st.composite
def sequences(draw: st.DrawFn) -> Document:
    """Draws what came in which order; what must stay away may stand at each place but the first."""
    steps: list[Document] = [{"event": draw(st.sampled_from(EVENTS))} | draw(wheres)]
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(EVENTS))
        if draw(st.integers(0, 2)):
            steps.append({"event": name} | draw(wheres) | draw(within_some))
        else:
            steps.append({"not_event": name} | draw(wheres))
    for step in reversed(steps):
        if "event" in step:
            break
        step |= draw(within_some)
    found: Document = {"sequence": steps}
    return found | draw(same) | draw(within_some)


about_facts = st.one_of(
    st.builds(
        lambda path, comparison: {"trait": path} | comparison,
        st.sampled_from(["plan", "plan.deep", "born"]),
        comparisons,
    ),
    st.builds(lambda comparison: {"trait": "born"} | comparison, one(**TEMPORAL)),
    st.builds(lambda comparison: {"account": "tier"} | comparison, comparisons),
    one(tag=st.sampled_from(TAGS), list=st.sampled_from(LISTS), status=st.sampled_from(STATUSES)),
    st.builds(
        lambda edge: {"bucket": {"salt": "s", "from": edge, "to": edge + 40}},
        st.sampled_from([0, 30, 60]),
    ),
)


def about_others(segments: Sequence[str], scores: Sequence[str]) -> list[st.SearchStrategy[Any]]:
    """Returns what conditions may ask of the segments and scores that come before."""
    found: list[st.SearchStrategy[Any]] = []
    if segments:
        of_segments = st.sampled_from(segments)
        found.append(st.builds(lambda id, way: {"segment": id} | way, of_segments, WAYS))
        found.append(
            st.builds(lambda id, width: {"segment": id, "for": width}, of_segments, durations)
        )
    for id in scores:
        asked = asked_of_combined if is_combined(id) else asked_of_score
        found.append(st.builds(lambda id, asked: {"score": id} | asked, st.just(id), asked))
    return found


def is_combined(id: str) -> bool:
    """Returns whether this is the name of a score that combines two others."""
    return id.startswith("c")


WAYS = st.sampled_from([{}, {"is": "in"}, {"is": "out"}])
ASKED: dict[str, st.SearchStrategy[Any]] = {
    "at_least": st.sampled_from([5, 10, 2.5]),
    "less_than": st.sampled_from([5, 10]),
    "greater_than": st.just(2.5),
    "at_most": st.sampled_from([0, 4.2]),
    "equals": st.just(10.0),
    "not_in": st.just([0, 10]),
    "between": st.just([1, 10]),
    "level": st.sampled_from(list(LEVELS)),
}
asked_of_score = one(**ASKED, grade=st.sampled_from(["A", "B"]))
asked_of_combined = one(**ASKED, grade=st.sampled_from(["A1", "B1", "B2"]))


@once
def conditions(
    segments: Sequence[str] = (), scores: Sequence[str] = (), *, of_trigger: bool = False
) -> Documents:
    """Draws a condition over the vocabulary, and the segments and scores named."""
    leaves = [
        about_events(),
        about_amounts(),
        sequences(),
        about_facts,
        *about_others(segments, scores),
    ]
    if of_trigger:
        leaves.append(about_property)
    return st.recursive(
        st.one_of(leaves),
        lambda inner: st.one_of(
            st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
            st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
            st.builds(lambda part: {"not": part}, inner),
        ),
        max_leaves=4,
    )


decays = st.one_of(
    one(half_life=durations),
    one(half_life=durations),
    st.builds(
        lambda per, percent: {"per": per, "percent": percent},
        durations,
        st.sampled_from([20, 50, 100]),
    ),
)


counted: Documents = st.one_of(NOTHING, one(decay=decays, per=st.just("n")))
at_most_some: Documents = st.one_of(NOTHING, one(max_occurrences=st.integers(1, 2)))
amounts: Documents = st.builds(
    lambda amount: {"for_each": {"property": "n", "amount": amount}},
    st.sampled_from([1, 0.1, 4, 2.5]),
)


@once
@st.composite
def rules(draw: st.DrawFn, id: str, segments: Sequence[str], scores: Sequence[str]) -> Document:
    points = draw(st.sampled_from([-10, -1, 1, 5, 10]))
    if draw(st.booleans()):
        return {"id": id, "points": points, "when": draw(conditions(segments, scores))}
    found = {"event": draw(st.sampled_from(EVENTS))} | draw(wheres)
    rule: Document = {"id": id, "points": points, "on": found}
    if not draw(st.integers(0, 4)):
        return rule | draw(within_some) | draw(amounts)
    return rule | draw(within_some) | draw(at_most_some) | draw(counted)


@once
def advised(of_segments: Sequence[str], of_scores: Sequence[str]) -> Documents:
    """Draws what a score recommends, to some or to none."""
    asking = st.builds(
        lambda when, more: {"text": "ask", "when": when} | more,
        conditions(of_segments, of_scores),
        st.one_of(NOTHING, st.just({"level": "warm"})),
    )
    by_level = st.builds(lambda level: {"text": level, "level": level}, st.sampled_from([*LEVELS]))
    some = st.lists(st.one_of(asking, by_level), min_size=1, max_size=2)
    return st.one_of(NOTHING, NOTHING, one(recommendations=some))


bounds: Documents = st.sampled_from([{}, {"limit": 10}, {"limit": 5, "floor": 0}, {"floor": -5}])


@once
@st.composite
def scores(
    draw: st.DrawFn, id: str, known_segments: Sequence[str], known_scores: Sequence[str]
) -> Document:
    groups = [
        {
            "id": f"g{place}",
            "rules": [
                draw(rules(f"r{place}{n}", known_segments, known_scores))
                for n in range(draw(st.integers(1, 2)))
            ],
        }
        | draw(bounds)
        for place in range(draw(st.integers(1, 2)))
    ]
    kept: Document = draw(
        st.sampled_from([{}, {"limit": 20}, {"floor": None}, {"floor": 5, "limit": 15}])
    )
    named = {"levels": LEVELS, "grades": {"A": 10, "B": 0}}
    advice = draw(advised(known_segments, known_scores))
    return {"kind": "score", "id": id, "name": id, "groups": groups} | kept | named | advice


matrices: Documents = st.sampled_from(
    [
        {"matrix": {"rows": {"A": 10, "B": 0}, "columns": {"1": 5, "2": 1}}},
        {"matrix": {"rows": {"A": 3, "B": -5}, "columns": {"1": 15, "2": 2}}},
    ]
)


@once
@st.composite
def combined(draw: st.DrawFn, id: str, known_scores: Sequence[str]) -> Document:
    of = draw(st.permutations(known_scores))[:2]
    document = {"kind": "score", "id": id, "name": id, "combined": {"of": of} | draw(matrices)}
    return document | {"levels": LEVELS}


@once
@st.composite
def states(draw: st.DrawFn) -> list[Document]:
    """Draws segments and scores that ask each other, in no cycle, whatever their names' order."""
    names = draw(st.permutations(["s1", "s2", "s3", "k1", "k2", "c1"]))
    found: list[Document] = []
    of_segments: list[str] = []
    of_scores: list[str] = []
    for id in names[: draw(st.integers(2, 6))]:
        if is_combined(id):
            if len(of_scores) > 1:
                found.append(draw(combined(id, of_scores)))
                of_scores.append(id)
        elif id.startswith("s"):
            when = draw(conditions(of_segments, of_scores))
            found.append({"kind": "segment", "id": id, "name": id, "when": when})
            of_segments.append(id)
        else:
            found.append(draw(scores(id, of_segments, of_scores)))
            of_scores.append(id)
    return found


def without_for(part: Any) -> Any:
    """Returns documents that do not ask for how long somebody has been a member."""
    if isinstance(part, list):
        return [without_for(inner) for inner in part]
    if isinstance(part, dict):
        return {key: without_for(inner) for key, inner in part.items() if key != "for"}
    return part


states_of_any_past: st.SearchStrategy[list[Document]] = states().map(without_for)
"""Those that hang on what happened only, not on when the engine came to know of it."""


def ids(documents: Sequence[Document], kind: str) -> list[str]:
    return [each["id"] for each in documents if each["kind"] == kind]


@once
@st.composite
def appointments(draw: st.DrawFn) -> Document:
    """Draws dates of people, with offsets, local times and zones."""
    found: Document = {"date": draw(st.sampled_from(["born", "due", "due.deep"]))}
    for key, choices in (
        ("offset", ("-90d", "-7d", "1d", "+30d", "-2h", "36h")),
        ("at", ("09:00", "02:30", "00:00")),
        ("timezone", ("profile", *ZONES)),
        ("yearly", (True, False)),
    ):
        if draw(st.booleans()):
            found[key] = draw(st.sampled_from(choices))
    return found


ZONES = ("UTC", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca")
CRONS = ("0 9 * * *", "30 2 * * *", "15,45 1 * * SUN", "*/30 0-3 8,15 * 0-2", "0 0 31 1-4/2 *")
DAYS = ("2026-03-08", "2026-01-08", "2024-02-29", "2026-02-30", "1980-03-08", *DATES)


@once
def timed(of_segments: Sequence[str], of_scores: Sequence[str]) -> Documents:
    """Draws stimuli that are instants."""
    return st.one_of(
        st.builds(
            lambda width, named: {"inactive": width} | named,
            durations,
            st.one_of(
                NOTHING,
                st.builds(
                    lambda name, where: {"event": name} | where, st.sampled_from(EVENTS), wheres
                ),
            ),
        ),
        appointments(),
        st.builds(
            lambda cron, zone, audience: {"schedule": cron, "audience": audience} | zone,
            st.sampled_from(CRONS),
            st.one_of(NOTHING, one(timezone=st.sampled_from(["profile", *ZONES]))),
            conditions(of_segments, of_scores),
        ),
    )


@once
def crossings(of_scores: Sequence[str]) -> Documents:
    """Draws scores that pass a threshold, by how much and within what time."""
    return st.builds(
        lambda id, way, at, least: {"score": id, "crosses": at, "direction": way} | least,
        st.sampled_from(of_scores),
        st.sampled_from(["up", "down", "either"]),
        st.sampled_from([1, 5, 10]),
        st.one_of(NOTHING, LEAST, LEAST_WITHIN),
    )


@once
def stimuli(of_segments: Sequence[str], of_scores: Sequence[str]) -> Documents:
    found = [
        st.builds(lambda name, where: {"event": name} | where, st.sampled_from(EVENTS), wheres),
        st.builds(lambda change: {"trait": "plan"} | change, CHANGES),
        st.builds(lambda change: {"trait": "plan.deep"} | change, CHANGES),
        st.sampled_from(STATUSES).map(lambda status: {"status": status}),
        st.permutations(STATUSES).map(lambda pair: {"status": pair[0], "from": pair[1]}),
        st.builds(
            lambda pair, was, news: {"status": pair[0], **was(pair), "include_new": news},
            st.permutations(STATUSES),
            st.sampled_from([lambda pair: {}, lambda pair: {"from": pair[1]}]),
            st.booleans(),
        ),
        timed(of_segments, of_scores),
        st.just({"manual": True}),
        MARKS,
    ]
    if of_segments:
        change = st.sampled_from(["entered", "exited"])
        found.append(
            st.builds(
                lambda id, way: {"segment": id, "change": way}, st.sampled_from(of_segments), change
            )
        )
    if of_scores:
        found.append(crossings(of_scores))
        found.append(
            st.builds(
                lambda id, level: {"level": id, "becomes": level},
                st.sampled_from(of_scores),
                st.sampled_from(list(LEVELS)),
            )
        )
        found.append(
            st.builds(
                lambda id, row: {"grade": id, "becomes": f"{row}1" if is_combined(id) else row},
                st.sampled_from(of_scores),
                st.sampled_from(["A", "B"]),
            )
        )
    return st.one_of(found)


MARKS = st.builds(
    lambda marked, change: marked | change,
    one(tag=st.sampled_from(TAGS), list=st.sampled_from(LISTS)),
    one(change=st.sampled_from(["added", "removed"])),
)
LEAST = one(minimum_change=st.sampled_from([1, 5, 10.5, 15]))
LEAST_WITHIN = st.builds(lambda least, span: least | span, LEAST, one(within=durations))
CHANGES = one(changes=st.just(True), becomes=st.sampled_from([1, True, "x"]))
EMIT = st.builds(
    lambda name, value: {"emit": {"event": name, "properties": {"n": value}}},
    st.sampled_from(EVENTS),
    st.sampled_from([1, True, "x"]),
)


HOOKS: list[Document] = [
    {"url": "https://example.com/hook", "body": {"n": 1}},
    {"url": "https://example.com/hook", "headers": {"X-Key": "{{ secrets.KEY }}"}},
    {"url": "https://example.com/hook/{{ plan }}"},
    {"url": "https://example.com/hook", "body": {"n": [{"m": "{{ event.n }}"}]}},
]


@once
def actions(of_scores: Sequence[str]) -> Documents:
    """Draws what a trigger does, apart from telling events, which may multiply."""
    choices: dict[str, st.SearchStrategy[Any]] = {
        "send": st.just({"channel": "email", "template": "hello"}),
        "webhook": st.sampled_from(HOOKS),
        "add_tag": st.sampled_from(TAGS),
        "remove_tag": st.sampled_from(TAGS),
        "add_to_list": st.sampled_from(LISTS),
        "remove_from_list": st.sampled_from(LISTS),
        "set_status": st.sampled_from(STATUSES),
        "set_trait": st.builds(
            lambda more: {"trait": "plan"} | more,
            st.one_of(
                one(value=st.sampled_from(VALUES)),
                st.sampled_from(
                    [
                        {"from": {"property": "n"}},
                        {"from": {"trait": "born"}},
                        {"from": {"time": "now"}},
                    ]
                ),
            ),
        ),
    }
    plain = [id for id in of_scores if not is_combined(id)]
    if plain:
        choices["add_points"] = st.builds(
            lambda id, points, more: {"score": id, "points": points} | more,
            st.sampled_from(plain),
            st.sampled_from([-10, 1, 10]),
            st.one_of(NOTHING, one(**{"for": durations}), st.just({"reason": "kind"})),
        )
        choices["set_points"] = st.builds(
            lambda id, value, more: {"score": id, "value": value} | more,
            st.sampled_from(plain),
            st.sampled_from([-10, 0, 10, 18]),
            st.one_of(NOTHING, st.just({"reason": "set"})),
        )
    return one(**choices)


Stimuli = Callable[[Sequence[str], Sequence[str]], Documents]
"""What triggers may wait for, of some segments and scores."""


@st.composite
def triggers(draw: st.DrawFn, documents: Sequence[Document], of: Stimuli) -> list[Document]:
    """Draws up to four triggers, of which two tell an event when they hear one."""
    of_segments, of_scores = ids(documents, "segment"), ids(documents, "score")
    found: list[Document] = []
    for number in range(draw(st.integers(1, 4))):
        on = draw(of(of_segments, of_scores))
        do = draw(st.lists(actions(of_scores), min_size=1, max_size=2))
        if number < 2 and "event" in on and draw(st.booleans()):
            do.append(draw(EMIT))
        document: Document = {"kind": "trigger", "id": f"t{number}", "on": on, "do": do}
        if draw(st.booleans()):
            document["when"] = draw(conditions(of_segments, of_scores, of_trigger=True))
        if draw(st.booleans()):
            document["limit"] = {"times": draw(st.integers(1, 2))} | draw(within_some)
        if draw(st.booleans()):
            document["priority"] = draw(st.integers(0, 9))
        can_be_brought = any(key in on for key in ("segment", "score", "level", "grade"))
        if can_be_brought and draw(st.booleans()):
            document["fire_on_publish"] = True
        found.append(document)
    return found


STATIC = [{"kind": "list", "id": id, "name": id} for id in LISTS]


@once
@st.composite
def definitions(draw: st.DrawFn, of: Stimuli = stimuli) -> list[Document]:
    """Draws segments, scores and triggers that fit together."""
    found = draw(states())
    return [*STATIC, *found, *draw(triggers(found, of))]
