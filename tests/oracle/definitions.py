"""All definitions made ready to be asked, in the order in which they are."""

from collections.abc import Iterable

from tests.oracle.documents import Document, in_order
from tests.oracle.journeys import Journey
from tests.oracle.rules import Combined, Score, Segment, Trigger, compared


class Definitions:
    """All of them; scores and segments in the order in which they are evaluated."""

    def __init__(self, documents: Iterable[Document]) -> None:
        documents = list(documents)
        self.evaluated = [_evaluated(one) for one in in_order(documents)]
        self.scores = {one.id: one for one in self.evaluated if not isinstance(one, Segment)}
        self.lists = {one["id"] for one in documents if one["kind"] == "list"}
        self._mark(documents)
        self.journeys = sorted(
            (Journey(one) for one in documents if one["kind"] == "journey"),
            key=lambda journey: journey.id,
        )
        triggers = [Trigger(one) for one in documents if one["kind"] == "trigger"]
        triggers.sort(key=lambda trigger: trigger.id)
        self.triggers = sorted([*self.journeys, *triggers], key=lambda one: -one.priority)
        """Who wakes up; journeys, which then let somebody in, among them."""
        self.clocked = [part for one in self.evaluated for part in one.clocked]
        self.clocked += [part for one in self.journeys for part in one.clocked]

    def _mark(self, documents: list[Document]) -> None:
        """Tells each score which numbers matter to anybody."""
        for score, number, is_over in compared(documents):
            if score in self.scores:
                self.scores[score].fading.thresholds.add((number, is_over))
        for one in self.scores.values():
            for steps in one.thresholds.values():
                one.fading.thresholds |= {(number, False) for number in steps.values()}
            if isinstance(one, Combined):
                for part, side in zip(one.of, ("rows", "columns"), strict=True):
                    numbers = one.matrix[side].values()
                    self.scores[part].fading.thresholds |= {(number, False) for number in numbers}


def _evaluated(document: Document) -> Score | Combined | Segment:
    if document["kind"] == "segment":
        return Segment(document)
    return Combined(document) if "combined" in document else Score(document)
