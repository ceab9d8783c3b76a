"""Words for people, and JSON for programs: the segments as they are, and how well a score tells.

Between the operations and the command line, which prints what this returns.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from rich.table import Table

from processors.operations import effectiveness
from processors.operations.conversions import Question
from processors.operations.effectiveness import Effectiveness, People, Rule
from processors.operations.upkeep import Options, Segment, StaticList
from schemas.events import iso

INSTANTS = ("created_at", "updated_at", "changed_at")


def segments_table(found: Iterable[Segment]) -> Table:
    """Returns a table with a row for each segment."""
    table = _table("segment", "name", numbers=("members", "entered", "exited"))
    for name in ("latest change", "used by", "remarks"):
        table.add_column(name)
    for each in found:
        counts = (f"{count:,}" for count in (each.members, each.entered, each.exited))
        changed = "" if each.changed_at is None else iso(each.changed_at)
        words = ", ".join(each.used_by), ", ".join(each.remarks)
        table.add_row(each.id, each.name, *counts, changed, *words)
    return table


def segments_total(found: list[Segment], options: Options) -> str:
    """Returns the line below it."""
    above = sum(each.is_above_limit for each in found)
    said = f"{_many(len(found), 'segment')}; entered and exited since {iso(options.since_ms)}"
    if options.limit is not None:
        said += f"; {above:,} with more than {options.limit:,} members"
    return said


def segments_json(found: Iterable[Segment], options: Options, notes: Iterable[str]) -> str:
    """Returns the same as JSON."""
    return _json(
        {
            "at": iso(options.now_ms),
            "since": iso(options.since_ms),
            "limit": options.limit,
            "segments": [_dated(msgspec.to_builtins(each)) for each in found],
            "notes": list(notes),
        }
    )


def notes(
    lists: Iterable[str], unpublished: Mapping[str, int], kept: tuple[int, int | None]
) -> Iterator[str]:
    """Yields what the table does not show.

    Args:
        lists: ids of static lists.
        unpublished: members by the id of a segment that is not published.
        kept: how many days are looked at, and how many `segment-changes` keeps, None: enough.
    """
    if named := ", ".join(lists):
        yield f"static lists are counted by `beckon lists`: {named}"
    for id_, members in unpublished.items():
        yield f"{id_} is not published, but the topic still has {_many(members, 'member')} of it"
    days, most = kept
    if most is not None and days > most:
        yield f"segment-changes keeps {most} days: entries and exits before that are not counted"


def lists_table(found: Iterable[StaticList]) -> Table:
    """Returns a table with a row for each static list."""
    table = _table("list", "name", numbers=("members",))
    table.add_column("used by")
    for each in found:
        table.add_row(each.id, each.name, f"{each.members:,}", ", ".join(each.used_by))
    return table


def lists_json(found: Iterable[StaticList], *, now_ms: int) -> str:
    """Returns the same as JSON."""
    return _json({"at": iso(now_ms), "lists": [msgspec.to_builtins(each) for each in found]})


def effectiveness_tables(found: Effectiveness) -> Iterator[Table]:
    """Yields a table of bands and one of rules, as far as there are such."""
    if found.bands:
        bands = _table("band", numbers=("people", "conversions", "rate"))
        for name, each in [*found.bands.items(), ("all", found.everybody)]:
            bands.add_row(name, f"{each.people:,}", f"{each.conversions:,}", _percent(each.rate))
        yield bands
    numbers = ("points", "share", "people", "rate", "rate of others", "lift")
    rules = _table("rule", numbers=numbers)
    for id_, rule in found.rules.items():
        rates = _percent(rule.holders.rate), _percent(rule.others.rate)
        lift = "" if rule.lift is None else f"{rule.lift:.2f}"
        rules.add_row(id_, *_points(rule), f"{rule.holders.people:,}", *rates, lift)
    if found.added.points:
        rules.add_row("by triggers", *_points(found.added))
    if rules.row_count:
        yield rules


def effectiveness_total(found: Effectiveness, question: Question) -> Iterator[str]:
    """Yields the lines below them."""
    everybody = found.everybody
    yield (
        f"{everybody.conversions:,} of {_many(everybody.people, 'person', 'people')} convert by"
        f" {question.conversion} ({_percent(everybody.rate) or 'none'}), over"
        f" {found.events:,} events ({_many(found.dead_letters, 'dead letter')})"
    )
    if found.auc is not None:
        yield f"area under the ROC curve: {found.auc:.3f} (0.5 is chance, 1 tells all apart)"
    if found.late:
        yield (
            f"left out: {_many(found.late, 'person', 'people')} whose conversion came after later"
            " events of theirs"
        )
    yield from (f"warning: {each}" for each in effectiveness.warnings(found))


def effectiveness_json(found: Effectiveness, question: Question) -> str:
    """Returns the same as JSON."""
    return _json(
        {
            "score": question.score,
            "conversion": question.conversion,
            **_people(found.everybody),
            "auc": found.auc,
            "bands": [{"band": name, **_people(each)} for name, each in found.bands.items()],
            "rules": [{"rule": id_, **_rule(each)} for id_, each in found.rules.items()],
            "added_by_triggers": {"points": found.added.points, "share": found.added.share},
            "left_out": found.late,
            "events": found.events,
            "dead_letters": found.dead_letters,
            "warnings": list(effectiveness.warnings(found)),
        }
    )


def _people(each: People) -> dict[str, Any]:
    return {"people": each.people, "conversions": each.conversions, "rate": each.rate}


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "points": rule.points,
        "share": rule.share,
        "holders": _people(rule.holders),
        "others": _people(rule.others),
        "lift": rule.lift,
    }


def _points(rule: Rule) -> tuple[str, str]:
    return f"{rule.points:,.10g}", _percent(rule.share)


def _percent(rate: float | None) -> str:
    return "" if rate is None else f"{rate:.1%}"


def _many(count: int, one: str, several: str = "") -> str:
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"


def _table(*texts: str, numbers: tuple[str, ...]) -> Table:
    table = Table(*texts, box=None, pad_edge=False)
    for name in numbers:
        table.add_column(name, justify="right")
    return table


def _dated(row: dict[str, Any]) -> dict[str, Any]:
    return row | {name: iso(row[name]) for name in INSTANTS if row[name] is not None}


def _json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
