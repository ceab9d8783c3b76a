"""What messages may go to one person, by brute force: all that was ever said and sent is kept, and
looked through at each question. For triggers on events that each send one message.
"""

import json
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle.alarms import shows, strikes
from tests.oracle.documents import Document, duration_ms, iso, version
from tests.oracle.people import NAMESPACE

ALL = "*"
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAY = timedelta(days=1)
IMPERSONAL = {"webhook", "crm", "task"}
PERSONAL = ["email", "sms", "push", "whatsapp", "inbox", "slack"]
REASONS = {
    "added": "manual",
    "bounced": "hard-bounce",
    "complained": "complaint",
    "unsubscribed": "unsubscribe",
}

Said = tuple[int, int, str]
"""When, its place in the log, and what."""


@dataclass
class Message:
    """One message, from when it was to be sent first."""

    id: str
    trigger: str
    cause: str
    channel: str
    template: str
    topic: str | None
    priority: int
    made: int
    due: int = 0
    contest: str | None = None
    over: str | None = None
    """The cap that combines, where it was full when the message was asked about last."""


@dataclass
class Summary:
    """What went as one."""

    parts: list[tuple[str, str | None, str, str]]
    """Template, topic, trigger and when it was made, as ISO 8601, of each message."""
    about: set[str | None]
    expires: int | None


@dataclass
class Result:
    commands: list[tuple[str, str, int]] = field(default_factory=list)
    """Trigger, id, when it went."""
    answers: list[tuple[str, str, int, int | None]] = field(default_factory=list)
    """Id, why, when that was said, until when it waits."""
    summaries: dict[str, Summary] = field(default_factory=dict)
    """By the id of the first message in it."""
    changes: list[tuple[str, str | None, int]] = field(default_factory=list)
    """Channel, reason of its suppression or None, when that was said."""


def command_id(parts: list[str]) -> str:
    text = json.dumps(parts, separators=(",", ":"), ensure_ascii=False)
    return str(uuid.uuid5(NAMESPACE, text))


@cache
def span(day: datetime, begin: str, end: str, zone: tzinfo) -> tuple[int, int]:
    """Returns when quiet hours that begin on a day begin and end."""
    first, last = (day.replace(hour=int(each[:2]), minute=int(each[3:])) for each in (begin, end))
    return strikes(first, zone), strikes(last if begin < end else last + DAY, zone)


