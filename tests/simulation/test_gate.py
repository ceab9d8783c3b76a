"""The gate against an oracle that looks through all that was ever said: whatever comes in whatever
order, both let the same messages go, at the same instants, and give the same reasons.
"""

from typing import Any

from hypothesis import event as note
from hypothesis import given
from hypothesis import strategies as st

from schemas.commands import Command
from schemas.consents import ALL, SuppressionRecord
from tests.builders import (
    DAY,
    HOUR,
    MINUTE,
    T0,
    Document,
    Json,
    Partition,
    Person,
    identify,
    policy,
    send,
    topic,
    track,
    trigger,
)
from tests.oracle import gates
from tests.properties import budget
from tests.simulation import invariants

CHANNELS = ("email", "sms")
TOPICS = ("news", "shop", "receipt")
GAPS = (0, MINUTE, 20 * MINUTE, HOUR, 5 * HOUR, 11 * HOUR, DAY, 4 * DAY)
LATE = (0, 0, 0, 0, 30 * MINUTE, 7 * HOUR, 2 * DAY)
ZONES = ("UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")
END = T0 + 120 * DAY

SUMMARY = "summary"
COMBINING: Document = {"over": "combine", "summary": SUMMARY}

TRIGGERS = [
    trigger("a", send("news"), id="a-low", priority=2),
    trigger("a", send("shop", "sms"), id="a-sms"),
    trigger("b", send("news", template="b"), id="b", priority=8),
    trigger("b", send("receipt"), id="b-receipt", priority=1),
    trigger("c", send(channel="sms"), id="c", priority=7),
    trigger("c", send(), id="c-mail"),
    trigger("c", send(channel="task"), id="c-task"),
    trigger("d", send("shop", template="d"), id="d", priority=6),
]

hours = st.sampled_from(
    [
        {"from": "21:00", "to": "08:00"},
        {"from": "12:00", "to": "14:30", "timezone": "Europe/Berlin"},
        {"from": "00:00", "to": "00:00", "days": ["sat", "sun"]},
        {"from": "18:00", "to": "09:00", "days": ["fri", "mon"], "timezone": "UTC"},
    ]
)
fates = st.sampled_from(["drop", "defer"])
caps = st.builds(
    lambda times, width, over: {"times": times, "over": over} | width,
    st.integers(1, 3),
    st.sampled_from(
        [{"within": each} for each in ("1h", "10h", "1d", "7d")]
        + [{"per": each} for each in ("day", "week", "month")]
    ),
    fates,
)
arbitrations = st.builds(
    lambda wait, best, others: {"wait": wait, "best": best, "others": others},
    st.sampled_from(["15m", "2h", "1d"]),
    st.integers(1, 2),
    fates,
)


@st.composite
def rules(draw: st.DrawFn) -> list[Document]:
    """Draws topics and policies that fit together."""
    asked = st.sampled_from(["implied", "required", "double"])
    found = [topic(name, consent=draw(asked)) for name in TOPICS[:2]]
    found.append(topic("receipt", transactional=True))
    for number in range(draw(st.integers(0, 3))):
        said: Document = {"consent": draw(st.sampled_from(["implied", "required"]))}
        if draw(st.booleans()):
            said["channels"] = [draw(st.sampled_from(CHANNELS))]
        if draw(st.booleans()):
            said["quiet_hours"] = draw(hours)
        if draw(st.booleans()):
            found_caps = draw(st.lists(caps, min_size=1, max_size=2))
            said["caps"] = [{"id": f"c{at}"} | each for at, each in enumerate(found_caps)]
            if number == 0 and draw(st.integers(0, 3)):
                said["channels"] = ["email"]
                said["caps"][-1] |= COMBINING
        if draw(st.booleans()) and number == 0:
            said["arbitration"] = draw(arbitrations)
        if draw(st.integers(0, 3)) == 0:
            said["sunset"] = {"after": draw(st.sampled_from(["2d", "6d"]))}
        elif draw(st.booleans()):
            said["topics"] = draw(st.sampled_from([["news"], ["news", "shop"]]))
        if draw(st.integers(0, 2)) == 0:
            said["expires"] = draw(st.sampled_from(["9h", "2d"]))
        found.append(policy(f"p{number}", **said))
    return found


