"""What must hold of a run of the simulation, whatever befell it.

The names are those of the promises: applied once, commands once, steps once, no timer early or
twice, and the same log the same state.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

import msgspec

from processors.runtime.tables import WAKE_BYTES, Table
from processors.state import duplicates, profiles
from schemas.commands import Command
from schemas.consents import ConsentChange
from schemas.records import DecisionRecord, RunRecord
from tests.builders import Document, Recorder
from tests.oracle import alarms
from tests.oracle.documents import duration_ms
from tests.simulation.results import tables

Graph = dict[str, set[str]]
"""Where each step may lead."""
START = ""
TAKEN = {"done", "skipped", "branched", "split", "waiting", "went"}
"""What is told of a step that was come to."""
LATEST = {"scores", "segments"}
"""Topics of which a reader keeps the latest of each key."""
STANDING = {"consents", "suppressions"}
"""The same, of what people said."""


def applied_once(spans: Iterable[tuple[int, int]], end: int) -> None:
    """Each committed batch begins where the one before it ended, and none is missing."""
    at = 0
    for begin, until in spans:
        assert begin == at, f"offsets from {at} to {begin} were left out, or decided on twice"
        at = until
    assert at == end, f"only {at} of {end} records were decided on"


def commands_once(out: Recorder) -> None:
    """No command has the id of another."""
    once(value.id for _, _, value in out.records if isinstance(value, Command))


def once(keys: Iterable[object]) -> None:
    twice = [key for key, times in Counter(keys).items() if times > 1]
    assert not twice, f"twice: {twice}"


def steps_once(records: Sequence[RunRecord]) -> None:
    """Nothing that happens to a run happens twice."""
    once(
        (each.journey_id, each.version, each.run_id, each.step, each.visit, each.what)
        for each in records
        if each.what in TAKEN
    )
    once((each.run_id, each.what) for each in records if each.what in ("entered", "goal"))
    once(each.run_id for each in records if each.what in ("completed", "exited"))


def timers_exact(records: Sequence[RunRecord], planned_anew: set[str]) -> None:
    """A wait that time ends is not over early; one that nobody changed, not late either.

    Args:
        records: of all runs.
        planned_anew: journeys whose waits may be moved: edited, paused, or for a day of the person.
    """
    until: dict[tuple[str, int], int] = {}
    for each in records:
        key = (each.run_id, each.visit)
        if each.what == "waiting" and each.until is not None:
            until[key] = each.until
        elif each.choice in ("due", "timeout") and key in until:
            is_exact = each.journey_id in planned_anew or each.at == until[key]
            assert is_exact, f"{each} is not as of {until[key]}"


def paths(records: Sequence[RunRecord], graphs: dict[tuple[str, str], Graph]) -> None:
    """Each run's history is a path in the graph of the version that it tells."""
    at: dict[str, tuple[int, set[str]]] = {}
    for each in records:
        graph = graphs[each.journey_id, each.version]
        if each.what == "entered":
            at[each.run_id] = (0, {START})
        elif each.what == "moved":
            at[each.run_id] = (each.visit, {each.step, *before(graph, each.step)})
        elif each.what in TAKEN:
            visit, places = at[each.run_id]
            for _ in range(each.visit - visit):
                places = {to for place in places for to in graph.get(place, ())}
            assert each.step in places, f"{each} does not follow from visit {visit}"
            at[each.run_id] = (each.visit, {each.step})


def before(graph: Graph, step: str) -> set[str]:
    """Returns a place of its own from which nothing but a step can be reached."""
    place = f"before {step}"
    graph[place] = {step}
    return {place}


def graph(document: Document) -> Graph:
    """Returns the ways between a journey's steps, as they are written."""
    steps = document["steps"]
    found: Graph = {START: {steps[0]["id"]}}
    for place, step in enumerate(steps):
        following = steps[place + 1]["id"] if place + 1 < len(steps) else None
        ways = {step.get("go", following)}
        branch, split, wait = step.get("branch", {}), step.get("split", {}), step.get("wait", {})
        ways |= {case["go"] for case in branch.get("cases", ())} | {branch.get("else")}
        ways |= {*split.get("go", {}).values(), wait.get("else"), wait.get("past")}
        found[step["id"]] = set() if "exit" in step else {way for way in ways if way}
    return found


def told(out: Recorder) -> dict[tuple[str, str], list[bytes]]:
    """Returns what was written, as bytes: each topic's records of each person, in their order."""
    found: dict[tuple[str, str], list[bytes]] = {}
    for topic, key, value in out.records:
        if topic in STANDING:
            found[topic, key] = [msgspec.json.encode(value)]
        elif topic not in LATEST:
            found.setdefault((topic, key), []).append(msgspec.json.encode(value))
    for name, rows in zip(sorted(LATEST), tables(out), strict=True):
        for key, row in rows.items():
            found[name, key] = [msgspec.json.encode(row, order="sorted")]
    return found


