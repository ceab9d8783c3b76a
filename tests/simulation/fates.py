"""What befalls people and senders in one life of `races`, out of a number."""

import random
from typing import NamedTuple

from schemas.messages import Promise
from tests.builders import (
    Document,
    journey,
    policy,
    send,
    step,
    topic,
    trigger,
    wait,
)

DAY_S = 86_400
CHANNELS = ("email", "sms")
TOPICS = ("news", "shop", "receipt")
GAPS_S = (0, 0, 0, 0.01, 0.3, 2, 30, 600, 3_600, 5 * 3_600, 11 * 3_600, DAY_S, 4 * DAY_S)
LATE_MS = (0, 0, 0, 0, 0, 1_800_000, 2 * DAY_S * 1_000)
DELAYS_S = (0, 0, 0, 0.003, 0.2, 4)
LAGS_S = (0, 0, 0.05, 2, 300, 3 * 3_600)
DOWN_S = (0, 0.5, 60, 2 * 3_600)
ZONES = ("UTC", "America/New_York", "Australia/Lord_Howe")
REPLIES = ("503", "429", "lost", "lost-after", "lost-after", "refused", "bounce")
PROMISES: tuple[Promise, ...] = ("key", "key", "look-up", "none")

TRIGGERS = [
    trigger("a", send("news"), id="a-low", priority=2),
    trigger("a", send("shop", "sms"), id="a-sms"),
    trigger("b", send("news", template="b"), id="b", priority=8),
    trigger("b", send("receipt"), id="b-receipt", priority=1),
    trigger("c", send(channel="sms"), id="c", priority=7),
    trigger("c", send(), id="c-mail"),
]
JOURNEY = journey(
    "b",
    step("shop", send("shop", "sms")),
    wait("pause", for_="1h"),
    step("news", send("news")),
    re_entry="always",
)


class Turn(NamedTuple):
    """One thing that a person does, or that is reported of a message to them."""

    gap_s: float
    """After the one before."""
    late_ms: int
    """How long ago it happened when it comes."""
    person: str
    name: str
    properties: Document
    id: str
    is_callback: bool
    pick: int
    """Which message a callback is of."""


class Fates:
    """One source of chance: asked in the same order it says the same."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._kills = chance.choice((0, 0.004, 0.02))
        self._moves = chance.choice((0, 0, 0.003))
        self._aways = chance.choice((0, 0.01, 0.05))
        self._faults = chance.choice((0, 0.1, 0.4))
        self._pace = chance.choice((0.02, 1, 1))
        self.people = ("p0", "p1")[: chance.randint(1, 2)]
        self.has_journey = chance.random() < 0.3
        self.documents = TRIGGERS + self._rules() + [JOURNEY] * self.has_journey
        self.turns = [self._turn(place) for place in range(chance.randint(8, 40))]

    def rest(self) -> None:
        """From now on nothing fails."""
        self._kills = self._moves = self._aways = self._faults = 0

    def providers(self, channel: str) -> list[tuple[str, Promise]]:
        """Returns names and promises, in their order."""
        names = [f"{channel}-{one}" for one in range(self._chance.randint(1, 2))]
        return [(name, self._chance.choice(PROMISES)) for name in names]

    def is_killed(self) -> bool:
        """Whether a process ends here."""
        return self._chance.random() < self._kills

    def is_replaced(self) -> bool:
        """Whether another takes over here, and a process does not know."""
        return self._chance.random() < self._moves

    def is_away(self) -> bool:
        """Whether the database, or Kafka, does not answer."""
        return self._chance.random() < self._aways

    def is_committed(self) -> bool:
        """Whether offsets are committed now."""
        return self._chance.random() < 0.3

    def delay_s(self) -> float:
        """How long one step takes."""
        return self._pace * self._chance.choice(DELAYS_S)

    def lag_s(self) -> float:
        """How far the worker is behind."""
        return self._pace * self._chance.choice(LAGS_S)

    def down_s(self) -> float:
        """How long nobody takes the place of a process that was killed."""
        return self._chance.choice(DOWN_S)

    def reply(self) -> str:
        """What a provider does with a request."""
        is_fault = self._chance.random() < self._faults
        return self._chance.choice(REPLIES) if is_fault else "accepted"

    def _rules(self) -> list[Document]:
        pick = self._chance.choice
        found = [
            topic(name, consent=pick(("implied", "required", "double"))) for name in TOPICS[:2]
        ]
        found.append(topic("receipt", transactional=True))
        for number in range(self._chance.randint(0, 3)):
            said: Document = {"consent": pick(("implied", "required"))}
            if pick((True, False)):
                said["channels"] = [pick(CHANNELS)]
            if pick((True, False, False)):
                said["quiet_hours"] = {"from": pick(("21:00", "12:00")), "to": "08:00"}
            if pick((True, False)):
                width = pick(({"within": "1h"}, {"within": "1d"}, {"within": "7d"}, {"per": "day"}))
                cap = {"id": "cap", "times": self._chance.randint(1, 3), **width}
                said["caps"] = [cap | {"over": pick(("drop", "defer"))}]
            if number == 0 and pick((True, False, False)):
                said["arbitration"] = {"wait": pick(("15m", "2h")), "best": 1, "others": "defer"}
            if pick((True, False, False)):
                said["sunset"] = {"after": pick(("2d", "6d"))}
            elif pick((True, False)):
                said["topics"] = pick((["news"], ["news", "shop"]))
            if pick((True, False, False)):
                said["expires"] = pick(("9h", "2d"))
            found.append(policy(f"p{number}", **said))
        return found

    def _turn(self, place: int) -> Turn:
        chance, pick = self._chance, self._chance.choice
        kind = chance.choices(
            ("wake", "word", "stop", "answer", "callback", "zone"), (40, 24, 10, 4, 16, 4)
        )[0]
        name, properties = pick("abc"), {}
        if kind == "word":
            name = "consent." + pick(("granted", "granted", "confirmed", "denied"))
            properties = {"channel": pick(CHANNELS)}
            if about := pick((*TOPICS, None)):
                properties["topic"] = about
        elif kind == "stop":
            name = pick(("suppression.added", "suppression.removed", "suppression.removed"))
            properties = pick(({}, {"channel": "email"}, {"channel": "sms"}))
        elif kind == "answer":
            name = pick(("email.opened", "sms.opened"))
        elif kind == "callback":
            name = pick(("unsubscribed", "unsubscribed", "bounced", "complained"))
        elif kind == "zone":
            name, properties = "timezone", {"timezone": pick(ZONES)}
        return Turn(
            gap_s=pick(GAPS_S),
            late_ms=pick(LATE_MS),
            person=pick(self.people),
            name=name,
            properties=properties,
            id=f"m{place}",
            is_callback=kind == "callback",
            pick=chance.randrange(1_000),
        )
