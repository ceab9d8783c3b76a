"""The gate: whether a message to a person may go now, later, or not at all, and why.

It asks in this order: suppression, consent, its confirmation, quiet hours, arbitration, caps. What
waits is asked about again from the first question on, at its instant; a no to consent ends it at
once. Transactional messages are asked the first question only. What was over a cap that combines
goes as one message as soon as there is room.
"""

from collections.abc import Collection

import msgspec

from processors.decisions import quiet, summaries
from processors.decisions.consents import Fact, contact_of, rise, sink
from processors.decisions.moments import Moment
from processors.decisions.nodes import Bits, set_timer
from processors.decisions.summaries import Summaries, Summary
from processors.decisions.terms import Contest, Gate, Terms
from processors.state import profiles
from processors.state.contacts import MAX_HELD, SUNSET, Contact, Held
from processors.state.profiles import NEVER, Profile
from schemas.commands import Command
from schemas.records import DecisionRecord

HELD: Fact = ("held", "")
"""The fact that changes when a message begins to wait."""
WENT = ("allowed", "released", "combined")
"""The reasons of a yes."""
_NOTHING = Contact()

Answer = tuple[str | None, int]
"""Why not, None for yes; and until when it waits, 0 where it never goes."""
YES: Answer = (None, 0)


class GateNode(msgspec.Struct, kw_only=True):
    """Asks again about messages that wait, and lets the sun set."""

    key: str = "gate"
    gate: Gate
    timer: int = 0
    users: Bits = 0

    def evaluate(self, profile: Profile, moment: Moment) -> Bits:
        """Has messages go whose instant has come, and ends those that may never go."""
        contact = profile.contact
        if contact is None:
            return 0
        has_sunk = _sink(self.gate, profile, moment, contact)
        ask_again(self.gate, profile, moment)
        dues = [each.due for each in contact.held]
        dues += [due for _, due in _sunsets(self.gate, contact)]
        set_timer(profile, self.timer, min(dues, default=NEVER))
        return self.users if has_sunk else 0


def take(gate: Gate, profile: Profile, moment: Moment, held: Held) -> Fact | None:
    """Decides on a message that comes for the first time; returns the fact that changed."""
    terms = gate.terms(held.channel, held.topic)
    answer = _first(profile.contact or _NOTHING, terms)
    if answer == YES:
        answer = _then(profile, terms, held, moment.now, is_best=None)
    return HELD if _settle(profile, moment, held, terms, answer) else None


def admit(gate: Gate, profile: Profile, moment: Moment, held: Held) -> bool:
    """Returns whether something may be done at once; what waits for nothing is asked once."""
    terms = gate.terms(held.channel, held.topic)
    if terms.is_free and profile.contact is None:
        return True
    reason, _ = _first(profile.contact or _NOTHING, terms)
    _record(profile, moment, held, reason or "allowed")
    return reason is None


def ask_again(gate: Gate, profile: Profile, moment: Moment) -> None:
    """Decides on those messages that wait and whose instant has come, or that may never go."""
    contact = profile.contact
    assert contact is not None, "whoever asks sees to it"
    held, contact.held = contact.held, []
    due = []
    for each in held:
        terms = gate.terms(each.channel, each.topic)
        answer = _first(contact, terms)
        if answer != YES:
            _settle(profile, moment, each, terms, answer)
            moment.turned = True
        elif each.due <= moment.now:
            due.append((each, terms))
        else:
            contact.held.append(each)
    taken: dict[str, int] = {}
    found: Summaries = {}
    for each, terms in sorted(due, key=lambda one: (-one[0].priority, one[0].made, one[0].id)):
        contest, is_best = terms.contest, None
        if contest is not None and each.contest == contest.id:
            is_best = taken.get(contest.id, 0) < contest.best
        is_full = _is_full(profile, terms, moment.now)
        summary = summaries.joined(found, each, terms, is_full=is_full)
        counted = summary.caps if summary is not None else ()
        answer = _then(profile, terms, each, moment.now, is_best=is_best, counted=counted)
        if contest is not None and is_best and answer[0] != "quiet-hours":
            taken[contest.id] = taken.get(contest.id, 0) + 1
        if summary is not None and answer == YES:
            _combine(profile, moment, each, terms, summary)
        else:
            _settle(profile, moment, each, terms, answer)
            if answer == YES:
                summaries.begin(found, moment, each, terms)
        moment.turned = True


