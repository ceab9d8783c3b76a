"""The job of `definitions/job` written out by hand, for the peers; needs the standard library only.

As one would write it for this one job: no timers, no late events, no duplicates, no versions. On a
log in order it comes to the same commands and memberships.
"""

import uuid
from datetime import datetime
from typing import Any

State = dict[str, Any]
Output = tuple[str, str, dict[str, Any]]
"""Topic without prefix, key, value."""

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
NAMESPACE = uuid.UUID("5f6a3f0c-0d6f-5a57-8f55-6c1f3e0e7a10")
HOT = 60
KEPT = 4

TOPICS = (
    "score-changes",
    "scores",
    "segment-changes",
    "segments",
    "decisions",
    "commands.email",
    "commands.push",
)


def new() -> State:
    """Returns what is known of a person at first."""
    return {
        "viewed": 0,
        "email": 0,
        "searched": 0,
        "added": [],
        "dear": 0,
        "checkout": 0,
        "ordered": 0,
        "big": 0,
        "score": 0,
        "in": [],
        "fired": None,
    }


def decide(state: State, event: dict[str, Any]) -> list[Output]:
    """Changes the person's state by an event, and returns what is to be written."""
    person, now = event["userId"], _ms(event["timestamp"])
    outputs = _evaluate(state, person, now, "clock")
    _count(state, event, now)
    return outputs + _evaluate(state, person, now, event["messageId"])


def _count(state: State, event: dict[str, Any], now: int) -> None:
    properties = event["properties"]
    match event["event"]:
        case "Product Viewed":
            state["viewed"] += 1
            state["email"] += properties["source"] == "email"
        case "Products Searched":
            state["searched"] += 1
        case "Product Added":
            state["added"] = [*state["added"], now][-KEPT:]
            state["dear"] += properties["price"] >= 200
        case "Checkout Started":
            state["checkout"] += 1
        case "Order Completed":
            state["ordered"] += 1
            state["big"] += properties["total"] > 300


def _score(state: State, now: int) -> int:
    added = sum(now < at + 3 * DAY_MS for at in state["added"])
    browsing = (
        2 * min(state["viewed"], 10) + 5 * min(state["email"], 4) + 3 * min(state["searched"], 5)
    )
    intent = 5 * added + 10 * min(state["dear"], 2) + 10 * min(state["checkout"], 3)
    loyalty = 15 * min(state["ordered"], 3) + 10 * min(state["big"], 2)
    score: int = min(100, min(40, browsing) + min(40, intent) + min(50, loyalty))
    return score


def _segments(state: State, score: int, now: int) -> list[str]:
    carts = sum(now < at + DAY_MS for at in state["added"])
    members = {
        "active-carts": carts >= 2,
        "browsers": state["viewed"] >= 5,
        "buyers": state["ordered"] >= 1,
        "hot": score >= HOT and state["checkout"] >= 1,
    }
    return [name for name, is_member in members.items() if is_member]


def _evaluate(state: State, person: str, now: int, cause: str) -> list[Output]:
    outputs: list[Output] = []
    old, score = state["score"], _score(state, now)
    before, after = state["in"], _segments(state, score, now)
    if score != old:
        state["score"] = score
        change = {"profile_id": person, "score_id": "engagement", "old": old, "new": score}
        outputs.append(("score-changes", person, change | {"at": now, "cause": cause}))
        record = {"profile_id": person, "score_id": "engagement", "value": score, "at": now}
        outputs.append(("scores", f"{person}/engagement", record))
    if after != before:
        state["in"] = after
        for segment in sorted({*before} ^ {*after}):
            is_member = segment in after
            member = {"profile_id": person, "segment_id": segment, "at": now}
            change = {"change": "entered" if is_member else "exited", "cause": cause}
            outputs.append(("segment-changes", person, member | change))
            outputs.append(("segments", f"{person}/{segment}", member | {"member": is_member}))
    if old < HOT <= score:
        is_free = state["fired"] is None or now >= state["fired"] + 3 * DAY_MS
        outputs += _fire(person, "hot-lead", now, cause, "push" if is_free else None)
        if is_free:
            state["fired"] = now
    if "buyers" in after and "buyers" not in before:
        outputs += _fire(person, "welcome-buyer", now, cause, "email")
    return outputs


def _fire(person: str, trigger: str, now: int, cause: str, channel: str | None) -> list[Output]:
    """Returns the decision of a trigger, and its command where the answer is yes."""
    decision = {
        "profile_id": person,
        "definition_id": trigger,
        "outcome": "no" if channel is None else "yes",
        "reason": "limit" if channel is None else "fired",
        "at": now,
        "cause": cause,
    }
    outputs: list[Output] = [("decisions", person, decision)]
    if channel is not None:
        command = {
            "id": str(uuid.uuid5(NAMESPACE, f"{trigger}/{person}/{cause}")),
            "channel": channel,
            "profile_id": person,
            "definition_id": trigger,
            "occurrence": cause,
            "at": now,
        }
        outputs.append((f"commands.{channel}", person, command))
    return outputs


def _ms(timestamp: str) -> int:
    return round(datetime.fromisoformat(timestamp).timestamp() * 1000)
