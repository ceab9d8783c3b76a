"""What events say of consents and suppressions: taken into the profile, and told of.

An event that makes no sense changes nothing; a decision under its name says so.
"""

from collections.abc import Iterator
from typing import get_args

import msgspec

from processors.decisions.moments import Moment
from processors.decisions.terms import PERSONAL, Gate
from processors.state.contacts import (
    MAX_WORDS,
    SUNSET,
    Contact,
    Facts,
    Standing,
    Suppression,
    Word,
    key,
)
from processors.state.profiles import Profile
from schemas.consents import (
    ALL,
    ConsentChange,
    ConsentRecord,
    Reason,
    State,
    SuppressionRecord,
)
from schemas.records import DecisionRecord
from schemas.topics import CHANNELS

Fact = tuple[str, str]
CONTACT: Fact = ("contact", "")
"""The fact that changes with any of it."""
REASONS: dict[str, Reason] = {each: each for each in get_args(Reason)}
FINAL = frozenset({"erased", "unsubscribe"})
"""For these reasons, on all channels, somebody leaves all journeys."""
MAX_CHARS = 256


class Said(msgspec.Struct, frozen=True):
    """What an event is about, as its name says."""

    name: str
    what: str
    """granted, confirmed, denied; added, removed; bounced, complained, unsubscribed, delivered,
    answered."""
    channel: str | None = None
    """None: a property says."""


def names(gate: Gate) -> dict[str, Said]:
    """Returns what is listened to, by the names of events."""
    found = {f"consent.{each}": each for each in ("granted", "confirmed", "denied")}
    found |= {f"suppression.{each}": each for each in ("added", "removed")}
    said = {name: Said(name, what) for name, what in found.items()}
    for channel in PERSONAL:
        whats = {each: each for each in ("bounced", "complained", "unsubscribed", "delivered")}
        if channel in gate.sunsets:
            whats |= dict.fromkeys(("opened", "clicked"), "answered")
        for event, what in whats.items():
            name = f"{channel}.{event}"
            said[name] = Said(name, what, channel)
    return said


def hear(gate: Gate, profile: Profile, moment: Moment, said: Said) -> Iterator[Fact]:
    """Takes what the event at hand says; yields the facts that changed."""
    channel = said.channel or _channel(moment, said)
    if channel is None:
        _refuse(profile, moment, said, "unknown-channel")
    elif said.what in ("granted", "confirmed", "denied"):
        yield from _word(gate, profile, moment, said, channel)
    elif said.what in ("delivered", "answered"):
        yield from _reached(gate, profile, moment, said, channel)
    else:
        yield from _stop(gate, profile, moment, said, channel)


def _channel(moment: Moment, said: Said) -> str | None:
    """Returns the channel that an event names; None where there is no such."""
    found = moment.properties.get("channel")
    if found is None and said.what in ("added", "removed"):
        return ALL
    is_known = found in CHANNELS or (found == ALL and said.what in ("added", "removed"))
    return str(found) if is_known else None


def _topic(moment: Moment) -> str | None:
    """Returns the topic that an event names, `*` where none; None where it is no topic."""
    found = moment.properties.get("topic")
    if found is None:
        return ALL
    return found if isinstance(found, str) and 0 < len(found) <= MAX_CHARS else None


def _refuse(profile: Profile, moment: Moment, said: Said, reason: str) -> None:
    moment.decision.decisions.append(
        DecisionRecord(
            profile_id=profile.id,
            definition_id=said.name,
            version="",
            outcome="no",
            reason=reason,
            at=moment.now,
            cause=moment.cause,
            late=moment.late,
        )
    )


def contact_of(profile: Profile) -> Contact:
    """Returns what is known of whom it may be sent to; begins it where nothing is."""
    if profile.contact is None:
        profile.contact = Contact()
    return profile.contact


def _facts(moment: Moment, source: str | None = None) -> Facts:
    read = moment.properties.get
    given = [read("source", source), read("actor"), read("text_version"), read("evidence")]
    first, second, third, fourth = (
        each[:MAX_CHARS] if isinstance(each, str) else None for each in given
    )
    return first, second, third, fourth


def _word(gate: Gate, profile: Profile, moment: Moment, said: Said, channel: str) -> Iterator[Fact]:
    topic = _topic(moment)
    if topic is None:
        _refuse(profile, moment, said, "unknown-topic")
        return
    yield from _say(gate, profile, moment, said, (channel, topic))
    if said.what != "denied":
        yield from _answer(gate, profile, moment, channel)


def _say(
    gate: Gate, profile: Profile, moment: Moment, said: Said, place: tuple[str, str]
) -> Iterator[Fact]:
    """Takes a yes or a no to a topic on a channel."""
    contact, at_ms = contact_of(profile), moment.heard
    name = key(*place)
    word = contact.words.get(name)
    if word is None and len(contact.words) >= MAX_WORDS:
        _refuse(profile, moment, said, "too-many-consents")
        return
    old = None if word is None else word.state
    word = contact.words.setdefault(name, Word())
    before = (old, word.at, word.facts)
    if said.what in ("granted", "confirmed"):
        topic = gate.topics.get(place[1])
        is_double = topic is not None and topic.consent == "double"
        is_asked = said.what == "granted"
        is_final = not (is_asked and is_double)
        word.agree(at_ms, _facts(moment), is_asked=is_asked, is_final=is_final)
    else:
        source = "unsubscribe" if said.what == "unsubscribed" else None
        word.deny(at_ms, _facts(moment, source))
    if (word.state, word.at, word.facts) != before:
        _tell_word(profile, moment, place, word, old)
        yield CONTACT


