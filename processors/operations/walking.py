"""Words for people, and JSON for programs: how runs of journeys fare, and what becomes of them.

Between the operations and the command line, which prints what this returns.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from rich.table import Table

from processors.definitions.durations import UNITS_MS
from processors.operations.edits import Edit, Fate
from processors.operations.funnels import Row, Step
from processors.operations.plans import Plan
from processors.operations.positions import Positions
from schemas.events import iso
from schemas.records import RunRecord

UNITS = ("d", "h", "m", "s")
ENDS = ("completed", "exited")


def journeys_table(rows: Iterable[Row]) -> Table:
    """Returns a table with a row for each journey."""
    numbers = ("now", "entered", "completed", "exited", "goal", "conversion")
    table = _table("journey", "name", "status", numbers=numbers)
    for each in rows:
        goals = "" if each.goals is None else f"{each.goals:,}"
        rate = "" if each.conversion is None else f"{each.conversion:.1%}"
        exited = sum(each.exited.values())
        counts = (f"{count:,}" for count in (each.now, each.entered, each.completed, exited))
        table.add_row(each.id, each.name, each.status, *counts, goals, rate)
    return table


def steps_table(row: Row) -> Table:
    """Returns a table with a row for each step of a journey."""
    table = _table(f"step of {row.id}", "", numbers=("now", "passed", "median time", "left"))
    table.columns[-1].justify = "left"
    for each in row.steps:
        table.add_row(*_step(each))
    return table


def _step(step: Step) -> Iterator[str]:
    yield step.id
    yield step.does or "of another version"
    yield f"{step.now:,}"
    yield f"{step.passed:,}"
    yield "" if step.median_ms is None else duration(step.median_ms)
    yield _reasons(step.left)


def _reasons(left: Mapping[str, int]) -> str:
    ranked = sorted(left.items(), key=lambda each: (-each[1], each[0]))
    return ", ".join(f"{count:,} {reason}" for reason, count in ranked)


def duration(length_ms: int) -> str:
    """Returns a time in its two largest units.

    >>> duration(93_784_000), duration(3_600_000), duration(999)
    ('1d 2h', '1h', '999ms')
    """
    for place, unit in enumerate(UNITS):
        if length_ms >= UNITS_MS[unit]:
            count, rest = divmod(length_ms, UNITS_MS[unit])
            finer = UNITS[place + 1 : place + 2]
            more = [f" {n}{each}" for each in finer if (n := rest // UNITS_MS[each])]
            return f"{count}{unit}{''.join(more)}"
    return f"{length_ms}ms"


def notes(
    unpublished: Mapping[str, int], since_ms: int, kept: tuple[int, int | None]
) -> Iterator[str]:
    """Yields what the tables do not show.

    Args:
        unpublished: how many entered journeys that are not published.
        since_ms: which runs are counted.
        kept: how many days are looked at, and how many `journey-runs` keeps, None: enough.
    """
    yield f"runs that entered since {iso(since_ms)}; `now` are all that go on, whenever they began"
    for id_, entered in unpublished.items():
        yield f"{id_} is not published; {entered:,} entered"
    days, most = kept
    if most is not None and days > most:
        yield f"journey-runs keeps {most} days: runs that entered before that are not counted"


def journeys_json(rows: Iterable[Row], notes: Iterable[str], *, now_ms: int, since_ms: int) -> str:
    """Returns the same as JSON."""
    found = [msgspec.to_builtins(each) | {"conversion": each.conversion} for each in rows]
    return _json(
        {"at": iso(now_ms), "since": iso(since_ms), "journeys": found, "notes": list(notes)}
    )


def runs(records: Iterable[RunRecord]) -> list[list[RunRecord]]:
    """Returns the records run by run, in the order in which these began."""
    found: dict[str, list[RunRecord]] = {}
    for each in records:
        found.setdefault(each.run_id, []).append(each)
    return list(found.values())


def run_lines(run: list[RunRecord]) -> Iterator[str]:
    """Yields a run as a picture: a line for what it is, and one for each thing that happened."""
    first, ended = run[0], next((each for each in run if each.what in ENDS), None)
    began = f"entered {iso(first.at)} by {first.cause}"
    if first.what != "entered":
        began = "its beginning is gone from the topic"
    state = "goes on" if ended is None else _end(ended)
    yield f"{first.journey_id}, run {first.run_id}, version {first.version}: {began}; {state}"
    width = max(len(each.step) for each in run)
    rest = [each for each in run if each.what != "entered"]
    for place, each in enumerate(rest, 1):
        mark = "└" if place == len(rest) else "├"
        late = ", late" if each.late else ""
        yield f"{mark} {iso(each.at)}  {each.step:{width}}  {_said(each)}{late}".rstrip()


def _end(record: RunRecord) -> str:
    reason = f": {record.choice}" if record.choice else ""
    return f"{record.what} {iso(record.at)}{reason}"


def _said(record: RunRecord) -> str:
    choice = record.choice
    match record.what:
        case "waiting":
            return f"waits until {iso(record.until)}" if record.until is not None else "waits"
        case "went":
            return f"goes on: {choice}"
        case "branched":
            return f"takes {'else' if choice == 'else' else f'case {choice}'}"
        case "split":
            return f"is of variant {choice}"
        case "moved":
            by_hand = "is moved here by hand"
            return by_hand if choice == "request" else f"moves to version {record.version}"
        case "goal":
            return "reaches the goal"
        case what:
            return what if choice is None else f"{what}: {choice}"


def runs_total(count: int, profile_id: str, journey: str | None) -> str:
    """Returns the line below them; None: of any journey."""
    of = "" if journey is None else f" of journey {journey}"
    return f"{_many(count, 'run')}{of} of {profile_id}"


def runs_json(profile_id: str, found: Iterable[list[RunRecord]], notes: Iterable[str]) -> str:
    """Returns the same as JSON."""
    return _json(
        {
            "profile_id": profile_id,
            "runs": [_run(each) for each in found],
            "notes": list(notes),
        }
    )


def _run(run: list[RunRecord]) -> dict[str, Any]:
    head = {name: getattr(run[0], name) for name in ("journey_id", "run_id")}
    return head | {"records": [_record(each) for each in run]}


def _record(record: RunRecord) -> dict[str, Any]:
    until = None if record.until is None else iso(record.until)
    kept = ("version", "step", "what", "choice", "visit", "cause", "late")
    said = {name: getattr(record, name) for name in kept}
    return {"at": iso(record.at)} | said | {"until": until}


def gone(is_cut: bool, kept_days: int | None) -> Iterator[str]:
    """Yields what to say where the topic may have lost records of somebody."""
    if is_cut:
        days = "" if kept_days is None else f" (it keeps {kept_days} days)"
        yield f"the first records of journey-runs are gone{days}: older runs are not shown whole"


def fates(plan: Plan, positions: Positions) -> Iterator[Table | str]:
    """Yields for each journey whose runs may feel a change what becomes of them."""
    for each in plan.edits:
        found = list(each.fates(positions))
        yield f"journey/{each.journey}: {_deed(each, found)}"
        if found:
            yield _fates_table(found)


def _deed(edit: Edit, found: list[Fate]) -> str:
    runs = sum(each.runs for each in found)
    said = "no run is under way" if not runs else f"{_many(runs, 'run')} under way"
    return f"{said}, {edit.ends}" if edit.ends else f"{said}, live_edit: {edit.live_edit}"


def _fates_table(found: Iterable[Fate]) -> Table:
    table = _table("step", "of version", numbers=("runs", "then"))
    table.columns[-1].justify = "left"
    for each in found:
        table.add_row(each.step, each.version, f"{each.runs:,}", _fate(each))
    return table


def _fate(fate: Fate) -> str:
    match fate.what:
        case "moves":
            return f"moves to {fate.where}"
        case "ends":
            return f"ends as {fate.where}"
        case "stands still":
            return "stands still: its version names what is gone"
        case what:
            return what


def _many(count: int, one: str) -> str:
    return f"{count:,} {one}{'' if count == 1 else 's'}"


def _table(*texts: str, numbers: tuple[str, ...]) -> Table:
    table = Table(*texts, box=None, pad_edge=False)
    for name in numbers:
        table.add_column(name, justify="right")
    return table


def _json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