def take_back(profile: Profile, moment: Moment, occurrence: str) -> None:
    """Ends messages that wait, of whatever caused them: what their occurrence begins with."""
    contact = profile.contact
    if contact is None:
        return
    held, contact.held = contact.held, []
    for each in held:
        if each.occurrence.startswith(occurrence):
            _record(profile, moment, each, "left")
        else:
            contact.held.append(each)


def adopt(gate: Gate, profile: Profile, moment: Moment, known: Collection[str]) -> None:
    """Brings what waits and what is counted under other definitions.

    Args:
        gate: the new one.
        profile: of one person, of whose messages something is known.
        moment: of the change.
        known: ids of triggers and journeys that are there still.
    """
    contact = profile.contact
    assert contact is not None, "whoever asks sees to it"
    held, contact.held = contact.held, []
    for each in held:
        if each.definition_id in known:
            contact.held.append(each)
        else:
            terms = gate.terms(each.channel, each.topic)
            _settle(profile, moment, each, terms, ("deleted", 0))
    for of_cap in contact.sends.keys() - gate.caps:
        del contact.sends[of_cap]
    for channel in sorted(contact.silent.keys() - gate.sunsets.keys()):
        rise(profile, moment, channel)
        del contact.silent[channel]
    if not gate.policies:
        for each in contact.held:
            each.due = moment.now
        ask_again(gate, profile, moment)
    if contact.is_empty:
        profile.contact = None


def _first(contact: Contact, terms: Terms) -> Answer:
    """Asks what nothing but the person changes."""
    found = contact.suppression(terms.channel)
    if found is not None and not (terms.is_transactional and found[0] == SUNSET):
        return "suppressed", 0
    if terms.is_transactional:
        return YES
    is_double = terms.consent == "double"
    of_topic = contact.own_word if is_double else contact.word
    word = of_topic(terms.channel, terms.topic)
    state = None if word is None else word.state
    if state == "denied":
        return "no-consent", 0
    if terms.consent == "implied" or state == "granted":
        return YES
    return ("no-consent" if state is None else "not-confirmed"), 0


def _then(
    profile: Profile,
    terms: Terms,
    held: Held,
    now: int,
    *,
    is_best: bool | None,
    counted: Collection[str] = (),
) -> Answer:
    """Asks what hangs on the time, and on other messages.

    Args:
        profile: of the person.
        terms: of the message.
        held: the message.
        now: ms since the epoch.
        is_best: what its arbitration came to; None: it has not waited for one.
        counted: caps that are not asked, since the message in which it goes counts there already.
    """
    contact = profile.contact or _NOTHING
    until_ms = quiet.end(terms.quiet, profile, now) if terms.quiet else now
    if until_ms > now:
        return "quiet-hours", until_ms
    if terms.contest is not None and not is_best:
        window_ms = _window(contact, terms.contest, now)
        if is_best is None:
            return "arbitration", window_ms
        return "outbid", window_ms if terms.contest.defers else 0
    for cap in terms.caps:
        if cap.key in counted:
            continue
        full_ms = cap.full_until(profile, now)
        if full_ms > now:
            if not cap.defers:
                return "cap", 0
            until_ms = max(until_ms, full_ms)
    return ("cap", until_ms) if until_ms > now else YES


def _window(contact: Contact, contest: Contest, now: int) -> int:
    """Returns when the arbitration ends that a message comes into, ms."""
    others = (each.due for each in contact.held if each.contest == contest.id)
    return min(others, default=now + contest.wait_ms)