def _tell_word(
    profile: Profile, moment: Moment, place: tuple[str, str], word: Word, old: State | None
) -> None:
    channel, topic = place
    source, actor, text_version, evidence = word.facts
    decision = moment.decision
    record = ConsentRecord(
        profile_id=profile.id,
        channel=channel,
        topic=topic,
        state=word.state,
        at=word.at,
        source=source,
        actor=actor,
        text_version=text_version,
        evidence=evidence,
    )
    decision.standing.append(("consents", f"{profile.id}/{key(*place)}", record))
    decision.consent_changes.append(
        ConsentChange(
            profile_id=profile.id,
            channel=channel,
            topic=topic,
            old=old,
            new=word.state,
            at=moment.heard,
            cause=moment.cause,
            source=source,
            actor=actor,
            text_version=text_version,
            evidence=evidence,
        )
    )


def _stop(gate: Gate, profile: Profile, moment: Moment, said: Said, channel: str) -> Iterator[Fact]:
    """Takes what stops or lifts everything on a channel, or may."""
    match said.what:
        case "added":
            found = moment.properties.get("reason")
            reason = REASONS.get(found, "manual") if isinstance(found, str) else "manual"
            yield from suppress(gate, profile, moment, channel, reason)
        case "removed":
            yield from _lift(gate, profile, moment, channel)
        case "complained":
            yield from suppress(gate, profile, moment, channel, "complaint")
        case "unsubscribed":
            topic = _topic(moment)
            if topic in (None, ALL):
                yield from suppress(gate, profile, moment, channel, "unsubscribe")
            else:
                yield from _say(gate, profile, moment, said, (channel, str(topic)))
        case _:
            is_hard = moment.properties.get("kind") == "hard"
            if is_hard or contact_of(profile).bounce(channel, moment.heard):
                yield from suppress(gate, profile, moment, channel, "hard-bounce")


def suppress(
    gate: Gate, profile: Profile, moment: Moment, channel: str, reason: Reason
) -> Iterator[Fact]:
    """Stops everything on a channel, as of the event at hand; yields the facts that changed.

    Whoever wants nothing at all any more leaves all journeys.
    """
    contact = contact_of(profile)
    before = contact.standing(channel)
    if reason != SUNSET:
        contact.suppressions.setdefault(channel, Suppression()).add(reason, moment.heard)
    elif moment.heard > contact.lifted(channel):
        contact.sunk.setdefault(channel, moment.heard)
    if contact.standing(channel) != before:
        _tell_suppression(profile, moment, channel, before)
        yield CONTACT
        if channel == ALL and reason in FINAL:
            for journey in gate.journeys.values():
                left = journey.stop(profile, moment, "suppressed")
                if left is not None:
                    yield left


def sink(profile: Profile, moment: Moment, channel: str) -> None:
    """Has somebody get nothing but transactional messages who has not answered for too long."""
    contact_of(profile).sunk[channel] = moment.now
    _tell_suppression(profile, moment, channel, None)


def rise(profile: Profile, moment: Moment, channel: str) -> None:
    """Ends a sunset."""
    contact = contact_of(profile)
    before = contact.standing(channel)
    contact.sunk.pop(channel, None)
    if contact.standing(channel) != before:
        _tell_suppression(profile, moment, channel, before)


def _lift(gate: Gate, profile: Profile, moment: Moment, channel: str) -> Iterator[Fact]:
    """Lifts a suppression, or all of them."""
    contact, at_ms = contact_of(profile), moment.heard
    all_known = dict.fromkeys((ALL, *contact.suppressions, *contact.silent, *contact.sunk))
    lifted = [channel] if channel != ALL else [*all_known]
    for each in lifted:
        yield from _answer(gate, profile, moment, each)
    before = {each: contact.standing(each) for each in lifted}
    contact.suppressions.setdefault(channel, Suppression()).lift(at_ms)
    for each in lifted:
        if contact.standing(each) != before[each]:
            _tell_suppression(profile, moment, each, before[each])
            yield CONTACT


def _reached(
    gate: Gate, profile: Profile, moment: Moment, said: Said, channel: str
) -> Iterator[Fact]:
    """Takes that something was delivered, or that somebody answered it."""
    contact = profile.contact
    if contact is None:
        return
    if said.what == "delivered":
        contact.arrive(channel, moment.heard)
    elif moment.properties.get("machine") is not True:
        yield from _answer(gate, profile, moment, channel)


def _answer(gate: Gate, profile: Profile, moment: Moment, channel: str) -> Iterator[Fact]:
    """Has the time without an answer begin anew, and a sunset end."""
    contact, at_ms = contact_of(profile), moment.heard
    since_ms, after_ms = contact.silent.get(channel), gate.sunsets.get(channel)
    if since_ms is not None and after_ms is not None:
        contact.silent[channel] = max(since_ms, at_ms)
        is_over = contact.silent[channel] + after_ms > moment.now
    else:
        is_over = at_ms > contact.sunk.get(channel, at_ms)
    if is_over and channel in contact.sunk:
        rise(profile, moment, channel)
    yield CONTACT


def _tell_suppression(
    profile: Profile, moment: Moment, channel: str, before: Standing | None
) -> None:
    assert profile.contact is not None, "it was changed"
    after = profile.contact.standing(channel)
    decision = moment.decision
    record = after and SuppressionRecord(
        profile_id=profile.id, channel=channel, reason=after[0], at=after[1]
    )
    decision.standing.append(("suppressions", f"{profile.id}/{channel}", record))
    source, actor, text_version, evidence = _facts(moment)
    decision.consent_changes.append(
        ConsentChange(
            profile_id=profile.id,
            channel=channel,
            topic="",
            old=None if before is None else before[0],
            new=None if after is None else after[0],
            at=moment.heard or moment.now,
            cause=moment.cause,
            source=source,
            actor=actor,
            text_version=text_version,
            evidence=evidence,
        )
    )
