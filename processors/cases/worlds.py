"""A person under definitions, in memory and in virtual time, and all that came of it for them.

The same driver as that of `beckon replay`: what is tested here is what the worker does.
"""

import functools
from typing import Any

import msgspec

from processors.cases.documents import EVENT_TYPES, Case, Given, Step
from processors.decisions.compiled import Compiled
from processors.decisions.compiling import compile_set
from processors.definitions import sets
from processors.runtime.memory import Driver
from processors.runtime.tables import WAKE_BYTES
from processors.state import profiles
from processors.state.profiles import Profile
from schemas.commands import Command
from schemas.events import iso
from schemas.letters import DeadLetter
from schemas.records import DecisionRecord, SegmentChange


class World:
    """A person, from the beginning of a case on."""

    def __init__(self, compiled: Compiled, case: Case) -> None:
        self.compiled = compiled
        self.person = case.person
        self.commands: list[Command] = []
        self.decisions: list[DecisionRecord] = []
        self.moves: list[SegmentChange] = []
        self._told = 0
        self._driver = Driver(compiled, self._write)
        if case.given is not None:
            self._driver.activate(_nothing())
            self._give(case.given, case.at)
            self._driver.activate(compiled)
        self._driver.advance(case.at)

    @property
    def profile(self) -> Profile | None:
        """The person as it is now; None before its first event."""
        return self._driver.table.profile(self.person)

    @property
    def refused(self) -> list[DeadLetter]:
        """The events that the engine did not take."""
        return self._driver.dead_letters

    def pass_time(self, until_ms: int) -> None:
        """Lets time pass: what is due by then happens."""
        self._driver.advance(until_ms)

    def happen(self, step: Step, now_ms: int) -> None:
        """Has the event of a step happen, if it has one."""
        body = _event(step)
        if body is not None:
            at_ms = now_ms - (step.late_by or 0)
            self._feed([body] * step.times, at_ms, step.person)

    def _give(self, given: Given, at_ms: int) -> None:
        """Makes the person known before the case begins: no definition is active yet.

        Traits come as they always do, by events; nothing outside of triggers changes the rest.
        """
        self._feed([{"type": "group", "traits": given.account}], at_ms)
        self._feed([{"type": "identify", "traits": given.traits}], at_ms)
        table = self._driver.table
        profile = self.profile
        assert profile is not None, "an event makes its person known"
        profile.tags, profile.lists = list(given.tags), list(given.lists)
        profile.status = given.status
        wake = table.profiles[self.person][:WAKE_BYTES]
        table.put_all([(self.person, wake + profiles.encode(profile), None)])

    def _feed(self, bodies: list[dict[str, Any]], at_ms: int, other: str | None = None) -> None:
        records, person = [], other or self.person
        for body in bodies:
            self._told += 1
            ids = {"messageId": f"event-{self._told}", "userId": person}
            value = msgspec.json.encode(body | ids | {"timestamp": iso(at_ms)})
            records.append((person.encode(), value))
        self._driver.feed(records)

    def _write(self, topic: str, key: str, value: msgspec.Struct | None) -> None:
        if key != self.person:
            return
        match value:
            case Command():
                self.commands.append(value)
            case DecisionRecord():
                self.decisions.append(value)
            case SegmentChange():
                self.moves.append(value)
            case _:
                pass


@functools.cache
def _nothing() -> Compiled:
    """Returns the compiled form of no definitions at all."""
    return compile_set(sets.build(()))


def _event(step: Step) -> dict[str, Any] | None:
    """Returns what an SDK would send for a step, without ids and time."""
    if step.identify is not None:
        return {"type": "identify", "traits": step.identify}
    if step.group is not None:
        account = {} if step.group_id is None else {"groupId": step.group_id}
        return {"type": "group", "traits": step.group} | account
    if step.event is None:
        return None
    properties = dict(step.properties)
    kind = EVENT_TYPES.get(step.event)
    if kind is None:
        return {"type": "track", "event": step.event, "properties": properties}
    return {"type": kind, "properties": properties}
