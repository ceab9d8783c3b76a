"""A year of orders: the totals that the conversion must give, and who belongs where, at ten
instants, by the engine and by the oracle."""

import importlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from processors.cli import cli
from processors.decisions.compiling import compile_set
from processors.decisions.measures import UNIT
from processors.definitions import files
from processors.runtime.memory import Driver
from processors.runtime.tables import WAKE_BYTES
from processors.state import amounts, profiles
from tests import sources
from tests.oracle.documents import instant_ms
from tests.oracle.recompute import Result, recompute

EXAMPLE = sources.ROOT / "examples" / "online-retail"
DEFINITIONS = EXAMPLE / "definitions"
convert = importlib.import_module("examples.online-retail.convert")

INSTANTS = (
    "2010-12-24T18:00:00.000Z",
    "2011-01-31T23:59:59.999Z",
    "2011-03-01T00:00:00.000Z",
    "2011-04-10T12:00:00.000Z",
    "2011-05-31T23:59:59.999Z",
    "2011-07-15T09:30:00.000Z",
    "2011-09-01T00:00:00.000Z",
    "2011-10-30T01:00:00.000Z",
    "2011-07-19T13:55:59.999Z",
    "2011-07-19T13:56:00.000Z",
)
"""The last two: an instant at which somebody's latest order comes to be 30 days old, and the
millisecond before."""

DAY_MS = 86_400_000
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"

Row = dict[str, Any]
Memberships = set[tuple[str, str, str]]
"""Person, segment, since when."""


@pytest.fixture(scope="module")
def source() -> Path:
    return sources.source("online-retail", convert.FILE)


@pytest.fixture(scope="module")
def events(source: Path) -> list[Row]:
    return list(convert.convert(source))