words = st.builds(
    lambda what, channel, topic: (
        f"consent.{what}",
        {"channel": channel} | ({} if topic is None else {"topic": topic}),
    ),
    st.sampled_from(["granted", "granted", "confirmed", "denied"]),
    st.sampled_from(CHANNELS),
    st.sampled_from([*TOPICS, None]),
)
stops = st.sampled_from(
    [
        ("suppression.added", {}),
        ("suppression.added", {"channel": "email", "reason": "manual"}),
        ("suppression.removed", {}),
        ("suppression.removed", {"channel": "email"}),
        ("suppression.removed", {"channel": "sms"}),
        ("email.bounced", {"kind": "hard"}),
        ("sms.complained", {}),
        ("email.unsubscribed", {}),
        ("email.unsubscribed", {"topic": "news"}),
    ]
)
answers = st.sampled_from(
    [("email.opened", {}), ("sms.opened", {}), ("email.opened", {"machine": True})]
)
moves = st.builds(lambda zone: ("timezone", {"timezone": zone}), st.sampled_from(ZONES))
wakes: st.SearchStrategy[tuple[str, Document]]
wakes = st.sampled_from([("a", {}), ("b", {}), ("c", {}), ("d", {})])
entries = st.tuples(
    st.sampled_from(GAPS),
    st.sampled_from(LATE),
    st.one_of(wakes, wakes, wakes, words, words, stops, answers, moves),
)

Entry = tuple[int, int, tuple[str, Document]]


@st.composite
def combining(draw: st.DrawFn) -> list[Document]:
    """Draws policies of which one combines, and that let most messages go some time."""
    found = [topic("news"), topic("shop", consent=draw(st.sampled_from(["implied", "required"])))]
    found.append(topic("receipt", transactional=True))
    some: Document = {"channels": ["email"], "caps": [{"id": "c"} | draw(caps) | COMBINING]}
    others: Document = {"caps": [{"id": "c"} | draw(caps)]}
    for said in (some, others):
        if draw(st.booleans()):
            said["quiet_hours"] = draw(hours)
        if draw(st.integers(0, 3)) == 0:
            said["expires"] = draw(st.sampled_from(["1d", "8d"]))
    if draw(st.integers(0, 5)) == 0:
        some["topics"] = ["news", "shop"]
    if draw(st.booleans()):
        others["topics"] = draw(st.sampled_from([["news"], ["shop"]]))
    if draw(st.integers(0, 3)) == 0:
        some["arbitration"] = draw(arbitrations) | {"best": draw(st.integers(1, 3))}
    found.append(policy("p0", **some))
    return [*found, policy("p1", **others)] if draw(st.booleans()) else found


busy = st.lists(
    st.tuples(
        st.sampled_from((0, MINUTE, 20 * MINUTE, HOUR, 5 * HOUR, DAY)),
        st.just(0),
        st.one_of(wakes, wakes, wakes, wakes, wakes, words, answers, moves),
    ),
    min_size=6,
    max_size=25,
)


any_rules = st.one_of(rules(), combining())
any_history = st.one_of(st.lists(entries, min_size=3, max_size=25), busy)


def history(found: list[Entry]) -> list[tuple[str, int, Document, str]]:
    """Returns name, time, properties and id of events, in the order in which they come."""
    told, now = [], T0 + 2 * DAY
    for place, (gap_ms, late_ms, (name, properties)) in enumerate(found):
        now += gap_ms
        told.append((name, now - late_ms, properties, f"m{place}"))
    return told


def as_event(name: str, at_ms: int, properties: Document, id: str) -> Json:
    if name == "timezone":
        return identify(at_ms, id=id, **properties)
    return track(name, at_ms, id=id, **properties)


def of_oracle(documents: list[Document], found: list[Entry]) -> gates.Result:
    oracle = gates.Person(documents, "p")
    for name, at_ms, properties, id in history(found):
        oracle.hear(name, at_ms, properties, id)
    oracle.wait(END)
    return oracle.end()


