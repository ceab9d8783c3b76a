"""Scores X Education's leads by the definitions beside it, and says how well the scores tell who
bought: replays the leads with `beckon replay` and prints the area under the ROC curve.

    python examples/xeducation/evaluate.py SOURCE_DIR
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from examples.xeducation import convert

HERE = Path(__file__).resolve().parent

Scores = dict[str, dict[str, float]]
"""By the name of a score: lead's id and value."""

FIT, ENGAGEMENT, SUM = "fit", "engagement", "fit + engagement"
VENDOR = {
    "vendor's profile score": ("Asymmetrique Profile Score",),
    "vendor's activity score": ("Asymmetrique Activity Score",),
    "vendor's sum": ("Asymmetrique Profile Score", "Asymmetrique Activity Score"),
}
"""What another tool made of about half of the leads; these columns reach no event."""


def main() -> None:
    """Prints a table: how well each score tells the halves' buyers from the others."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("source", type=Path, help="folder of Leads.csv")
    source = parser.parse_args().source
    rows = list(convert.read(source))
    with tempfile.TemporaryDirectory() as folder:
        found = replayed(source, Path(folder))
    for line in report(rows, ours(rows, found) | vendors(rows)):
        print(line)


def replayed(source: Path, folder: Path) -> Scores:
    """Returns what `beckon replay` gives each lead; its files stay in the folder."""
    events, out = folder / "events.jsonl", folder / "out"
    with events.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(event) + "\n" for event in convert.convert(source))
    command = [sys.executable, "-m", "processors", "replay"]
    command += ["--definitions", str(HERE / "definitions")]
    command += ["--events", str(events), "--out", str(out)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=HERE.parents[1])
    found: Scores = {FIT: {}, ENGAGEMENT: {}}
    with (out / "scores.jsonl").open(encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            found[row["score_id"]][row["profile_id"]] = row["value"]
    return found


def ours(rows: Iterable[convert.Row], found: Scores) -> Scores:
    """Returns the scores and their sum for every lead; one that never moved is 0."""
    leads = [row["Prospect ID"] for row in rows]
    filled = {name: {lead: of.get(lead, 0) for lead in leads} for name, of in found.items()}
    filled[SUM] = {lead: filled[FIT][lead] + filled[ENGAGEMENT][lead] for lead in leads}
    return filled


def vendors(rows: Iterable[convert.Row]) -> Scores:
    """Returns what the vendor's columns say of the leads for which they say anything."""
    found: Scores = {name: {} for name in VENDOR}
    for row in rows:
        for name, columns in VENDOR.items():
            if all(row[column] for column in columns):
                found[name][row["Prospect ID"]] = sum(float(row[column]) for column in columns)
    return found


def report(rows: Iterable[convert.Row], found: Scores) -> list[str]:
    """Returns the table; its last line looks only at the leads that the vendor has scored too."""
    bought = {row["Prospect ID"]: row["Converted"] == "1" for row in rows}
    held_out = {lead: yes for lead, yes in bought.items() if is_held_out(lead)}
    seen = {lead: yes for lead, yes in bought.items() if not is_held_out(lead)}
    both = {lead: found[SUM][lead] for lead in found["vendor's sum"]}
    lines = [f"{'area under the ROC curve':<32} {'held out, leads':>18} {'looked at, leads':>18}"]
    for name, values in (found | {f"{SUM}, vendor's leads": both}).items():
        cells = [area_of(values, half) for half in (held_out, seen)]
        lines.append(f"{name:<32} {cells[0]} {cells[1]}")
    return lines


def area_of(values: dict[str, float], bought: dict[str, bool]) -> str:
    """Returns the area and the number of leads, as two cells."""
    leads = [lead for lead in bought if lead in values]
    area = auc([values[lead] for lead in leads], [bought[lead] for lead in leads])
    return f"{area:10.3f}, {len(leads):6,}"


def is_held_out(lead: str) -> bool:
    """Returns whether a lead belongs to the half that nobody looked at to set the points.

    >>> is_held_out("7927b2df-8bba-4d29-b9a2-b6e0beafe620")
    False
    """
    return hashlib.sha256(lead.encode()).digest()[0] >= 128


def auc(values: list[float], positive: list[bool]) -> float:
    """Returns how probably a positive has the higher value of two, a tie counting one half.

    Source: the Mann-Whitney U statistic with mid-ranks, divided by the number of pairs.

    >>> auc([1, 2, 2, 3], [False, False, True, True])
    0.875
    """
    positives = sum(positive)
    negatives = len(positive) - positives
    if not positives or not negatives:
        raise ValueError("the area needs both positives and negatives")
    rank = mid_ranks(values)
    ranks = sum(rank(value) for value, yes in zip(values, positive, strict=True) if yes)
    return (ranks - positives * (positives + 1) / 2) / (positives * negatives)


def mid_ranks(values: list[float]) -> Callable[[float], float]:
    """Returns what tells a value's rank, from 1; equal values share the mean of their ranks."""
    first: dict[float, int] = {}
    last: dict[float, int] = {}
    for place, value in enumerate(sorted(values), 1):
        first.setdefault(value, place)
        last[value] = place
    return lambda value: (first[value] + last[value]) / 2


if __name__ == "__main__":
    main()
