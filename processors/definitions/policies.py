"""Policies: what holds for all messages of some channels and topics, whoever sends them."""

from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import Field

from processors.definitions import values
from processors.definitions.hours import DAYS, Days
from processors.definitions.parts import Faults, Part, Written
from processors.definitions.topics import Channels

Consent = Literal["implied", "required"]
Per = Literal["day", "week", "month"]
Fate = Literal["defer", "drop"]
"""What becomes of a message that may not go now: it waits, or it never goes."""
Over = Literal["combine", "defer", "drop"]
"""The same over a cap; `combine`: it waits, and goes in one message with others that did."""


class QuietHours(Part):
    """When nothing is sent; what is to be sent then waits for their end."""

    start: values.Clock = Field(alias="from")
    """Inside."""
    end: values.Clock = Field(alias="to")
    """Outside; not later than `from`: of the next day."""
    timezone: values.Zone = "profile"
    days: Days = tuple(range(len(DAYS)))
    """On which they begin; 0 is Monday."""

    hints: ClassVar = {"zone": "timezone", "start": "from", "until": "to", "end": "to"}

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that they end."""
        days = raw.get("days", DAYS)
        is_daily = isinstance(days, list | tuple) and {*map(str, days)} >= {*DAYS}
        if "from" in raw and raw.get("from") == raw.get("to") and is_daily:
            faults.add((), f"from {raw['from']} to {raw['to']} every day would never end")
        return raw


class Cap(Part):
    """How many messages a person gets within any such time, or in each period of the calendar."""

    id: values.Id
    times: values.Count
    within: values.Duration | None = None
    """Ms, rolling."""
    per: Annotated[Per, values.one_of(get_args(Per))] | None = None
    """By the person's clocks; weeks begin on Monday."""
    over: Annotated[Over, values.one_of(get_args(Over))] = "drop"
    summary: values.Name | None = None
    """The template of what several messages become that are combined."""

    hints: ClassVar = {"limit": "times", "max": "times", "template": "summary"}

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that it is of one sort, and that what is combined has a template."""
        said = raw.keys() & {"within", "per"}
        if len(said) != 1 and not faults:
            found = "both" if said else "neither"
            faults.add((), f"takes exactly one of within and per, found {found}")
        if "summary" in raw and raw.get("over") != "combine":
            faults.add(("summary",), "may only stand beside over: combine")
        if raw.get("over") == "combine" and "summary" not in raw and not faults:
            faults.add((), "needs the key summary: the template of what is combined")
        return raw


class Arbitration(Part):
    """Messages wait a while, and the best of those that came go."""

    wait: values.Duration
    """Ms, from the first of them."""
    best: values.Count = 1
    """How many go: those of the highest priority, the earlier of like ones."""
    others: Annotated[Fate, values.one_of(get_args(Fate))] = "drop"

    hints: ClassVar = {"window": "wait", "within": "wait"}


class Sunset(Part):
    """Who gets messages and answers none for so long gets no more."""

    after: values.Duration
    """Ms."""

    hints: ClassVar = {"within": "after"}


class Policy(Written):
    """What holds for all messages of some channels and topics, but for transactional ones."""

    kind: Literal["policy"]
    channels: Channels | None = None
    """None: all."""
    topics: Annotated[tuple[values.Id, ...], values.Filled] | None = None
    """None: all, and messages without one."""
    consent: Annotated[Consent, values.one_of(get_args(Consent))] = "implied"
    """For messages whose topic is no definition."""
    quiet_hours: QuietHours | None = None
    caps: Annotated[tuple[Cap, ...], values.Filled] = ()
    arbitration: Arbitration | None = None
    sunset: Sunset | None = None
    expires: values.Duration | None = None
    """Ms after it was to be sent; None: it stays useful."""

    hints: ClassVar = {"channel": "channels", "topic": "topics", "cap": "caps", "ttl": "expires"}

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that it says something, that caps have names of their own, and what combines."""
        if not raw.keys() & SAYING and not faults:
            faults.add((), f"needs one of {', '.join(SAYING)}")
        if "sunset" in raw and "topics" in raw:
            faults.add(("sunset",), "may not stand beside topics: it is for whole channels")
        caps = raw.get("caps")
        seen: set[str] = set()
        combining = None
        for place, cap in enumerate(caps if isinstance(caps, list) else ()):
            name, over = (cap.get("id"), cap.get("over")) if isinstance(cap, dict) else (None, None)
            if isinstance(name, str) and name in seen:
                faults.add(("caps", place, "id"), f"a cap {name} is there already")
            if isinstance(name, str):
                seen.add(name)
            if over == "combine":
                said = _not_combined(raw.get("channels", ()), combining)
                if said is not None:
                    faults.add(("caps", place, "over"), said)
                combining = name
        return raw


def _not_combined(channels: Any, before: Any) -> str | None:
    """Returns why a cap may not combine.

    Args:
        channels: those of its policy, as written.
        before: the id of a cap of the policy that combines already; None: there is none.
    """
    if before is not None:
        return f"cap {before} combines the same messages; let this one defer or drop"
    if isinstance(channels, list | tuple) and len({*map(str, channels)}) != 1:
        found = ", ".join(map(str, channels)) or "all of them"
        return f"combine is for messages of one channel: name it under channels, found {found}"
    return None


SAYING = ("consent", "quiet_hours", "caps", "arbitration", "sunset", "expires")
"""The keys of a policy by which it says something."""
