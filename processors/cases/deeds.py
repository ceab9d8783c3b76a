"""Commands and decisions, those that came held against those that were expected."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from processors.cases.documents import CommandExpectation, DecisionExpectation
from processors.cases.findings import Difference, Findings, shown, times, why
from processors.decisions.comparisons import is_same
from processors.definitions.errors import Path
from schemas.commands import Command
from schemas.records import DecisionRecord

FIELDS = ("channel", "template", "topic", "url", "body")


def commands(
    wanted: Sequence[CommandExpectation], findings: Findings, path: Path
) -> Iterator[Difference]:
    """Yields the commands that are missing, and those that nobody expected."""
    came = findings.commands
    held = assign([[at for at, one in enumerate(came) if _fits(each, one)] for each in wanted])
    extra = [one for at, one in enumerate(came) if at not in held.values()]
    for place, each in enumerate(wanted):
        if place not in held:
            near = _nearest(each, extra)
            if near is not None:
                extra.remove(near)
            yield _missing(each, near, findings, (*path, place))
    yield from _unwanted(extra, findings, path)


def decisions(
    wanted: Sequence[DecisionExpectation], findings: Findings, path: Path
) -> Iterator[Difference]:
    """Yields the decisions that are missing; others may be there."""
    came = findings.decisions
    held = assign([[at for at, one in enumerate(came) if _is(each, one)] for each in wanted])
    for place, each in enumerate(wanted):
        if place not in held:
            said = [part for part in (each.outcome, each.reason) if part is not None]
            yield Difference(
                path=(*path, place),
                at_ms=findings.at_ms,
                expected=f"{each.doer[1]}: {', '.join(said)}",
                found="no such decision",
                notes=tuple(why(findings, each.doer, came)),
            )


def assign(fits: Sequence[Sequence[int]]) -> dict[int, int]:
    """Returns one place for each of as many as can have one, no place for two of them.

    Args:
        fits: The places that would do, for each.

    Source: Kuhn, "The Hungarian method for the assignment problem" (1955): augmenting paths.

    >>> assign([[0, 1], [0]])
    {0: 1, 1: 0}
    """
    held: dict[int, int] = {}
    owner: dict[int, int] = {}
    for want in range(len(fits)):
        came: dict[int, int] = {}
        free = _free(want, fits, owner, came)
        while free is not None:
            each = came[free]
            owner[free] = each
            held[each], free = free, held.get(each)
    return dict(sorted(held.items()))


def _free(
    want: int, fits: Sequence[Sequence[int]], owner: Mapping[int, int], came: dict[int, int]
) -> int | None:
    """Returns a free place that can be had if others move; notes who reached which place."""
    waiting = [want]
    for each in waiting:
        for place in fits[each]:
            if place in came:
                continue
            came[place] = each
            if place not in owner:
                return place
            waiting.append(owner[place])
    return None


def _fits(wanted: CommandExpectation, command: Command) -> bool:
    return wanted.doer[1] == command.definition_id and not _other(wanted, command)


def _is(wanted: DecisionExpectation, decision: DecisionRecord) -> bool:
    return (
        wanted.doer[1] == decision.definition_id
        and wanted.outcome in (None, decision.outcome)
        and wanted.reason in (None, decision.reason)
    )


def _other(wanted: CommandExpectation, command: Command) -> list[str]:
    """Returns the fields in which a command is other than wanted."""
    said = wanted.fields
    return [key for key in said if not is_same(getattr(command, key), said[key])]


def _nearest(wanted: CommandExpectation, extra: Sequence[Command]) -> Command | None:
    """Returns the command of the same trigger or journey that differs least, if there is one."""
    same = [one for one in extra if one.definition_id == wanted.doer[1]]
    return min(same, key=lambda one: len(_other(wanted, one)), default=None)


def _missing(
    wanted: CommandExpectation, near: Command | None, findings: Findings, path: Path
) -> Difference:
    if near is None:
        found = "no such command"
        notes = why(findings, wanted.doer, findings.decided)
    else:
        found = f"{_command(near)}, {times([near.at])}"
        notes = [f"differs in {', '.join(_other(wanted, near))}"]
    return Difference(
        path=path,
        at_ms=findings.at_ms,
        expected=_text(wanted.doer[1], wanted.fields),
        found=found,
        notes=tuple(notes),
    )


def _unwanted(extra: Sequence[Command], findings: Findings, path: Path) -> Iterator[Difference]:
    """Yields what nobody expected; like commands become one."""
    alike: dict[str, list[int]] = {}
    for one in extra:
        alike.setdefault(_command(one), []).append(one.at)
    for text, instants in alike.items():
        yield Difference(
            path=path,
            at_ms=findings.at_ms,
            expected="no other command",
            found=f"{text}, {times(instants)}",
        )


def _command(command: Command) -> str:
    return _text(command.definition_id, {key: getattr(command, key) for key in FIELDS})


def _text(doer: str, fields: Mapping[str, Any]) -> str:
    said = [
        f"{key} {value if isinstance(value, str) else shown(value)}"
        for key, value in fields.items()
        if value is not None
    ]
    return f"{doer}: {', '.join(said) or 'any command'}"
