"""Journeys laid out: what runs hang on, and what they keep to know."""

from processors.decisions.flows import Flow
from schemas.events import RUN_REQUESTED
from tests.builders import (
    PAUSE,
    SEND,
    Document,
    compiled,
    journey,
    score,
    segment,
    step,
    wait,
)


def flow(*documents: Document) -> Flow:
    return compiled(*documents).runners["j"].newest


def readers(*documents: Document) -> set[tuple[str, str]]:
    """Returns the facts that move runs of the journey."""
    found = compiled(*documents)
    place = 1 << found.places["journey/j"]
    return {fact for fact, users in found.users.items() if users & place} - {("runs", "j")}


def test_runs_are_moved_by_what_ends_them_and_what_they_wait_for() -> None:
    asked = {"branch": {"cases": [{"when": {"tag": "asked"}, "go": "end"}]}}
    document = journey(
        {"event": "a", "when": {"tag": "entry"}},
        wait("look", until={"tag": "awaited"}),
        wait("day", date="renewal.at", timezone="profile"),
        step("other", {"start_journey": {"journey": "k", "wait": True}}),
        step("which", asked),
        step("end", {"exit": "over"}),
        exit=[{"trait": "plan.name", "is_set": True}],
        targeting={"tag": "target"},
    )
    assert readers(document, journey("b", PAUSE, id="k")) == {
        ("tag", "awaited"),
        ("trait", "renewal"),
        ("trait", "timezone"),
        ("runs", "k"),
        ("trait", "plan"),
    }


def test_a_journey_stands_behind_all_that_it_asks_about() -> None:
    asked = wait("look", until={"all": [{"segment": "s"}, {"score": "fit", "at_least": 5}]})
    found = compiled(journey("a", asked), score(), segment({"tag": "x"}))
    assert found.places["journey/j"] == len(found.nodes) - 1


def test_it_listens_to_its_events_and_to_no_others() -> None:
    found = compiled(
        journey(
            "a",
            wait("look", until={"event": "b"}),
            exit=[{"event": "c"}],
            goal={"event": "d"},
        )
    )
    heard = {name for name, plan in found.plans.items() if plan.triggers}
    assert heard == {"a", "b", "c", "d", RUN_REQUESTED}
    assert all(found.plans[name].reads_properties for name in "abcd")


def test_what_a_journey_reads_of_a_run_is_known() -> None:
    is_one = {"property": "n.m", "equals": 1}
    document = journey(
        "a",
        wait("look", until={"event": "b", "same": {"x": "cart.id"}}),
        step("which", {"branch": {"cases": [{"when": is_one, "go": "s"}]}}),
        step("s", SEND),
        per="order.id",
        exit=[{"event": "c", "same": "user"}],
    )
    assert flow(document).keys == {"look", "which", "s", "cart", "n", "order", "user"}


def test_what_liquid_prints_of_a_run_is_known() -> None:
    asked = {"url": "https://a.example/{{ run.order }}", "body": {"b": ["{{ event.total }} run.x"]}}
    note = {"url": "https://a.example/", "body": {"b": "run.left"}}
    document = journey("a", step("ask", {"webhook": asked}), step("note", {"webhook": note}))
    assert flow(document).keys == {"ask", "note", "order", "total", "x"}


def test_what_liquid_prints_by_a_name_in_quotes_is_known_too() -> None:
    body = {"a": "{{ run['order id'].x }}", "b": '{{ event[ "to-day" ] }} {{ run[0] }}'}
    asked = {"url": "https://a.example/", "body": body}
    assert flow(journey("a", step("ask", {"webhook": asked}))).keys == {"ask", "order id", "to-day"}


def test_ways_that_are_not_said_lead_on() -> None:
    found = flow(journey("a", wait("look", until={"event": "b"}, timeout="1d"), step("s", SEND)))
    assert found.steps["look"].next == "s"
    assert found.steps["look"].otherwise == "s"  # type: ignore[attr-defined]
    assert found.steps["s"].next is None
    assert found.first == "look"
