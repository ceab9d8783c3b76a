"""How well a score tells who converts: people counted by band, by value and by rule. Pure.

`conversions` plays the history and hands over everybody as they stood; `reporting` has the words.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

import msgspec

MOST = 0.5
"""A rule that gives more than this share of all points decides alone."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One person: right before the first conversion, or at the end where there is none."""

    has_converted: bool
    value: float
    band: str | None
    points: Mapping[str, float]
    """What each rule holds, by its id; absent is 0."""
    added: float = 0
    """Points given by triggers."""
    held: Collection[str] = ()
    """The rules that held points then, or at any time before."""


class People(msgspec.Struct, kw_only=True):
    """Some people, and how many of them converted."""

    people: int = 0
    conversions: int = 0

    @property
    def rate(self) -> float | None:
        """Their conversion rate, 0 to 1; None where there is nobody."""
        return self.conversions / self.people if self.people else None

    def add(self, has_converted: bool) -> None:
        """Counts one more."""
        self.people += 1
        self.conversions += has_converted


class Rule(msgspec.Struct, kw_only=True):
    """What one rule gives, and how those convert whom it ever gave anything."""

    points: float = 0
    """Of all people together."""
    share: float | None = None
    """Of all points, 0 to 1, counted without their sign; None where there are none."""
    holders: People = msgspec.field(default_factory=People)
    others: People = msgspec.field(default_factory=People)

    @property
    def lift(self) -> float | None:
        """How many times as often as the others its holders convert; None if nobody else does."""
        held, rest = self.holders.rate, self.others.rate
        return None if held is None or not rest else held / rest


class Effectiveness(msgspec.Struct, kw_only=True):
    """What is known of a score, once everybody is counted."""

    everybody: People
    bands: dict[str, People]
    """The best first."""
    auc: float | None
    """See `auc`."""
    rules: dict[str, Rule]
    """In the order of the definition."""
    added: Rule
    """What triggers gave beside the rules; nobody is counted as its holder."""
    late: int = 0
    """People left out: their conversion came after later events of theirs."""
    events: int = 0
    dead_letters: int = 0


class Tally:
    """Counts people, one after the other; holds no ids."""

    def __init__(self, bands: Sequence[str], rules: Sequence[str]) -> None:
        self._everybody = People()
        self._bands = {name: People() for name in bands}
        self._rules = {id_: Rule() for id_ in rules}
        self._added = Rule()
        self._values: dict[float, People] = {}

    def add(self, person: Standing) -> None:
        """Counts a person."""
        converted = person.has_converted
        self._everybody.add(converted)
        self._values.setdefault(person.value, People()).add(converted)
        if person.band is not None:
            self._bands[person.band].add(converted)
        for id_, rule in self._rules.items():
            rule.points += person.points.get(id_, 0)
            (rule.holders if id_ in person.held else rule.others).add(converted)
        self._added.points += person.added

    def result(self) -> Effectiveness:
        """Returns what everybody comes to."""
        given = [*self._rules.values(), self._added]
        total = sum(abs(each.points) for each in given)
        for each in given:
            each.share = abs(each.points) / total if total else None
        return Effectiveness(
            everybody=self._everybody,
            bands=self._bands,
            auc=auc(self._values),
            rules=self._rules,
            added=self._added,
        )


def auc(by_value: Mapping[float, People]) -> float | None:
    """Returns how probably, of one person who converted and one who did not, the first has more.

    A tie counts one half; so 0.5 is chance. None where all converted, or nobody did.

    Source: the area under the ROC curve is the Mann-Whitney U statistic divided by the number of
    pairs (Hanley and McNeil, Radiology 143, 1982): the sum over values v of
    converted(v) x (others below v + others at v / 2), divided by converted x others.

    >>> auc({1: People(people=1), 2: People(people=2, conversions=1), 3: People(people=0)})
    0.75
    """
    below = pairs = converted = 0
    for _, each in sorted(by_value.items()):
        others = each.people - each.conversions
        pairs += each.conversions * (2 * below + others)
        below += others
        converted += each.conversions
    return pairs / (2 * converted * below) if converted and below else None


def warnings(found: Effectiveness) -> Iterator[str]:
    """Yields what somebody should look at before trusting the score."""
    if not found.everybody.conversions:
        yield "nobody converts: is the event named as in the history?"
    elif found.auc is None:
        yield "everybody converts: there is nobody to tell them from"
    for id_, rule in found.rules.items():
        if rule.share is not None and rule.share > MOST:
            yield f"rule {id_} gives {rule.share:.0%} of all points"
        if not rule.holders.people:
            yield f"rule {id_} gives nobody any points before they convert"
    if found.added.share is not None and found.added.share > MOST:
        yield f"triggers give {found.added.share:.0%} of all points"
