"""Words for people: what two definition sets differ in, and what publishing will do.

Between the operations and the command line, which prints what this returns.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.table import Table

from processors.definitions.versions import canonical
from processors.operations import texts
from processors.operations.differences import Members, Moves, Row, Summary
from processors.operations.plans import Plan
from processors.operations.standings import Standing
from schemas import definitions, events
from schemas.definitions import DefinitionRecord

WORDS = {
    "entered": "enter",
    "exited": "leave",
    "moved": "moved",
    "changed": "changed",
    "appeared": "appear",
    "vanished": "vanish",
}
TEXTS = ("", "levels", "name", "version", "read by", "published at", "what changed")
"""Columns that hold no numbers."""
ORDER = ("segments", "scores", "commands")
MAX_SHOWN = 60
"""Characters of a value in a sample."""


def tables(summary: Summary) -> Iterator[Table]:
    """Yields a table of segments, of scores and of commands, each if something differs in it.

    They show what differs, and what was changed though nothing comes of it.
    """
    segments = _table("segment", "", "before", "after", "enter", "leave")
    for id_, members in summary.segments.items():
        if members.state != "unchanged" or members.entered or members.exited:
            segments.add_row(id_, *_members(members))
    scores = _table("score", "", "people moved", "mean change", "grades", "levels")
    for id_, moves in summary.scores.items():
        if moves.state != "unchanged" or moves.profiles or moves.levels or moves.grades:
            scores.add_row(id_, *_moves(moves))
    commands = _table("commands of", "", "same", "appear", "vanish", "moved", "changed")
    for id_, sent in summary.commands.items():
        counts = (sent.appeared, sent.vanished, sent.moved, sent.changed)
        if sent.state != "unchanged" or any(counts):
            commands.add_row(id_, sent.state, *(f"{each:,}" for each in (sent.same, *counts)))
    yield from (each for each in (segments, scores, commands) if each.row_count)


def samples(summary: Summary) -> Iterator[str]:
    """Yields a line for each definition and change: its first few people."""
    for (what, id_, change), rows in sorted(summary.samples.items(), key=_order):
        if rows:
            shown = ", ".join(_sample(what, change, row) for row in rows)
            yield f"{id_} {WORDS[change]}: {shown}"


def total(summary: Summary) -> str:
    """Returns the last line."""
    said = f"{summary.differences:,} differences" if summary.differences else "no differences"
    return (
        f"{said} over {summary.events:,} events of {summary.profiles:,} people"
        f" ({summary.dead_letters:,} dead letters)"
    )


def plan_table(plan: Plan) -> Table:
    """Returns a table of what publishing does to each definition, and who is touched by that."""
    table = _table("definition", "", "version", "number", "read by")
    for each in plan.changes:
        touched = ", ".join(definitions.key(*key) for key in plan.touched.get(each.key, ()))
        key = definitions.key(each.kind, each.id)
        table.add_row(key, each.change, each.version, str(each.number), touched)
    return table


def documents(plan: Plan) -> Iterator[str]:
    """Yields the lines of what differs in the documents that change."""
    for each in plan.changes:
        if each.change == "changed":
            yield f"{definitions.key(each.kind, each.id)}, {each.number - 1} to {each.number}:"
            lines = texts.difference(plan.old[each.key], plan.new[each.key])
            yield from (f"  {line}" for line in lines)


def deed(plan: Plan) -> str:
    """Returns what publishing does, in a few words; nothing where there is nothing to do."""
    published, ended = plan.count("new", "changed"), plan.count("ended")
    said = f"publish {_definitions(published)}" if published else ""
    if ended:
        said = f"{said} and end {ended:,}" if said else f"end {_definitions(ended)}"
    return said


def done(plan: Plan) -> str:
    """Returns the last line of publishing."""
    published, ended = plan.count("new", "changed"), plan.count("ended")
    said = f"{published:,} published, " if published or ended else "nothing to do: "
    said += f"{plan.count('unchanged'):,} unchanged"
    if ended:
        said += f", {ended:,} ended"
    if others := plan.count("not in the folder"):
        said += f", {others:,} not in the folder (--prune ends them)"
    return said


def catalogue_table(records: Iterable[DefinitionRecord]) -> Table:
    """Returns a table of what is published."""
    table = _table("definition", "name", "version", "number", "published at")
    for each in records:
        name, at = str(each.document.get("name", "")), events.iso(each.published_at)
        table.add_row(definitions.key(each.kind, each.id), name, each.version, str(each.number), at)
    return table


def standing(found: Sequence[Standing], wanted: str) -> Iterator[str]:
    """Returns in which partitions what is published decides, and how far the others are.

    Args:
        found: the partitions in which something has been decided.
        wanted: id of the set that is published.
    """
    waiting = [each for each in found if each.active != wanted]
    if not found:
        yield "no worker has decided anything yet"
    elif waiting:
        yield f"they decide in {len(found) - len(waiting)} of {len(found)} partitions with events"
    else:
        yield f"they decide in all {len(found)} partitions with events"
    for each in waiting:
        said = f"partition {each.partition}: still decides by set {each.active or 'unknown'}"
        if each.coming == wanted and each.offset:
            share = min(100, 100 * each.read_back // each.offset)
            said += f"; {each.read_back:,} of {each.offset:,} events read back ({share} %)"
        yield said


def versions_table(
    versions: Mapping[int, DefinitionRecord], active: DefinitionRecord | None
) -> Table:
    """Returns a table of the versions of one definition, and what each has changed.

    Args:
        versions: by rising number.
        active: the one that is; None where the definition has ended.
    """
    table = _table("number", "version", "published at", "", "what changed")
    before: list[DefinitionRecord] = []
    for number, each in versions.items():
        state = "active" if each == active else ""
        at = events.iso(each.published_at)
        table.add_row(str(number), each.version, at, state, _changed(each, before))
        before.append(each)
    return table


def _changed(record: DefinitionRecord, before: list[DefinitionRecord]) -> str:
    """Returns the parts of the document that are other than in the version before."""
    same = [each.number for each in before if each.version == record.version]
    if same:
        return f"back to {same[-1]}"
    if not before:
        return ""
    old, new = before[-1].document, record.document
    parts = [*new, *(key for key in old if key not in new)]
    return ", ".join(each for each in parts if _part(old, each) != _part(new, each))


def _part(document: Mapping[str, Any], key: str) -> bytes:
    """Returns a part in words that tell 1 from 1.0; no words where it is not there."""
    return canonical(document[key]) if key in document else b""


def _definitions(count: int) -> str:
    return f"{count:,} definition{'' if count == 1 else 's'}"


def _order(sample: tuple[tuple[str, str, str], list[Row]]) -> tuple[int, str, str]:
    what, id_, change = sample[0]
    return ORDER.index(what), id_, change


def _table(first: str, *others: str) -> Table:
    table = Table(first, box=None, pad_edge=False)
    for name in others:
        table.add_column(name, justify="left" if name in TEXTS else "right")
    return table


def _members(members: Members) -> Iterator[str]:
    yield members.state
    for count in (members.before, members.after, members.entered, members.exited):
        yield f"{count:,}"


def _moves(moves: Moves) -> Iterator[str]:
    yield moves.state
    yield f"{moves.profiles:,}"
    yield "" if moves.mean is None else f"{moves.mean:+,.2f}"
    yield f"{moves.grades:,}"
    ranked = sorted(moves.levels.items(), key=lambda each: (-each[1], str(each[0])))
    yield ", ".join(f"{_arrow(*pair)}: {count:,}" for pair, count in ranked)


def _sample(what: str, change: str, row: Row) -> str:
    who = str(row["profile_id"])
    if what == "segments":
        return who
    if what == "scores":
        return f"{who} {_standing(row)}"
    if change == "moved":
        return f"{who} {_moved(row['old_at'], row['new_at'])}"
    if change == "changed":
        return f"{who} {_shown(row['old'])} → {_shown(row['new'])}"
    return f"{who} {row['new_at'] or row['old_at']}"


def _standing(row: Row) -> str:
    """Returns how value, level and grade moved, as far as they did."""
    pairs = [(row[f"old_{name}"], row[f"new_{name}"]) for name in ("value", "level", "grade")]
    return " ".join(_arrow(*pair) for pair in pairs if pair[0] != pair[1])


def _moved(old: str, new: str) -> str:
    was, is_now = (datetime.fromisoformat(each).astimezone(UTC) for each in (old, new))
    by = abs(is_now - was)
    text = str(by - timedelta(microseconds=by.microseconds)) if by.days or by.seconds else str(by)
    return f"{old} {'+' if is_now >= was else '-'}{text}"


def _arrow(old: object, new: object) -> str:
    return f"{_value(old)} → {_value(new)}"


def _value(value: object) -> str:
    if value is None:
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _shown(content: Row) -> str:
    text = ", ".join(f"{name} {value}" for name, value in content.items()) or "nothing"
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"