def state(table: Table, *, with_ids: bool) -> dict[str, bytes]:
    """Returns the bytes of all people, without what only says when they were looked at.

    Args:
        table: after the last batch.
        with_ids: whether the ids of messages count: those that triggers told are noted as of when
            their timer was come to.
    """
    found = {}
    for profile_id, value in table.profiles.items():
        profile = profiles.decode(profile_id, value[WAKE_BYTES:])
        duplicates.forget(profile, table.progress.high_water // 1000)
        profile.seen_at.clear()
        if not with_ids:
            profile.seen.clear()
            profile.pages = 0
        found[profile_id] = profiles.encode(profile)
    return found


def gate_kept(out: Recorder, documents: Sequence[Document]) -> None:
    """Nobody gets a message who was suppressed, had said no, or had not said yes where that is
    asked for, by what had been told before; nor what is expired, or over a cap.

    Args:
        out: what was written of one person, each event in a batch of its own.
        documents: topics and policies.
    """
    exempt = {each["id"] for each in documents if each.get("transactional")}
    commands = [value for _, _, value in out.records if isinstance(value, Command)]
    asked = [each for each in commands if each.channel not in ("webhook", "crm", "task")]
    marketing = [each for each in asked if each.topic not in exempt]
    for policy in (each for each in documents if each["kind"] == "policy"):
        for cap in policy.get("caps", ()):
            _cap_kept([each for each in marketing if _is_of(policy, each)], cap)
    told = [value for _, _, value in out.records if isinstance(value, DecisionRecord)]
    refused = {each.command_id for each in told if each.outcome == "no" and not each.until}
    once(each.id for each in asked)
    _whole(commands, told)
    assert not refused & {each.id for each in commands}, "sent though it was refused for good"
    for each in asked:
        assert each.expires_at is None or each.at < each.expires_at, f"{each} is expired"
    needs = {each["id"]: each.get("consent", "implied") for each in documents}
    known: dict[str, ConsentChange] = {}
    for _, _, value in out.records:
        if isinstance(value, ConsentChange):
            known[f"{value.channel}/{value.topic}"] = value
        elif value in asked:
            assert isinstance(value, Command)
            about = [each["topic"] for each in value.properties.get("combined", ())]
            for topic in {value.topic, *about}:
                one = msgspec.structs.replace(value, topic=topic)
                _may_go(one, known, needs.get(topic or "", "implied"), topic in exempt)


def _whole(commands: Sequence[Command], told: Sequence[DecisionRecord]) -> None:
    """Each summary has all that is told to have gone in it, and nothing else has gone in any."""
    sizes = Counter(each.summary_id for each in told if each.reason == "combined")
    combined = {each.command_id for each in told if each.reason == "combined"}
    assert not combined & {each.id for each in commands}, "went in a summary, and by itself"
    parts = {each.id: each.properties.get("combined", ()) for each in commands}
    assert sizes == {one: len(found) - 1 for one, found in parts.items() if found}


def _may_go(command: Command, known: dict[str, ConsentChange], needs: str, is_exempt: bool) -> None:
    """Holds a command against what had been told before."""
    for place in ("*/", f"{command.channel}/"):
        stop = known[place].new if place in known else None
        assert stop is None or (is_exempt and stop == "sunset"), f"{command}: {stop}"
    if is_exempt:
        return
    own, of_all = (known.get(f"{command.channel}/{topic}") for topic in (command.topic, "*"))
    for said in filter(None, (own, None if own else of_all)):
        assert said.new != "denied", f"{command}: {said}"
    if of_all is not None and of_all.new == "denied":
        assert own is not None, f"{command}: {of_all}"
        assert own.at > of_all.at, f"{command}: {of_all}"
    if needs == "double":
        assert own is not None, f"{command}: nothing was said"
        assert own.new == "granted", f"{command}: {own}"


def _is_of(policy: Document, command: Command) -> bool:
    is_there = command.channel in policy.get("channels", [command.channel])
    return is_there and command.topic in policy.get("topics", [command.topic])


def _cap_kept(commands: Sequence[Command], cap: Document) -> None:
    for each in commands:
        if "per" in cap:
            since_ms = _began(cap["per"], each)
        else:
            since_ms = each.at - duration_ms(cap["within"]) + 1
        inside = [one for one in commands if since_ms <= one.at <= each.at]
        assert len(inside) <= cap["times"], f"{each} is over {cap}"


def _began(per: str, command: Command) -> int:
    """Returns when the period began in which a message went, by its person's clocks."""
    zone = ZoneInfo(command.traits.get("timezone", "UTC"))
    day = alarms.shows(command.at, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    while (per == "week" and day.weekday() > 0) or (per == "month" and day.day > 1):
        day -= timedelta(days=1)
    return alarms.strikes(day, zone)
