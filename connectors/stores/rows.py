"""Many rows as one parameter: one statement and one round trip for a whole batch."""

import functools
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import CursorResult, TextClause, text
from sqlalchemy.engine import Connection


class Statement(NamedTuple):
    """A statement over many rows, with the columns of these."""

    sql: str
    """With `{rows}` where the rows are selected from, as `v`. `… {is_asked}` says of a column that
    it is the `id` of one of them: Postgres goes by the index then, however small it thinks a table
    is that nobody has analysed yet."""
    columns: tuple[tuple[str, str], ...]
    """Names and their types in Postgres; SQLite takes them as JSON has them."""


def statement(sql: str, **columns: str) -> Statement:
    """Returns a statement over rows with these columns."""
    return Statement(sql, tuple(columns.items()))


def run(
    connection: Connection,
    asked: Statement,
    given: Iterable[Mapping[str, object]],
    **values: object,
) -> CursorResult[Any]:
    """Returns what a statement finds, or how many rows it changed.

    Args:
        connection: within the caller's transaction.
        asked: the statement.
        given: its rows; each has all columns.
        values: its other parameters.
    """
    found = _text(asked, connection.dialect.name)
    return connection.execute(found, {"rows": parameter(given), **values})


@functools.cache
def _text(asked: Statement, dialect: str) -> TextClause:
    found = source(dialect, dict(asked.columns))
    ids = f"(select v.id from {found})"
    is_asked = f"= any (array{ids})" if dialect == "postgresql" else f"in {ids}"
    return text(asked.sql.replace("{rows}", found).replace("{is_asked}", is_asked))


def source(dialect: str, columns: Mapping[str, str]) -> str:
    """Returns what to select the rows of the parameter `:rows` from, as `v`.

    Args:
        dialect: `postgresql` or `sqlite`.
        columns: names and their types in Postgres; SQLite takes them as JSON has them.
    """
    if dialect == "postgresql":
        typed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        return f"json_to_recordset(cast(:rows as json)) as v({typed})"
    picked = ", ".join(f"value ->> '$.{name}' as {name}" for name in columns)
    return f"(select {picked} from json_each(:rows)) as v"


def parameter(rows: Iterable[Mapping[str, object]]) -> str:
    """Returns the rows as the statements take them."""
    return msgspec.json.encode(list(rows)).decode()