@pytest.fixture(scope="module")
def replayed(events: list[Row], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole log through the engine, to the time of the last event."""
    return replay(events, events[-1]["timestamp"], tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def recomputed(events: list[Row]) -> Result:
    return recompute(DEFINITIONS, events)


def replay(events: Iterable[Row], until: str, folder: Path) -> Path:
    """Returns the folder of what `beckon replay` makes of the events."""
    log, out = folder / "events.jsonl", folder / "out"
    log.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
    words = ["replay", "--definitions", str(DEFINITIONS), "--events", str(log)]
    result = CliRunner().invoke(cli, [*words, "--out", str(out), "--until", until])
    assert result.exit_code == 0, result.output
    return out


def rows_of(out: Path, name: str) -> Iterator[Row]:
    with (out / f"{name}.jsonl").open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def members(rows: Iterable[Row]) -> Memberships:
    return {(row["profile_id"], row["segment_id"], row["since"]) for row in rows}


def members_at(changes: Iterable[Row], instant: str) -> Memberships:
    """Returns who was in what at an instant, from all entries and exits up to it."""
    found: dict[tuple[str, str], str] = {}
    for row in changes:
        if row["at"] <= instant:
            key = row["profile_id"], row["segment_id"]
            if row["change"] == "entered":
                found[key] = row["at"]
            else:
                del found[key]
    return {(*key, since) for key, since in found.items()}


def by_person(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["profile_id"], []).append(row)
    return found


def test_orders_are_those_of_the_clean_rows(events: list[Row]) -> None:
    orders = [event for event in events if event.get("event") == "Order Completed"]
    properties = [event["properties"] for event in orders]
    assert len({each["order_id"] for each in properties}) == len(orders) == 18_532
    assert len({event["userId"] for event in orders}) == 4_338
    assert sum(each["lines"] for each in properties) == 397_884
    assert sum(Decimal(str(each["total"])) for each in properties) == Decimal("8911407.90")
    assert sum(each["items"] for each in properties) == 5_167_812
    assert {each["currency"] for each in properties} == {"GBP"}


def test_what_was_sent_back_is_counted_apart(events: list[Row]) -> None:
    refunds = [event for event in events if event.get("event") == "Order Refunded"]
    assert len(refunds) == 3_654
    assert sum(event["properties"]["lines"] for event in refunds) == 8_905
    totals = [Decimal(str(event["properties"]["total"])) for event in refunds]
    assert sum(totals) == Decimal("611342.09")
    assert min(totals) > 0


def test_log_is_in_order_and_every_event_has_its_own_id(events: list[Row]) -> None:
    times = [event["timestamp"] for event in events]
    assert times == sorted(times)
    assert (times[0], times[-1]) == ("2010-12-01T08:26:00.000Z", "2011-12-09T12:50:00.000Z")
    assert len({event["messageId"] for event in events}) == len(events) == 26_573
    assert Counter(event["type"] for event in events) == {"track": 22_186, "identify": 4_387}


def test_lines_become_one_order_with_its_sum(tmp_path: Path) -> None:
    lines = (
        "7,a,A,2,2011-03-01 10:00:00,1.15,12.0,France\n"
        "7,b,B,3,2011-03-01 10:01:00,0.001,12.0,France\n"
        "7,c,C,-1,2011-03-01 10:01:00,9.00,12.0,France\n"
        "8,a,A,1,2011-03-01 10:00:00,1.15,,France\n"
        "9,a,A,1,2011-03-01 10:00:00,0.0,12.0,France\n"
        "C10,a,A,-2,2011-03-02 10:00:00,1.15,12.0,Spain\n"
    )
    (tmp_path / convert.FILE).write_text(HEADER + lines)
    lives, bought, moved, returned = convert.convert(tmp_path)
    assert bought == {
        "messageId": "invoice-7",
        "type": "track",
        "event": "Order Completed",
        "userId": "12",
        "timestamp": "2011-03-01T10:01:00.000Z",
        "properties": {
            "order_id": "7",
            "total": 2.3,
            "currency": "GBP",
            "items": 5,
            "lines": 2,
            "country": "France",
        },
    }
    assert [event["traits"] for event in (lives, moved)] == [
        {"country": "France"},
        {"country": "Spain"},
    ]
    assert (returned["event"], returned["properties"]["total"]) == ("Order Refunded", 2.3)


def test_source_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"there is neither .*\.csv"):
        list(convert.convert(tmp_path))


@pytest.mark.parametrize("instant", INSTANTS)
def test_third_of_the_customers_are_where_the_oracle_says(
    events: list[Row], replayed: Path, tmp_path: Path, instant: str
) -> None:
    log = [
        event for event in events if int(event["userId"]) % 3 == 0 and event["timestamp"] <= instant
    ]
    wanted = members(recompute(DEFINITIONS, log, instant_ms(instant)).segments)
    assert len(wanted) > 500
    assert members(rows_of(replay(log, instant, tmp_path), "segments")) == wanted
    of_all = members_at(rows_of(replayed, "segment-changes"), instant)
    assert {each for each in of_all if int(each[0]) % 3 == 0} == wanted


def test_membership_ends_to_the_millisecond(replayed: Path) -> None:
    changes = list(rows_of(replayed, "segment-changes"))
    before, after = (
        {person for person, segment, _ in members_at(changes, instant) if segment == "recency-5"}
        for instant in INSTANTS[-2:]
    )
    assert before - after == {"13047"}


def test_what_everybody_spent_is_the_sum_of_the_orders_to_the_penny(events: list[Row]) -> None:
    spent: dict[str, Decimal] = {}
    for event in events:
        if event.get("event") == "Order Completed":
            before = spent.get(event["userId"], Decimal(0))
            spent[event["userId"]] = before + Decimal(str(event["properties"]["total"]))
    driver = Driver(compile_set(files.load(DEFINITIONS)), lambda topic, key, value: None)
    driver.feed((event["userId"].encode(), json.dumps(event).encode()) for event in events)
    assert sums(driver) == spent
    assert sum(spent.values()) == Decimal("8911407.90")


def sums(driver: Driver) -> dict[str, Decimal]:
    """Returns what each profile holds of the one amount that is added up for good."""
    found = {}
    for profile_id, stored in driver.table.profiles.items():
        measured = profiles.decode(profile_id, stored[WAKE_BYTES:]).measured
        for kept in measured.sums.values() if measured is not None else ():
            assert profile_id not in found
            found[profile_id] = Decimal(amounts.total(kept)) / UNIT
    return found


@pytest.mark.parametrize(("instant", "best"), [(INSTANTS[3], 24), (INSTANTS[7], 81)])
def test_cells_of_money_are_those_of_plain_sums(
    events: list[Row], replayed: Path, instant: str, best: int
) -> None:
    now = instant_ms(instant)
    assert now is not None
    lately, ever = Counter[str](), Counter[str]()
    for event in events:
        if event.get("event") == "Order Completed" and event["timestamp"] <= instant:
            pennies = round(event["properties"]["total"] * 100)
            ever[event["userId"]] += pennies
            if now < (instant_ms(event["timestamp"]) or 0) + 90 * DAY_MS:
                lately[event["userId"]] += pennies
    wanted = {(each, monetary_cell(pennies)) for each, pennies in lately.items()}
    wanted |= {(each, "best-customers") for each in ever if ever[each] >= 1_000_000}
    cells = {cell for _, cell in wanted}
    found = members_at(rows_of(replayed, "segment-changes"), instant)
    assert {(each, cell) for each, cell, _ in found if cell in cells} == wanted
    assert sum(cell == "best-customers" for _, cell in wanted) == best


def monetary_cell(pennies: int) -> str:
    return f"monetary-{1 + (pennies >= 30_000) + (pennies >= 100_000)}"


def test_at_any_instant_everybody_who_ordered_is_in_one_cell_of_recency(
    events: list[Row], replayed: Path
) -> None:
    changes = list(rows_of(replayed, "segment-changes"))
    for instant in INSTANTS:
        cells = [
            person
            for person, segment, _ in members_at(changes, instant)
            if segment.startswith("recency-")
        ]
        ordered = {
            event["userId"]
            for event in events
            if event.get("event") == "Order Completed" and event["timestamp"] <= instant
        }
        assert sorted(cells) == sorted(ordered)


def test_whole_year_is_what_the_oracle_says(replayed: Path, recomputed: Result) -> None:
    assert members(rows_of(replayed, "segments")) == members(recomputed.segments)
    assert len(recomputed.segments) == 19_267
    changes = by_person(rows_of(replayed, "segment-changes"))
    assert changes == by_person(recomputed.segment_changes)
    assert len(recomputed.segment_changes) == 126_959
    commands = sorted(row["id"] for row in rows_of(replayed, "commands"))
    assert commands == sorted(row["id"] for row in recomputed.commands)
    assert len(commands) == 1_307
