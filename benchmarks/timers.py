"""What waiting costs: memory of people who wait in a journey, CPU time to set and fire timers."""

from collections.abc import Mapping
from typing import Any

import msgspec

from benchmarks import reports, waiting
from benchmarks.clusters import PARTITIONS
from benchmarks.errors import BenchFailed
from benchmarks.processes import Process
from benchmarks.reports import Report
from benchmarks.states import GIVE_BACK

LONGEST_S = 3_600.0
TARGET_BYTES = 200
TARGET_US = 2.0


class Waited(msgspec.Struct, frozen=True, kw_only=True):
    """What the process of `waiting` told, by the message."""

    waiting: Mapping[str, Any]
    table: Mapping[str, Any]
    index: Mapping[str, Any]
    taken: Mapping[str, Any]
    fired: Mapping[str, Any]


def measure(people: int) -> Report:
    """Has people wait in a process of their own, and fires all their timers.

    Raises:
        BenchFailed: it did not get to the end, or not with every timer once.
    """
    arguments = ["-m", "benchmarks.waiting", str(people)]
    with Process(arguments, GIVE_BACK, name="who wait") as process:
        told = {
            message: process.wait_for(message, LONGEST_S)[0].fields
            for message in Waited.__struct_fields__
        }
    return report(people, Waited(**told))


def report(people: int, found: Waited) -> Report:
    """Returns what it took as a report.

    Raises:
        BenchFailed: a timer fired not at all, or twice.
    """
    if (found.taken["timers"], found.fired["commands"]) != (people, people):
        raise BenchFailed(f"{found.fired['commands']:,} commands for {people:,} timers")
    sizes, timers = found.table, found.waiting["timers"]
    table = sum(sizes[name] for name in ("values", "keys", "dicts")) + found.index["rss"]
    memory = (
        ("timer_bytes", f"a pending timer (target {TARGET_BYTES})", timers),
        ("person_bytes", "a person who waits, all in all", found.waiting["people"] + timers),
        ("table_bytes", "of these: the table's values, keys, dicts, and its index", table),
        ("index_bytes", "of these: the index of timers", found.index["rss"]),
    )
    cpu = (
        ("set_us", f"to set a timer in the index (target {TARGET_US:g})", found.index),
        ("fire_us", f"to take a due one from the index (target {TARGET_US:g})", found.taken),
        ("enter_us", "an event that lets a person in and sets the timer", found.waiting),
        ("leave_us", "a timer that fires, sends, and ends the run", found.fired),
    )
    rows = [
        {"": what, "each": f"{total / people:,.0f} B", "all": f"{total / 1e6:,.0f} MB"}
        for _, what, total in memory
    ]
    rows += [
        {"": what, "each": f"{told['used_s'] / people * 1e6:.2f} µs", "all": _seconds(told)}
        for _, what, told in cpu
    ]
    figures = {name: total / people for name, _, total in memory}
    figures |= {name: told["used_s"] / people * 1e6 for name, _, told in cpu}
    return reports.report(
        "timers",
        f"--people {people}",
        settings={
            "pending timers": f"{people:,}",
            "due over": f"{waiting.SPAN_MS // 3_600_000} h",
            "tables": str(PARTITIONS),
            "slice": str(waiting.SLICE),
        },
        rows=rows,
        figures=figures,
        notes=(
            "A pending timer: how much more the process's resident set is with everybody waiting in"
            " a journey than before, when all had done one event: the run, what is remembered of"
            " the entry, the message id of the second event, the index. A person who waits: more"
            " than with nobody.",
            "CPU: in the index alone, and by the whole batch: reading, deciding, the changelog's"
            " bytes, the table; but for Kafka.",
        ),
    )


def _seconds(told: Mapping[str, Any]) -> str:
    return f"{told['used_s']:,.1f} s of CPU"
