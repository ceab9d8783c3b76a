"""The way into a journey: who may enter, and why somebody may not."""

import msgspec

from processors.decisions.features import NO_PROPERTIES, Properties, read
from processors.decisions.journeys import Runner
from processors.decisions.moments import Moment
from processors.decisions.runs import Telling
from processors.decisions.triggers import Facts, Guarded, record
from processors.definitions.journeys import MESSAGE_ID
from processors.state.profiles import Profile

MAX_KEY_CHARS = 256


def limit_key(journey: str) -> str:
    """Returns where the entries into a journey are kept that has a limit."""
    return f"journey/{journey}"


class Entry(Guarded, kw_only=True):
    """The way into a journey."""

    runner: Runner
    per: tuple[str, ...] | None
    """Path of the property that tells runs apart; ("messageId",): each event."""
    hears: bool
    """Whether it is an event that lets people in."""

    def fire(self, profile: Profile, moment: Moment, round_: int) -> Facts:
        """Lets somebody in, or says why not."""
        runner = self.runner
        key = self._key(moment)
        reason = runner.closed or self.refusal(profile, moment) or self._bar(profile, moment, key)
        record(self, profile, moment, reason, "entered")
        if reason is not None or key is None:
            return set()
        self.count(profile, moment)
        telling, known_to = Telling(self.id, profile, moment), self._known_to(moment)
        runner.begin(telling, moment.named(round_), key, known_to)
        return {runner.fact}

    def refusal(self, profile: Profile, moment: Moment) -> str | None:
        """Asks whom the journey is for, too."""
        found = super().refusal(profile, moment)
        if found == "condition":
            return found
        return self.runner.missed(profile, moment, self._known_to(moment)) or found

    def _known_to(self, moment: Moment) -> Properties:
        """Returns what a run knows that begins now."""
        return moment.properties if self.hears else NO_PROPERTIES

    def _bar(self, profile: Profile, moment: Moment, key: str | None) -> str | None:
        return "no-key" if key is None else self.runner.bar(profile, moment.now, key)

    def _key(self, moment: Moment) -> str | None:
        if self.per is None:
            return ""
        if self.per == (MESSAGE_ID,):
            return moment.cause
        found = read(moment.properties, self.per)
        if found is None or isinstance(found, list | dict):
            return None
        text = found if isinstance(found, str) else msgspec.json.encode(found).decode()
        return text if 0 < len(text) <= MAX_KEY_CHARS else None
