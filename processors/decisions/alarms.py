"""Alarms: the instants that wake a trigger, each kept as the timer of a node of its own.

A node sets its next instant when a fact that it hangs on changes, and again when the instant has
come; what wakes is up to `decide`. What lies in the past when it becomes known is skipped.
"""

from datetime import tzinfo
from typing import assert_never

import msgspec

from processors.decisions.conditions import Fact
from processors.decisions.dates import Appointment, next_due
from processors.decisions.features import NO_PROPERTIES, Features
from processors.decisions.hours import TIMEZONE, zone_of
from processors.decisions.moments import Moment
from processors.decisions.nodes import Bits, Node, set_timer
from processors.decisions.triggers import Woken
from processors.definitions import zones
from processors.definitions.crons import Cron
from processors.definitions.stimuli import DateStimulus, InactiveStimulus, ScheduleStimulus, Timed
from processors.state.profiles import NEVER, Profile, trait


class IdleNode(msgspec.Struct, kw_only=True):
    """Wakes once somebody has done nothing, or not this one thing, for so long."""

    key: str
    width_ms: int
    feature: str | None
    """The times of one event; None: those of any."""
    timer: int = 0
    users: Bits = 0

    def evaluate(self, profile: Profile, moment: Moment) -> Bits:
        """Counts from the latest event on."""
        if self.feature is None:
            latest_ms = profile.active
        else:
            latest_ms = profile.times.get(self.feature, _NEVER_DONE)[-1]
        due_ms = latest_ms + self.width_ms
        is_ahead = due_ms > max(moment.now, moment.adopted)
        set_timer(profile, self.timer, due_ms if is_ahead else NEVER)
        return 0


_NEVER_DONE = [NEVER]


class DateNode(msgspec.Struct, kw_only=True):
    """Wakes when something is due that is relative to a date of the person."""

    key: str
    path: tuple[str, ...]
    appointment: Appointment
    zone: tzinfo | None
    """None: that of the person."""
    timer: int = 0
    users: Bits = 0

    def evaluate(self, profile: Profile, moment: Moment) -> Bits:
        """Reckons from the date that the trait has now."""
        value, zone = trait(profile.traits, self.path), zone_of(profile, self.zone)
        due_ms = next_due(self.appointment, value, zone, max(moment.now, moment.adopted))
        set_timer(profile, self.timer, NEVER if due_ms is None else due_ms)
        return 0


class TickNode(msgspec.Struct, kw_only=True):
    """Wakes at each tick of a schedule."""

    key: str
    cron: Cron
    zone: tzinfo | None
    """None: that of the person."""
    timer: int = 0
    users: Bits = 0

    def evaluate(self, profile: Profile, moment: Moment) -> Bits:
        """Waits for the next tick; those that have come do not come again in another zone."""
        after_ms = max(moment.now, moment.adopted, profile.ticked)
        zone = zone_of(profile, self.zone)
        set_timer(profile, self.timer, self.cron.next_tick(after_ms, zone))
        return 0


def node(trigger_id: str, on: Timed, features: Features) -> tuple[Node, set[Fact]]:
    """Returns the node of a trigger's instants, and which facts it reads."""
    match on:
        case InactiveStimulus():
            idle = IdleNode(key=f"inactive/{trigger_id}", width_ms=on.inactive, feature=None)
            if on.event is None:
                return idle, set()
            feature = features.last(on.event, on.where, width_ms=on.inactive)
            idle.feature = feature.key
            return idle, {("feature", feature.key)}
        case DateStimulus():
            path = tuple(on.date.split("."))
            dated = DateNode(
                key=f"date/{trigger_id}",
                path=path,
                appointment=Appointment(offset_ms=on.offset, at=on.at, is_yearly=on.yearly),
                zone=zones.find(on.timezone),
            )
            return dated, {("trait", path[0]), *_reads(on.timezone)}
        case ScheduleStimulus():
            cron, zone = Cron(on.schedule), zones.find(on.timezone)
            return TickNode(key=f"schedule/{trigger_id}", cron=cron, zone=zone), _reads(on.timezone)
        case _:
            assert_never(on)


def _reads(timezone: str) -> set[Fact]:
    return {("trait", TIMEZONE)} if timezone == zones.PROFILE else set()


def called(rung: list[Woken], profile: Profile, now: int) -> list[Woken]:
    """Returns those of the triggers whose instant it is that are meant for this person."""
    found = []
    for each in rung:
        if each.audience is None:
            found.append(each)
        else:
            profile.ticked = now
            if each.audience(profile, now, NO_PROPERTIES) > 0:
                found.append(each)
    return found
