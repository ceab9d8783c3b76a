"""What must hold of a life of `races`, recomputed from what was seen of it.

`python -m tests.simulation.withdrawals COUNT [FIRST]` lives so many, and ends at the first that
does not hold.
"""

import logging
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator

import typer

from connectors.stores.engines import Database
from schemas.commands import Command
from schemas.intents import OPEN
from tests import stores
from tests.builders import Json, decoded
from tests.oracle import gates
from tests.simulation import invariants
from tests.simulation.fates import DAY_S
from tests.simulation.races import Asked, Given, Looked, Race, Withdrawn, raced

ENDS = {"sent", "failed", "unknown", "dropped", "held"}
TOLD_S = 10.0
SUNSET_MS = 6 * DAY_S * 1_000
"""The longest of the policies: an answer that is so much older may end one."""


def kept(race: Race) -> None:
    """Raises AssertionError where something does not hold."""
    if race.errors:
        raise race.errors[0]
    withdrawals_win(race)
    looked_before_asked(race)
    books_agree(race)
    for one in race.people:
        invariants.commands_once(one.made.out)
        invariants.gate_kept(one.made.out, race.fates.documents)
    if not race.fates.has_journey:
        as_the_oracle_says(race)


def withdrawals_win(race: Race) -> None:
    """No message is let go after the database had a withdrawal that nothing said later undoes."""
    givens: list[Given] = []
    taken: list[Withdrawn] = []
    for at, step in race.log:
        if isinstance(step, Given):
            givens.append(step)
        elif isinstance(step, Withdrawn):
            taken.append(step)
        elif isinstance(step, Looked):
            command = race.ordered[step.message]
            about = (command.channel, command.topic or "*", command.transactional)
            for one in taken:
                is_theirs = one.person == command.profile_id
                if is_theirs and _forbids(one, *about):
                    undone = any(_undoes(each, one, about[1]) for each in givens)
                    assert undone, f"{command} was let go at {at} in spite of {one}"


def _forbids(one: Withdrawn, channel: str, topic: str, is_transactional: bool) -> bool:
    if one.channel not in (channel, "*"):
        return False
    if is_transactional:
        return one.reason not in ("denied", "sunset")
    return one.topic in ("", "*", topic)


def _undoes(given: Given, one: Withdrawn, topic: str) -> bool:
    if given.person != one.person:
        return False
    if one.reason == "sunset":
        return given.channel in (one.channel, "*") and given.at > one.at - SUNSET_MS
    if given.at < one.at:
        return False
    if one.reason == "denied":
        is_yes = given.what in ("granted", "confirmed") and given.channel == one.channel
        return is_yes and given.topic in (one.topic, topic)
    return given.what == "removed" and given.channel in (one.channel, "*")


def looked_before_asked(race: Race) -> None:
    """No provider is asked but after a last look of the same process, one for each request."""
    looks: Counter[Looked] = Counter()
    for at, step in race.log:
        if isinstance(step, Looked):
            looks[step] += 1
        elif isinstance(step, Asked):
            look = Looked(*step)
            assert looks[look] > 0, f"{step} at {at} without a last look"
            looks[look] -= 1


def books_agree(race: Race) -> None:
    """The ledger, the outcomes and the providers say the same of each message."""
    states = race.states()
    assert states.keys() == race.ordered.keys()
    told: dict[str, set[tuple[str, str]]] = {}
    for one in race.outcomes:
        if one.result in ENDS:
            told.setdefault(one.command_id, set()).add((one.id, one.result))
    for id, (state, told_at) in states.items():
        command = race.ordered[id]
        assert state not in OPEN, f"{command} is {state} still"
        assert told_at is not None
        assert {result for _, result in told[id]} == {state}, f"{command}: {told[id]}, {state}"
        assert len(told[id]) == 1
        providers = race.providers[command.channel]
        count = sum(one.accepted[id] for one in providers)
        if not command.transactional or all(one.promise != "none" for one in providers):
            assert count <= 1, f"{command} came {count} times"
        assert count > 0 or state != "sent", f"{command} never came"
        assert count == 0 or state in ("sent", "unknown"), f"{command} came, and is {state}"


def as_the_oracle_says(race: Race) -> None:
    """The gate let go what may go by all that was said, at the same instants."""
    for one in race.people:
        oracle, seen, passed = gates.Person(race.fates.documents, one.name), set[str](), 0
        for heard in one.heard:
            if isinstance(heard, int):
                passed = heard
            elif heard["messageId"] not in seen:
                seen.add(heard["messageId"])
                _hear(oracle, heard)
            oracle.wait(passed)
        told = (value for _, _, value in one.made.out.records)
        found = [value for value in told if isinstance(value, Command)]
        went = sorted((each.definition_id, each.id, each.at) for each in found)
        wanted = sorted(oracle.result.commands)
        assert went == wanted, f"told otherwise: {set(went) ^ set(wanted)}"


def _hear(oracle: gates.Person, heard: Json) -> None:
    event = decoded(heard)
    at_ms = round(event.timestamp.timestamp() * 1000)
    if heard["type"] == "identify":
        oracle.hear("timezone", at_ms, heard["traits"], heard["messageId"])
    else:
        oracle.hear(heard["event"], at_ms, heard.get("properties", {}), heard["messageId"])


def held(database: Database, seed: int) -> Race:
    """Returns a life that holds; else tells of it, and raises AssertionError."""
    race = raced(database, seed)
    try:
        kept(race)
    except Exception as error:
        typer.echo("\n".join((f"seed {seed} fails: {error}", *story(race))))
        raise
    return race


def story(race: Race) -> Iterator[str]:
    """Yields the lines that say what happened in a life."""
    yield from (f"  {each}" for each in race.fates.documents)
    yield from (f"  {each}" for each in race.fates.turns)
    yield from (f"  {at} {step}" for at, step in race.log)
    yield from (
        f"  {name} {at} {key!r} {value!r}" for name, at, key, value in race.standing.records
    )
    yield from (f"  {each}" for each in race.outcomes)


def main(count: int, first: int = 0) -> None:
    """Lives so many lives; ends at the first that does not hold."""
    logging.disable(logging.CRITICAL)
    seen: Counter[str] = Counter()
    began_s = told_s = time.monotonic()
    with tempfile.TemporaryDirectory() as made, stores.opened(f"sqlite:///{made}/r.db") as database:
        for seed in range(first, first + count):
            seen += counted(held(database, seed))
            if time.monotonic() - told_s > TOLD_S:
                told_s = time.monotonic()
                typer.echo(f"{seed + 1 - first} of {count} seeds hold")
    typer.echo(f"{count} seeds from {first} on hold, in {time.monotonic() - began_s:.0f} s:")
    typer.echo(", ".join(f"{times:,} {what}" for what, times in sorted(seen.items())))


def counted(race: Race) -> Counter[str]:
    """Returns what happened in a life."""
    seen = Counter({"turns": len(race.fates.turns), "messages": len(race.ordered)})
    seen["processes"] = race.processes
    seen += Counter(type(step).__name__.lower() for _, step in race.log)
    seen += Counter(state for state, _ in race.states().values())
    return seen


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
