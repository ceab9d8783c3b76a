"""Whom a command names: ids that are given to it, and those of a file, all of them checked.

A file has one id a line, or is a CSV file of which one column has them.
"""

import csv
from collections.abc import Iterable, Iterator

import msgspec

from processors.definitions import suggestions
from processors.operations.errors import OperationFailed
from processors.operations.ingesting import lines
from schemas import events
from schemas.errors import BadEvent
from schemas.events import MAX_ID_CHARS, Event

MAX_NAMED = 1_000
"""Of lines that are no ids, as many are told one by one."""
MARK = "\ufeff"
"""What some programs write before the first line of a text."""


class Entry(msgspec.Struct, frozen=True):
    """Somebody's id, and where it stands."""

    profile_id: str
    place: str | None = None
    """`file:line`; None where it was given."""


def given(profile_ids: Iterable[str]) -> Iterator[Entry]:
    """Yields ids that were given one by one."""
    return (Entry(each) for each in profile_ids)


def of_file(source: str, column: str | None) -> Iterator[Entry]:
    """Yields the ids of a file, without what is blank around them; empty lines are left out.

    Args:
        source: a file, also one packed as `.zst`, or `-` for standard input; UTF-8.
        column: of a CSV file with a first line of names; None: one id a line.

    Raises:
        OperationFailed: it can not be read, or has no such column.
    """
    with lines(source) as found:
        texts = (line.decode(errors="surrogateescape") for line in found)
        if column is not None:
            yield from _of_column(source, texts, column)
            return
        for number, line in enumerate(texts, 1):
            if profile_id := _trimmed(line):
                yield Entry(profile_id, f"{source}:{number}")


def _of_column(source: str, texts: Iterator[str], column: str) -> Iterator[Entry]:
    reader = csv.reader(texts, strict=True)
    try:
        names = [_trimmed(each) for each in next(reader, [])]
        if column not in names:
            hint = suggestions.hint(column, names) or f"; it has {', '.join(names) or 'none'}"
            raise OperationFailed(f"{source} has no column {column}{hint}")
        place = names.index(column)
        for row in reader:
            if row:
                cell = row[place] if place < len(row) else ""
                yield Entry(_trimmed(cell), f"{source}:{reader.line_num}")
    except csv.Error as error:
        raise OperationFailed(f"{source}:{reader.line_num}: is no CSV: {error}") from error


def _trimmed(text: str) -> str:
    return text.removeprefix(MARK).strip()


def checked(entries: Iterable[Entry]) -> list[str]:
    """Returns the ids, each once, in their order.

    Raises:
        OperationFailed: some are no ids; it names them, with their lines.
    """
    found: dict[str, None] = {}
    bad: list[str] = []
    for each in entries:
        reason = _fault(each.profile_id)
        if reason is None:
            found[each.profile_id] = None
        else:
            place = "" if each.place is None else f"{each.place}: "
            bad.append(f"{place}{each.profile_id!r} is no profile id: {reason}")
    if bad:
        more = len(bad) - MAX_NAMED
        rest = [f"and {more:,} more"] if more > 0 else []
        raise OperationFailed("\n".join([*bad[:MAX_NAMED], *rest, "nothing was sent"]))
    return [*found]


def _fault(profile_id: str) -> str | None:
    """Returns why it is no id; None where it is one."""
    if len(profile_id) > MAX_ID_CHARS:
        return f"it has more than {MAX_ID_CHARS} characters"
    try:
        profile_id.encode()
        events.profile_id(msgspec.structs.replace(_ANY, user_id=profile_id))
    except UnicodeEncodeError:
        return "it is not UTF-8"
    except BadEvent as bad:
        return str(bad)
    return None


_ANY = msgspec.convert(
    {"messageId": "any", "type": "track", "timestamp": "1970-01-01T00:00:00Z"}, Event
)