def _is_full(profile: Profile, terms: Terms, now: int) -> bool:
    """Returns whether there is no room in the cap that has messages go as one."""
    return terms.combining is not None and terms.combining.full_until(profile, now) > now


def _settle(profile: Profile, moment: Moment, held: Held, terms: Terms, answer: Answer) -> bool:
    """Does what was decided on a message; returns whether an instant is to be waited for."""
    reason, until_ms = answer
    if reason is None:
        _record(profile, moment, held, "released" if held.due else "allowed")
        _send(profile, moment, held, terms)
        return terms.is_watched
    contact = profile.contact or _NOTHING
    useful_ms = terms.useful_until(held.made)
    if until_ms and useful_ms is not None and until_ms >= useful_ms:
        reason, until_ms = "expired", 0
    if until_ms and len(contact.held) >= MAX_HELD:
        reason, until_ms = "too-many-held", 0
    _record(profile, moment, held, reason, until_ms)
    if not until_ms:
        return False
    held.due, held.contest = until_ms, None
    if terms.contest is not None and reason in ("arbitration", "outbid"):
        held.contest = terms.contest.id
    if terms.combining is not None and reason == "cap" and _is_full(profile, terms, moment.now):
        held.over = terms.combining.key
    contact_of(profile).held.append(held)
    return True


def _send(profile: Profile, moment: Moment, held: Held, terms: Terms) -> None:
    """Has a message go, and counts it."""
    now = moment.now
    _count(profile, terms, now)
    if terms.is_watched:
        contact_of(profile).silent.setdefault(terms.channel, now)
    moment.decision.commands.append(
        Command(
            id=held.id,
            channel=held.channel,
            profile_id=profile.id,
            definition_id=held.definition_id,
            version=held.version,
            step=held.step,
            occurrence=held.occurrence,
            at=now,
            priority=held.priority,
            template=held.template,
            topic=held.topic,
            **profiles.known(profile),
            properties=held.properties or {},
            transactional=terms.is_transactional,
            expires_at=terms.useful_until(held.made),
        )
    )


def _count(profile: Profile, terms: Terms, now: int, counted: Collection[str] = ()) -> None:
    """Counts a message in its caps, but in those where what it goes in counts already."""
    for cap in terms.caps:
        if cap.key not in counted:
            sent = contact_of(profile).sends.setdefault(cap.key, [])
            sent.append(now)
            del sent[: -cap.times]


def _combine(profile: Profile, moment: Moment, held: Held, terms: Terms, summary: Summary) -> None:
    """Has a message go in another one."""
    _count(profile, terms, moment.now, summary.caps)
    first = summaries.add(summary, moment, held, terms)
    _record(profile, moment, held, "combined", summary_id=first.id)


def _record(
    profile: Profile,
    moment: Moment,
    held: Held,
    reason: str,
    until_ms: int = 0,
    *,
    summary_id: str | None = None,
) -> None:
    moment.decision.decisions.append(
        DecisionRecord(
            profile_id=profile.id,
            definition_id=held.definition_id,
            version=held.version,
            outcome="yes" if reason in WENT else "no",
            reason=reason,
            at=moment.now,
            cause=moment.cause,
            late=moment.late,
            command_id=held.id,
            until=until_ms or None,
            summary_id=summary_id,
        )
    )


def _sunsets(gate: Gate, contact: Contact) -> list[tuple[str, int]]:
    """Returns the channels on which somebody gets nothing from an instant on, with that, ms."""
    return [
        (channel, since_ms + gate.sunsets[channel])
        for channel, since_ms in contact.silent.items()
        if channel in gate.sunsets and contact.standing(channel) is None
    ]


def _sink(gate: Gate, profile: Profile, moment: Moment, contact: Contact) -> bool:
    """Lets the sun set where it is time; returns whether it did."""
    due = [channel for channel, at_ms in _sunsets(gate, contact) if at_ms <= moment.now]
    for channel in due:
        sink(profile, moment, channel)
        moment.turned = True
    return bool(due)