class Person:
    """One person, told one event after the other."""

    def __init__(self, documents: Iterable[Document], id: str) -> None:
        kinds: dict[str, list[Document]] = {"topic": [], "policy": [], "trigger": []}
        for each in documents:
            kinds[each["kind"]].append(each)
        self.id = id
        self.topics = {each["id"]: each for each in kinds["topic"]}
        self.policies = sorted(kinds["policy"], key=lambda each: str(each["id"]))
        self.triggers = sorted(
            kinds["trigger"], key=lambda each: (-each.get("priority", 5), each["id"])
        )
        self.clock = 0
        self.place = 0
        self.zone: tzinfo = ZoneInfo("UTC")
        self.zone_at = 0
        self.words: dict[tuple[str, str], list[Said]] = {}
        self.stops: list[tuple[int, int, str, str | None]] = []
        """When, place, channel, and the reason; None: lifted."""
        self.sent: list[tuple[int, list[Message]]] = []
        """When, and what went as one."""
        self.silent: dict[str, int] = {}
        self.sunk: dict[str, int] = {}
        self.waiting: list[Message] = []
        self.result = Result()

    # Time

    def hear(self, name: str, at_ms: int, properties: Document, cause: str) -> None:
        """Takes an event, after all that was due before it."""
        self.wait(at_ms)
        self.clock = now = max(self.clock, at_ms)
        self.place += 1
        if name == "timezone" and at_ms >= self.zone_at:
            self.zone, self.zone_at = ZoneInfo(properties["timezone"]), at_ms
        stood = {each: self.stands(each) for each in (ALL, *PERSONAL)}
        self.take(name, at_ms, properties)
        self.tell(stood, now)
        self.settle(now)
        for each in self.triggers:
            if each["on"]["event"] == name:
                self.send(each, now, cause)

    def wait(self, until_ms: int) -> None:
        """Has all happen that is due by then."""
        while (due := min(self.dues(), default=until_ms + 1)) <= until_ms:
            self.clock = max(self.clock, due)
            self.settle(due)

    def dues(self) -> Iterator[int]:
        yield from (each.due for each in self.waiting)
        yield from (due for _, due in self.sunsets())

    def sunsets(self) -> Iterator[tuple[str, int]]:
        for channel, since in self.silent.items():
            if self.stands(channel) is None:
                yield channel, since + min(self.widths(channel))

    def widths(self, channel: str) -> Iterator[int]:
        for each in self.policies:
            if "sunset" in each and channel in each.get("channels", PERSONAL):
                yield duration_ms(each["sunset"]["after"])

    def settle(self, now: int) -> None:
        """Lets the sun set, and asks again about what waits."""
        for channel, due in list(self.sunsets()):
            if due <= now:
                self.sunk[channel] = now
                self.result.changes.append((channel, "sunset", now))
        held, self.waiting = self.waiting, []
        asked = []
        for each in held:
            if reason := self.barred(each):
                self.refuse(each, reason, now)
            elif each.due <= now:
                asked.append(each)
            else:
                self.waiting.append(each)
        winners: dict[str, int] = {}
        firsts: dict[str, list[Message]] = {}
        for each in sorted(asked, key=lambda one: (-one.priority, one.made, one.id)):
            self.decide(each, now, winners, firsts)

    # What was said

    def take(self, name: str, at_ms: int, properties: Document) -> None:
        about, _, what = name.partition(".")
        channel = properties.get("channel", ALL) if about in ("consent", "suppression") else about
        topic = properties.get("topic")
        if what in ("granted", "confirmed", "denied") or (what == "unsubscribed" and topic):
            self.say(channel, topic, at_ms, what)
        if what in REASONS and not (what == "unsubscribed" and topic):
            self.stops.append((at_ms, self.place, channel, properties.get("reason", REASONS[what])))
        if what in ("granted", "confirmed") or (
            what == "opened" and properties.get("machine") is not True
        ):
            self.answer(channel, at_ms)
        if what == "removed":
            for each in [channel] if channel != ALL else list(self.silent):
                self.answer(each, at_ms)
            self.stops.append((at_ms, self.place, channel, None))

    def say(self, channel: str, topic: str | None, at_ms: int, what: str) -> None:
        is_final = what == "confirmed" or self.topic(topic).get("consent") != "double"
        is_no = what in ("denied", "unsubscribed")
        word = "denied" if is_no else "final" if is_final else "asked"
        said = self.words.setdefault((channel, topic or ALL), [])
        said.append((at_ms, self.place, word))

    def answer(self, channel: str, at_ms: int) -> None:
        if channel in self.silent:
            self.silent[channel] = max(self.silent[channel], at_ms)
            if self.silent[channel] + min(self.widths(channel)) > self.clock:
                self.sunk.pop(channel, None)

    def topic(self, name: str | None) -> Document:
        found: Document = self.topics.get(name or "", {})
        return found

    def tell(self, stood: dict[str, Any], now: int) -> None:
        for channel, before in stood.items():
            after = self.stands(channel)
            if after != before:
                self.result.changes.append((channel, after and after[0], now))

    def stands(self, channel: str) -> tuple[str, int] | None:
        """Returns reason and instant of the suppression of just this channel."""
        added = [each for each in self.stops if each[2] == channel and each[3] is not None]
        if added:
            last = max(added)
            lifted = any(
                each[3] is None
                and (
                    (each[2] == channel and each[:2] > last[:2])
                    or (each[2] == ALL and channel != ALL and each[0] >= last[0])
                )
                for each in self.stops
            )
            if not lifted:
                return str(last[3]), last[0]
        return ("sunset", self.sunk[channel]) if channel in self.sunk else None

    def word(self, channel: str, topic: str) -> tuple[str, int] | None:
        """Returns the state of what was said to just this, and when the last word was said."""
        said = sorted(self.words.get((channel, topic), []))
        if not said:
            return None
        state = "pending"
        for _, _, word in reversed(said):
            if word == "denied":
                return (state if said[-1][2] != "denied" else "denied"), said[-1][0]
            if word == "final":
                state = "granted"
        return state, said[-1][0]

    def agreed(self, message: Message, *, alone: bool) -> str | None:
        own = self.word(message.channel, message.topic or ALL)
        of_all = self.word(message.channel, ALL)
        if of_all is not None and of_all[0] == "denied" and (own is None or own[1] <= of_all[1]):
            return "denied"
        found = own if own is not None or alone else of_all
        return None if found is None else found[0]

    # The questions

    def barred(self, message: Message) -> str | None:
        topic = self.topic(message.topic)
        stops = [self.stands(ALL), self.stands(message.channel)]
        reasons = [each[0] for each in stops if each is not None][:1]
        if topic.get("transactional"):
            return "suppressed" if reasons and reasons != ["sunset"] else None
        if reasons:
            return "suppressed"
        consent = topic.get("consent", "implied")
        if not topic and any(each.get("consent") == "required" for each in self.of(message)):
            consent = "required"
        state = self.agreed(message, alone=consent == "double")
        if state == "denied" or (state is None and consent != "implied"):
            return "no-consent"
        return "not-confirmed" if state == "pending" and consent != "implied" else None

    def of(self, message: Message) -> list[Document]:
        """Returns the policies that hold for a message."""
        if self.topic(message.topic).get("transactional"):
            return []
        return [
            each
            for each in self.policies
            if message.channel in each.get("channels", [message.channel])
            and message.topic in each.get("topics", [message.topic])
        ]

    def quiet_until(self, message: Message, now: int) -> int:
        hours = [each["quiet_hours"] for each in self.of(message) if "quiet_hours" in each]
        spans = []
        for each in hours:
            name = each.get("timezone", "profile")
            zone = self.zone if name == "profile" else ZoneInfo(name)
            today = shows(now, zone).replace(hour=0, minute=0, second=0, microsecond=0)
            for day in (today + n * DAY for n in range(-2, 9)):
                if DAYS[day.weekday()] in each.get("days", DAYS):
                    spans.append(span(day, each["from"], each["to"], zone))
        until = now
        while found := [end for begin, end in spans if begin <= until < end]:
            until = max(found)
        return until

    def period(self, per: str, now: int) -> tuple[int, int]:
        """Returns the beginnings of periods around an instant, out of all those near it."""
        today = shows(now, self.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        days = [today + n * DAY for n in range(-40, 41)]
        if per == "week":
            days = [each for each in days if DAYS[each.weekday()] == "mon"]
        if per == "month":
            days = [each for each in days if each.day == 1]
        begins = [strikes(each, self.zone) for each in days]
        return max(at for at in begins if at <= now), min(at for at in begins if at > now)

    def caps(self, message: Message) -> Iterator[tuple[str, Document, Document]]:
        """Gives the name of each cap that holds for a message, the cap, and its policy."""
        for policy in self.of(message):
            for cap in policy.get("caps", []):
                yield f"{policy['id']}/{cap['id']}", cap, policy

    def is_of(self, policy: Document, messages: list[Message]) -> bool:
        """Returns whether a policy holds for any of what went as one."""
        return any(policy in self.of(each) for each in messages)

    def room(self, cap: Document, policy: Document, now: int) -> int:
        """Returns from when on there is room in a cap: now, or later."""
        counted = sorted(at for at, others in self.sent if self.is_of(policy, others))
        if "per" in cap:
            began, ends = self.period(cap["per"], now)
            inside = [at for at in counted if began <= at]
        else:
            width = duration_ms(cap["within"])
            inside = [at for at in counted if now < at + width]
            ends = inside[-cap["times"]] + width if len(inside) >= cap["times"] else now
        return ends if len(inside) >= cap["times"] else now

    def full_until(self, message: Message, now: int, beside: list[Message]) -> tuple[int, bool]:
        """Returns until when caps are full that wait, and whether one is full that drops.

        Args:
            message: the one that is asked about.
            now: when.
            beside: what has gone already as the message that it would be a part of.
        """
        until = now
        for _, cap, policy in self.caps(message):
            if self.is_of(policy, beside):
                continue
            room = self.room(cap, policy, now)
            if room > now:
                if cap.get("over") not in ("defer", "combine"):
                    return now, True
                until = max(until, room)
        return until, False

    def combining(self, message: Message, now: int) -> tuple[str | None, bool]:
        """Returns the name of the cap that combines, and whether it is full."""
        for name, cap, policy in self.caps(message):
            if cap.get("over") == "combine":
                return name, self.room(cap, policy, now) > now
        return None, False

    def decide(
        self, message: Message, now: int, winners: dict[str, int], firsts: dict[str, list[Message]]
    ) -> None:
        policies = self.of(message)
        until = self.quiet_until(message, now)
        if until > now:
            return self.hold(message, "quiet-hours", now, until)
        contest = next((each for each in policies if "arbitration" in each), None)
        if contest is not None:
            name, how = contest["id"], contest["arbitration"]
            others = [each.due for each in self.waiting if each.contest == name]
            end = min(others, default=now + duration_ms(how["wait"]))
            if message.contest != name:
                return self.hold(message, "arbitration", now, end, name)
            if winners.get(name, 0) >= how.get("best", 1):
                if how.get("others") == "defer":
                    return self.hold(message, "outbid", now, end, name)
                return self.refuse(message, "outbid", now)
            winners[name] = winners.get(name, 0) + 1
        cap, is_over = self.combining(message, now)
        first = firsts.get(cap, []) if cap and (is_over or message.over == cap) else []
        until, is_full = self.full_until(message, now, first)
        if is_full:
            return self.refuse(message, "cap", now)
        if until > now:
            message.over = cap if is_over else message.over
            return self.hold(message, "cap", now, until)
        if first:
            first.append(message)
            return self.refuse(message, "combined", now)
        if cap:
            firsts.setdefault(cap, self.go(message, now))
        else:
            self.go(message, now)
        return None

    def send(self, trigger: Document, now: int, cause: str) -> None:
        asked = trigger["do"][0]["send"]
        found = version(trigger)
        message = Message(
            id=command_id([trigger["id"], found, self.id, "0", cause]),
            trigger=trigger["id"],
            cause=cause,
            channel=asked["channel"],
            template=asked["template"],
            topic=asked.get("topic"),
            priority=trigger.get("priority", 5),
            made=now,
        )
        if message.channel in IMPERSONAL:
            self.result.commands.append((message.trigger, message.id, now))
        elif reason := self.barred(message):
            self.refuse(message, reason, now)
        else:
            self.decide(message, now, {}, {})

    def refuse(self, message: Message, reason: str, now: int) -> None:
        self.result.answers.append((message.id, reason, now, None))

    def useful(self, message: Message) -> int | None:
        """Returns from when on a message is of no use."""
        said = [duration_ms(each["expires"]) for each in self.of(message) if "expires" in each]
        return message.made + min(said) if said else None

    def hold(
        self, message: Message, reason: str, now: int, until: int, contest: str | None = None
    ) -> None:
        useful = self.useful(message)
        if useful is not None and until >= useful:
            return self.refuse(message, "expired", now)
        message.due, message.contest = until, contest
        self.waiting.append(message)
        self.result.answers.append((message.id, reason, now, until))
        return None

    def go(self, message: Message, now: int) -> list[Message]:
        """Returns what goes as one from now on."""
        self.sent.append((now, [message]))
        is_marketing = not self.topic(message.topic).get("transactional")
        if is_marketing and any(self.widths(message.channel)):
            self.silent.setdefault(message.channel, now)
        self.result.commands.append((message.trigger, message.id, now))
        return self.sent[-1][1]

    def end(self) -> Result:
        """Returns all that has come of it."""
        for _, each in self.sent:
            if len(each) > 1:
                useful = filter(None, map(self.useful, each))
                self.result.summaries[each[0].id] = Summary(
                    parts=[(one.template, one.topic, one.trigger, iso(one.made)) for one in each],
                    about={one.topic for one in each},
                    expires=min(useful, default=None),
                )
        return self.result
