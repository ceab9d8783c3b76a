"""Actions that only journeys need; the others are tested with triggers."""

from processors.definitions import actions, documents
from processors.definitions.triggers import Trigger
from tests.unit.definitions.builders import problems, trigger


def test_triggers_begin_and_end_journeys() -> None:
    found = documents.parse(trigger({"start_journey": "a"}, {"stop_journey": "b"}))
    assert isinstance(found, Trigger)
    start, stop = found.do
    assert isinstance(start, actions.StartJourney)
    assert isinstance(stop, actions.StopJourney)
    assert (start.journey, stop.journey) == ("a", "b")


def test_their_ids_are_ids() -> None:
    (found,) = problems(trigger({"start_journey": "A b"}))
    assert found.startswith("do[0].start_journey: must be an id")
