"""Loads the items of a catalogue from a file: all of it is checked before anything is written.

CSV with a first line of names, or JSON lines; each item has an `id`, a `title`, and what else it
has. What is loaded again unchanged does no harm.
"""

import csv
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Any

import msgspec

from processors.definitions import suggestions
from processors.operations.archives import Archive
from processors.operations.errors import OperationFailed
from processors.operations.ingesting import lines
from processors.operations.producing import Writer
from processors.runtime import clients, readers
from processors.runtime.clients import Cluster
from schemas import items
from schemas.errors import BadRecord
from schemas.topics import full_name

MAX_ITEMS = 1_000_000
"""Of one file."""
MAX_NAMED = 100
"""Of lines that are no items, as many are told one by one."""
STEP = 5_000
"""Items between two words of progress."""
MARK = "\ufeff"
"""What some programs write before the first line of a text."""
ID = "id"

Progress = Callable[[int], None]
Line = tuple[int, str, bytes]
"""Its number, the item's id, and its JSON without that."""


class Stocked(msgspec.Struct, frozen=True):
    """What came of loading a file."""

    loaded: int
    ended: int


def check(archive: Archive, catalogue: str) -> None:
    """Passes the id of a catalogue that is published.

    Raises:
        OperationFailed: there is no such catalogue.
    """
    known = archive.ids("catalogue")
    if catalogue not in known:
        named = f"; there are {', '.join(known[:MAX_NAMED])}" if known else "; there is none"
        hint = suggestions.hint(catalogue, known) or named
        raise OperationFailed(f"no catalogue {catalogue} is published{hint}")


def stock(
    cluster: Cluster,
    prefix: str,
    catalogue: str,
    *,
    source: str,
    prune: bool,
    progress: Progress,
) -> Stocked:
    """Writes the items of a file; with `prune`, ends those of the catalogue that it has not.

    Args:
        cluster: where to.
        prefix: of all topics.
        catalogue: whose items they are.
        source: `.csv` or `.jsonl`, either packed as `.zst`.
        prune: reads all of the topic to find what is gone.
        progress: is told the number of items after each stretch.

    Raises:
        OperationFailed: a line is no item, or Kafka does not take them. In the first case nothing
            was written; in the other, to do it again writes what is missing.
        RuntimeFailure: the topic can not be read.
    """
    ids = checked(source)
    topic = full_name(prefix, "items")
    gone = sorted(present(cluster, topic, catalogue) - ids) if prune else []
    with Writer(cluster) as writer:
        for count, (_, item, value) in enumerate(read(source), 1):
            writer.write(topic, items.key(catalogue, item), value)
            if count % STEP == 0:
                progress(count)
        for item in gone:
            writer.write(topic, items.key(catalogue, item), None)
        if writer.finish():
            raise OperationFailed("Kafka did not take all items: do it again")
    progress(len(ids))
    return Stocked(len(ids), len(gone))


def checked(source: str) -> set[str]:
    """Returns the ids of a file's items.

    Raises:
        OperationFailed: some lines are none; it names them.
    """
    found: set[str] = set()
    bad: list[str] = []
    more = 0

    def refuse(number: int, why: str) -> None:
        nonlocal more
        if len(bad) < MAX_NAMED:
            bad.append(f"{source}:{number}: {why}")
        else:
            more += 1

    for number, item, _ in read(source, refuse):
        if item in found:
            refuse(number, f"there is an item {item} already")
        found.add(item)
        if len(found) > MAX_ITEMS:
            raise OperationFailed(f"{source} has more than {MAX_ITEMS:,} items; nothing is written")
    if bad:
        rest = [f"and {more:,} more"] if more else []
        raise OperationFailed("\n".join([*bad, *rest, "nothing is written"]))
    return found


def read(source: str, refuse: Callable[[int, str], None] | None = None) -> Iterator[Line]:
    """Yields the items of a file; lines that are none are told, or left out.

    Raises:
        OperationFailed: it can not be read, or is neither CSV nor JSON lines.
    """
    name = source.removesuffix(".zst")
    if not name.endswith((".csv", ".jsonl")):
        raise OperationFailed(f"{source}: must be named *.csv or *.jsonl, with .zst where packed")
    with lines(source) as found:
        given = _rows(source, found) if name.endswith(".csv") else _objects(found)
        for number, row in given:
            try:
                item, value = _item(row)
            except BadRecord as error:
                if refuse is not None:
                    refuse(number, str(error))
                continue
            yield number, item, value


def present(cluster: Cluster, topic: str, catalogue: str) -> set[str]:
    """Returns the ids of the items that a catalogue has now.

    Raises:
        RuntimeFailure: the topic can not be read.
    """
    found: set[str] = set()
    with closing(clients.reader(cluster, f"{topic}-read")) as reader:
        for stretch in readers.read(reader, topic, readers.ends(reader, topic)):
            for record in stretch:
                try:
                    whose, item = items.parse_key(record.key())
                except BadRecord:
                    continue
                if whose == catalogue:
                    (found.discard if record.value() is None else found.add)(item)
    return found


def _item(row: Any) -> tuple[str, bytes]:
    """Returns an item's id and its JSON.

    Raises:
        BadRecord: it is none.
    """
    if isinstance(row, str):
        raise BadRecord("not-json", row)
    given = dict(row)
    said = given.pop(ID, None)
    item = str(said) if type(said) is int else said
    why = items.fault_of_id(item) if isinstance(item, str) else f"needs the text {ID}"
    if why is not None:
        raise BadRecord("bad-key", why)
    value = items.encode(given).encode()
    items.decode(value)
    return str(item), value


def _objects(found: Iterable[bytes]) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(found, 1):
        if not line.strip():
            continue
        try:
            row = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            row = "is not JSON"
        yield number, row if isinstance(row, dict | str) else "must be a JSON object"


def _rows(source: str, found: Iterable[bytes]) -> Iterator[tuple[int, Any]]:
    """Yields the rows of a CSV file as objects, without empty cells; a price is a number."""
    texts = (line.decode("utf-8", "replace").removeprefix(MARK) for line in found)
    reader = csv.DictReader(texts, strict=True, restkey="")
    try:
        for row in reader:
            number = reader.line_num
            if row.pop("", None):
                yield number, "has more cells than the first line has names"
                continue
            cells: dict[str, Any] = {
                name.strip(): cell.strip() for name, cell in row.items() if cell and cell.strip()
            }
            price = cells.get("price")
            if price is not None:
                cells["price"] = _number(price)
            yield number, cells
    except csv.Error as error:
        raise OperationFailed(f"{source}:{reader.line_num}: is no CSV: {error}") from error


def _number(text: str) -> Any:
    """Returns the number that a text says; the text where it says none."""
    try:
        return msgspec.json.decode(text, type=int | float)
    except msgspec.DecodeError:
        return text