def parts(command: Command) -> list[Document]:
    found: list[Document] = command.properties.get("combined", [])
    return found


def summary(command: Command) -> gates.Summary:
    assert command.template == SUMMARY
    return gates.Summary(
        parts=[
            (each["template"], each["topic"], each["definition_id"], each["at"])
            for each in parts(command)
        ],
        about={None if each == ALL else each for each in (command.topic, *command.topics)},
        expires=command.expires_at,
    )


def of_engine(documents: list[Document], found: list[Entry]) -> gates.Result:
    one, result = Person(*documents), gates.Result()
    decisions = [one.hears(as_event(*each)) for each in history(found)]
    decisions.append(one.waits(END))
    for decision in decisions:
        result.commands += [(each.definition_id, each.id, each.at) for each in decision.commands]
        result.answers += [
            (each.command_id, each.reason, each.at, each.until)
            for each in decision.decisions
            if each.command_id is not None and each.reason not in ("allowed", "released")
        ]
        result.summaries |= {each.id: summary(each) for each in decision.commands if parts(each)}
        told = (each for each in decision.consent_changes if not each.topic)
        result.changes += [(each.channel, each.new, 0) for each in told]
    return result


def agree(documents: list[Document], found: list[Entry]) -> gates.Result:
    """Returns what both let go, at the same instants and for the same reasons."""
    wanted, came = (of(TRIGGERS + documents, found) for of in (of_oracle, of_engine))
    assert came.commands == wanted.commands
    assert came.answers == wanted.answers
    assert came.summaries == wanted.summaries
    assert sorted(str(each[:2]) for each in came.changes) == sorted(
        str(each[:2]) for each in wanted.changes
    )
    for reason in {each[1] for each in came.answers}:
        note(reason)
    return came


@budget(200)
@given(rules(), st.lists(entries, min_size=3, max_size=25))
def test_engine_lets_go_what_the_oracle_lets_go(
    documents: list[Document], found: list[Entry]
) -> None:
    agree(documents, found)


@budget(200)
@given(combining(), busy)
def test_engine_combines_what_the_oracle_combines(
    documents: list[Document], found: list[Entry]
) -> None:
    for each in agree(documents, found).summaries.values():
        note(f"{len(each.parts)} as one, about {len(each.about)}")


def partition(documents: list[Document], found: list[Entry]) -> Partition:
    made = Partition(*TRIGGERS, *documents)
    made.each(as_event(*each) for each in history(found))
    for day in range(120):
        made.driver.advance(T0 + day * DAY)
    return made


@budget(60)
@given(any_rules, any_history)
def test_nobody_gets_what_may_not_be_sent(documents: list[Document], found: list[Entry]) -> None:
    made = partition(documents, found)
    invariants.commands_once(made.out)
    invariants.gate_kept(made.out, documents)


@budget(30)
@given(any_rules, any_history, st.integers(1, 9))
def test_batches_do_not_matter(documents: list[Document], found: list[Entry], size: int) -> None:
    told = [as_event(*each) for each in history(found)]
    ends = []
    for step in (1, size):
        made = Partition(*TRIGGERS, *documents)
        for at in range(0, len(told), step):
            made.feed(*told[at : at + step])
        made.driver.advance(END)
        said = [made.out.of(name) for name in ("decisions", "consent-changes", "commands.email")]
        ends.append((said, invariants.state(made.driver.table, with_ids=True)))
    assert ends[0] == ends[1]


@budget(30)
@given(any_rules, any_history)
def test_tables_end_as_the_history_of_their_changes(
    documents: list[Document], found: list[Entry]
) -> None:
    out = partition(documents, found).out
    table: dict[str, Any] = {}
    for _, value in out.of("consent-changes"):
        table[f"{value.channel}/{value.topic}"] = value.new
    latest: dict[str, Any] = {}
    for key, value in out.of("consents"):
        latest[key.removeprefix("p/")] = value.state
    for key, value in out.of("suppressions"):
        is_there = isinstance(value, SuppressionRecord)
        latest[f"{key.removeprefix('p/')}/"] = value.reason if is_there else None
    assert latest == table
