"""Turns a year of a British gift shop's invoices into Segment events, one a line.

Stands before `beckon replay` and `beckon ingest`. Needs nothing but Python; where the file is
compressed (`.csv.zst`), what Beckon itself needs.

    python examples/online-retail/convert.py SOURCE_DIR > orders.jsonl
"""

import argparse
import csv
import io
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

Row = dict[str, str]
Event = dict[str, Any]

FILE = "online_retail_2010-2011.csv"
CENT = Decimal("0.01")
CURRENCY = "GBP"


@dataclass
class Invoice:
    """The lines of one number: all bought, or all sent back."""

    number: str
    customer: str
    country: str
    at: str = ""
    """Of the latest line: 30 invoices took two minutes."""
    total: Decimal = Decimal(0)
    items: int = 0
    lines: int = 0

    def add(self, row: Row) -> None:
        """Adds a line; what comes back counts like what was sold."""
        pieces = abs(int(row["Quantity"]))
        self.at = max(self.at, row["InvoiceDate"])
        self.total += pieces * Decimal(row["UnitPrice"])
        self.items += pieces
        self.lines += 1


def main() -> None:
    """Writes the events to the standard output."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", type=Path, help=f"folder of {FILE}")
    for event in convert(parser.parse_args().source):
        sys.stdout.write(json.dumps(event, separators=(",", ":")) + "\n")


def convert(source: Path) -> Iterator[Event]:
    """Yields the events in order of time, those of one instant in the order of the file.

    Guarantees: the same source gives the same events, ids included.
    """
    countries: dict[str, str] = {}
    for invoice in sorted(invoices(read(source)), key=lambda invoice: invoice.at):
        if countries.get(invoice.customer) != invoice.country:
            countries[invoice.customer] = invoice.country
            yield identify(invoice)
        yield order(invoice)


def invoices(rows: Iterable[Row]) -> Iterable[Invoice]:
    """Returns the invoices of all rows that are of use."""
    found: dict[str, Invoice] = {}
    for row in rows:
        if not (is_clean(row) or is_refund(row)):
            continue
        number = row["InvoiceNo"]
        if number not in found:
            customer = row["CustomerID"].removesuffix(".0")
            found[number] = Invoice(number, customer, row["Country"])
        found[number].add(row)
    return found.values()


def is_clean(row: Row) -> bool:
    """Returns whether a line was sold to somebody: customer known, quantity and price above 0."""
    return row["CustomerID"] != "" and int(row["Quantity"]) > 0 and Decimal(row["UnitPrice"]) > 0


def is_refund(row: Row) -> bool:
    """Returns whether a line was sent back by somebody: such an invoice's number begins with C."""
    return row["CustomerID"] != "" and row["InvoiceNo"].startswith("C")


def identify(invoice: Invoice) -> Event:
    """Returns where a customer lives, told at the first invoice and where it has changed."""
    return {
        "messageId": f"customer-{invoice.number}",
        "type": "identify",
        "userId": invoice.customer,
        "timestamp": instant(invoice.at),
        "traits": {"country": invoice.country},
    }


def order(invoice: Invoice) -> Event:
    """Returns an invoice as an event; its total is exact to the cent."""
    return {
        "messageId": f"invoice-{invoice.number}",
        "type": "track",
        "event": "Order Refunded" if invoice.number.startswith("C") else "Order Completed",
        "userId": invoice.customer,
        "timestamp": instant(invoice.at),
        "properties": {
            "order_id": invoice.number,
            "total": float(invoice.total.quantize(CENT, ROUND_HALF_UP)),
            "currency": CURRENCY,
            "items": invoice.items,
            "lines": invoice.lines,
            "country": invoice.country,
        },
    }


def instant(at: str) -> str:
    """Returns the source's time, which has no zone, as one in UTC."""
    return f"{at.replace(' ', 'T')}.000Z"


def read(source: Path) -> Iterator[Row]:
    """Yields the rows of the file, compressed or not, by the names of their columns."""
    return csv.DictReader(io.StringIO(text(source / FILE), newline=""))


def text(plain: Path) -> str:
    """Returns the text of a file, or of the one packed by zstd beside it."""
    packed = plain.with_name(f"{plain.name}.zst")
    if plain.exists():
        return plain.read_text(encoding="utf-8")
    if not packed.exists():
        raise SystemExit(f"there is neither {plain} nor {packed}")
    import zstandard

    with packed.open("rb") as file:
        return zstandard.ZstdDecompressor().stream_reader(file).read().decode()


if __name__ == "__main__":
    main()
