"""Many rows as one parameter: one statement and one round trip for a whole batch."""

from collections.abc import Iterable, Mapping

import msgspec
from sqlalchemy import TextClause, text


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


def statement(sql: str, dialect: str, **columns: str) -> TextClause:
    """Returns the statement, with the rows put where it says `{rows}`."""
    return text(sql.replace("{rows}", source(dialect, columns)))


def parameter(rows: Iterable[Mapping[str, object]]) -> str:
    """Returns the rows as the statements take them."""
    return msgspec.json.encode(list(rows)).decode()
