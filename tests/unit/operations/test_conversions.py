"""A score as it was right before somebody converted: never after, whatever the batches."""

from collections.abc import Sequence
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.definitions import sets
from processors.definitions.predicates import model
from processors.explanations import building, histories, trees
from processors.operations import conversions, diffing
from processors.operations.conversions import Question
from processors.operations.diffing import History
from processors.operations.effectiveness import Effectiveness, People
from processors.operations.errors import OperationFailed
from processors.runtime import batches
from tests.builders import (
    DAY,
    HOUR,
    MINUTE,
    T0,
    Document,
    Json,
    compiled,
    encoded,
    group,
    holding,
    identify,
    joins,
    keyed,
    of_people,
    on,
    points,
    score,
    track,
    trigger,
)
from tests.logs import sorted_histories
from tests.properties import budget
from tests.worlds import EVENTS, definitions

CONVERSION = EVENTS[0]
LEVELS = {"hot": 20, "warm": 10, "cold": 0}


def measured(
    documents: Document | list[Document], history: Sequence[Json] | History, **more: Any
) -> Effectiveness:
    written = documents if isinstance(documents, list) else [documents]
    rows = list(history)
    if rows and isinstance(rows[0], dict):
        rows = list(diffing.of_lines(encoded(each) for each in rows))  # type: ignore[arg-type]
    question = Question(**{"score": "fit", "conversion": "buy"} | more)
    return conversions.measure(sets.from_documents(written), question, rows)  # type: ignore[arg-type]


def bands(found: Effectiveness) -> dict[str, tuple[int, int]]:
    return {name: (each.people, each.conversions) for name, each in found.bands.items()}


VIEWS = score(on("view"), levels=LEVELS)


def test_what_comes_with_and_after_the_conversion_does_not_count() -> None:
    documents = score(on("view"), on("buy", 50), levels=LEVELS)
    log = [track("view"), track("buy", T0 + HOUR), track("view", T0 + 2 * HOUR)]
    found = measured(documents, log)
    assert bands(found) == {"hot": (0, 0), "warm": (1, 1), "cold": (0, 0)}
    assert found.rules["view"].points == 10
    assert found.rules["buy"].holders == People()


def test_points_of_a_model_are_counted_like_those_of_any_rule() -> None:
    churn = model("m", reads=["traits.p"], version="1")(lambda person: person.traits.get("p", 0.5))
    risk = score({"id": "r", "points": 40, "model": "m"}, levels=LEVELS)
    definitions = sets.from_documents([risk], predicates={"m": churn})
    log = [identify(p=0.25), track("buy", T0 + HOUR)]
    rows = list(diffing.of_lines(encoded(each) for each in log))
    found = conversions.measure(definitions, Question(score="fit", conversion="buy"), rows)
    assert bands(found) == {"hot": (0, 0), "warm": (1, 1), "cold": (0, 0)}
    assert found.rules["r"].points == 10


def test_only_the_first_conversion_counts() -> None:
    log = [track("buy"), track("view", T0 + HOUR), track("buy", T0 + 2 * HOUR)]
    found = measured(VIEWS, log)
    assert bands(found) == {"hot": (0, 0), "warm": (0, 0), "cold": (1, 1)}


def test_others_count_as_they_stand_at_the_end() -> None:
    log = [track("view"), track("view", T0 + HOUR), track("buy", T0 + HOUR, person="ada")]
    found = measured(VIEWS, log)
    assert bands(found) == {"hot": (1, 0), "warm": (0, 0), "cold": (1, 1)}
    assert (found.auc, found.events, found.dead_letters) == (0.0, 3, 0)


def test_points_roll_off_by_the_instant_of_the_conversion() -> None:
    documents = score(on("view", within="1h"), levels=LEVELS)
    for after, band in ((HOUR - 1, "warm"), (HOUR, "cold")):
        found = measured(documents, [track("view"), track("buy", T0 + after)])
        assert bands(found)[band] == (1, 1)
        assert found.rules["view"].holders == People(people=1, conversions=1)


@pytest.mark.parametrize(
    ("decay", "worth"),
    [({"half_life": "1h"}, 5), ({"per": "1h", "percent": 20}, 8)],
)
def test_points_that_fade_are_those_of_the_instant(decay: Document, worth: float) -> None:
    documents = score(on("view", decay=decay), levels={"some": worth, "less": 0})
    for after, band in ((HOUR - 1, "some"), (HOUR, "some"), (2 * HOUR, "less")):
        found = measured(documents, [track("view"), track("buy", T0 + after)])
        assert bands(found)[band] == (1, 1)
        assert found.rules["view"].holders == People(people=1, conversions=1)
    assert measured(documents, [track("view"), track("buy", T0 + HOUR)]).rules["view"].points == (
        pytest.approx(worth)
    )


def test_timers_of_others_run_to_the_end_that_is_named() -> None:
    documents = score(on("view", within="1d"), levels=LEVELS)
    assert bands(measured(documents, [track("view")]))["warm"] == (1, 0)
    ended = measured(documents, [track("view")], until_ms=T0 + DAY)
    assert bands(ended)["cold"] == (1, 0)
    assert ended.rules["view"].holders == People(people=1)


def test_conversion_that_comes_after_later_events_is_left_out() -> None:
    log = [track("view", T0 + HOUR), track("buy", T0), track("view", person="ada")]
    found = measured(VIEWS, log)
    assert (found.late, found.everybody) == (1, People(people=1))


def test_time_that_others_have_moved_leaves_nobody_out() -> None:
    log = [track("view", T0 + HOUR, person="ada"), track("view"), track("buy", T0 + MINUTE)]
    found = measured(VIEWS, log)
    assert (found.late, bands(found)["warm"]) == (0, (2, 1))


def test_conversion_that_can_not_be_used_is_none() -> None:
    late = track("buy", T0 - 30 * DAY)
    stranger = (b"somebody else", encoded(track("buy")))
    history: History = [(0, [keyed(track("view")), keyed(late), stranger, (None, b"{")])]
    found = measured(VIEWS, history)
    assert (found.everybody, found.dead_letters) == (People(people=1), 3)
    assert bands(measured(VIEWS, [track("view"), late, track("buy")]))["warm"] == (1, 1)


def test_each_partition_has_its_own_time() -> None:
    history: History = [
        (0, [keyed(track("view", person="ada"))]),
        (1, [keyed(track("view", T0 + 9 * DAY)), (b"", batches.tick(T0 + 10 * DAY))]),
        (0, [keyed(track("buy", T0 + HOUR, person="ada"))]),
    ]
    found = measured(score(on("view", within="1d"), levels=LEVELS), history)
    assert bands(found) == {"hot": (0, 0), "warm": (1, 1), "cold": (1, 0)}


def test_people_of_an_account_are_asked_in_whatever_partition_they_are() -> None:
    documents = score(holding(of_people("any", {"event": "view"})), levels=LEVELS)
    history: History = [
        (0, [keyed(joins("acme", person="ada"))]),
        (1, [keyed(joins("acme", person="bob")), keyed(track("view", T0 + 1, person="bob"))]),
        (0, [keyed(track("buy", T0 + 2, person="ada"))]),
    ]
    found = measured(documents, history)
    assert bands(found) == {"hot": (0, 0), "warm": (2, 1), "cold": (0, 0)}


def test_rule_over_the_people_of_an_account_has_points_too() -> None:
    rolled_up = {"id": "team", "points": 2, "people": {"sum": "base"}}
    documents = [score(on("view"), id="base"), score(rolled_up, levels=LEVELS)]
    log = [joins("acme"), joins("acme", person="bob"), track("view", T0 + 1, person="bob")]
    found = measured(documents, [*log, track("buy", T0 + 2)])
    assert bands(found)["hot"] == (2, 1)
    assert found.rules["team"].holders == People(people=2, conversions=1)


def test_rule_that_once_held_points_counts_as_held_below_limits_too() -> None:
    documents = score(
        groups=[group(on("view"), holding({"trait": "plan", "equals": "gold"}), limit=5)]
    )
    log = [
        track("view"),
        identify(T0 + 1, plan="gold"),
        identify(T0 + 2, plan="free"),
        track("buy", T0 + 3),
    ]
    held = measured(documents, log).rules["held"]
    assert (held.holders, held.points) == (People(people=1, conversions=1), 0)


def test_points_that_triggers_give_are_told_apart() -> None:
    documents = [VIEWS, trigger("visit", points(20))]
    found = measured(documents, [track("visit"), track("view", T0 + 1), track("buy", T0 + 2)])
    assert (found.added.points, found.rules["view"].points) == (20, 10)
    assert bands(found)["hot"] == (1, 1)


def test_grades_are_bands_where_there_are_no_levels() -> None:
    found = measured(score(on("view"), grades={"A": 10, "B": 0}), [track("view")])
    assert list(bands(found).items()) == [("A", (1, 0)), ("B", (0, 0))]
    assert measured(score(on("view")), [track("view")]).bands == {}


COMBINED: list[Document] = [
    score(on("view", 60)),
    score(on("visit", 30), id="use"),
    {"kind": "score", "id": "both", "name": "Both", "combined": {"of": ["fit", "use"]}},
]


def test_bands_of_a_combined_score_are_its_grades() -> None:
    log = [track("view"), track("visit", T0 + 1), track("buy", T0 + 2), track("x", person="ada")]
    found = measured(COMBINED, log, score="both")
    assert {name: each for name, each in bands(found).items() if each[0]} == {
        "B3": (1, 1),
        "D4": (1, 0),
    }
    assert list(found.bands)[:5] == ["A1", "A2", "A3", "A4", "B1"]
    assert (found.rules, found.auc) == ({}, 1.0)


def test_combined_score_with_levels_has_these() -> None:
    levelled = [*COMBINED[:2], COMBINED[2] | {"levels": {"hot": 50, "cold": 0}}]
    assert bands(measured(levelled, [track("view")], score="both")) == {
        "hot": (1, 0),
        "cold": (0, 0),
    }


def test_unknown_score_is_told_with_those_that_there_are() -> None:
    with pytest.raises(OperationFailed, match="no score engagment; did you mean engagement"):
        measured(score(on("view"), id="engagement"), [], score="engagment")
    with pytest.raises(OperationFailed, match="there is no score health; there are fit"):
        measured(VIEWS, [], score="health")
    with pytest.raises(OperationFailed, match="there is no score health; there are none"):
        measured([], [], score="health")


PEOPLE = ("ada", "bob", "cid", "dan")
HAPPENS = st.tuples(
    st.sampled_from(PEOPLE), st.sampled_from(["view", "visit", "buy"]), st.integers(0, 3 * HOUR)
)
WIDTH = 2 * HOUR


class Recounted:
    """The same from the list of what happened, by itself: sorted times and nothing else."""

    def __init__(self, happened: list[tuple[str, str, int]]) -> None:
        self.end = max(at for _, _, at in happened)
        self.rows = [self.row(who, happened) for who in sorted({who for who, _, _ in happened})]

    def row(self, who: str, happened: list[tuple[str, str, int]]) -> tuple[bool, int, bool]:
        """Whether somebody converted, their value, whether they ever viewed by then."""
        mine = [(what, at) for person, what, at in happened if person == who]
        bought = [place for place, (what, _) in enumerate(mine) if what == "buy"]
        before = mine[: bought[0]] if bought else mine
        now = mine[bought[0]][1] if bought else self.end
        views = min(3, sum(what == "view" for what, _ in before))
        visits = sum(what == "visit" and now < at + WIDTH for what, at in before)
        return bool(bought), 5 * views + 2 * visits, views > 0

    def band(self, least: int, below: float) -> tuple[int, int]:
        found = [converted for converted, value, _ in self.rows if least <= value < below]
        return len(found), sum(found)

    def auc(self) -> float | None:
        mine = [value for converted, value, _ in self.rows if converted]
        theirs = [value for converted, value, _ in self.rows if not converted]
        won = [(each > other) + (each == other) / 2 for each in mine for other in theirs]
        return sum(won) / len(won) if won else None


@budget(100)
@given(st.lists(HAPPENS, min_size=1, max_size=40), st.integers(1, 7))
def test_bands_area_and_holders_are_those_of_a_recount(
    drawn: list[tuple[str, str, int]], size: int
) -> None:
    happened = sorted(drawn, key=lambda each: each[2])
    pairs = [
        keyed(track(what, T0 + at, id=str(place), person=who))
        for place, (who, what, at) in enumerate(happened)
    ]
    history: History = [(0, pairs[at : at + size]) for at in range(0, len(pairs), size)]
    documents = score(on("view", 5, max_occurrences=3), on("visit", 2, within="2h"), levels=LEVELS)
    found, counted = measured(documents, history), Recounted(happened)
    assert bands(found) == {
        "hot": counted.band(20, float("inf")),
        "warm": counted.band(10, 20),
        "cold": counted.band(0, 10),
    }
    assert found.auc == pytest.approx(counted.auc())
    viewed = [converted for converted, _, has_viewed in counted.rows if has_viewed]
    assert found.rules["view"].holders == People(people=len(viewed), conversions=sum(viewed))
    assert found.late == 0


def explained(documents: list[Document], log: list[Json], who: str) -> dict[str, trees.Score]:
    """What `beckon explain` says of a person once so much has happened, by score."""
    definitions, set_ = sets.from_documents(documents), compiled(*documents)
    entries = [histories.Entry(str(place), None, encoded(each)) for place, each in enumerate(log)]
    history = histories.recall(set_, entries, who)
    told = building.explain(definitions, set_, history, building.choose(definitions, None))
    return {each.id: each for each in told.scores}


def foretold(
    documents: list[Document], log: list[Json], bought: dict[str, int]
) -> dict[str, list[tuple[bool, trees.Score]]]:
    """Everybody's scores, as explained of the log up to their conversion."""
    found: dict[str, list[tuple[bool, trees.Score]]] = {}
    for who in sorted({each["userId"] for each in log}):
        place = bought.get(who, len(log))
        before = log[:place]
        if who in bought:  # somebody else's event of no meaning brings time to the instant
            nothing = log[place] | {"messageId": "then", "userId": "nobody", "type": "page"}
            before = [*before, nothing]
        for id_, told in explained(documents, before, who).items():
            found.setdefault(id_, []).append((who in bought, told))
    return found


@budget(15)
@given(definitions(), sorted_histories())
def test_any_score_is_as_explained_right_before_the_conversion(
    documents: list[Document], log: list[Json]
) -> None:
    bought: dict[str, int] = {}
    for place, each in enumerate(log):
        if each.get("event") == CONVERSION:
            bought.setdefault(each["userId"], place)
    known = {who: {each["userId"] for each in log[:place]} for who, place in bought.items()}
    hypothesis.assume(all(who in others for who, others in known.items()))
    for id_, people in foretold(documents, log, bought).items():
        found = measured(documents, log, score=id_, conversion=CONVERSION)
        assert found.everybody == People(people=len(people), conversions=len(bought))
        for name, band in found.bands.items():
            inside = [yes for yes, told in people if name == (told.level or told.grade)]
            assert (band.people, band.conversions) == (len(inside), sum(inside)), (id_, name)
        for rule_id, rule in found.rules.items():
            held = [
                each.points
                for _, told in people
                for group in told.groups
                for each in group.rules
                if each.id == rule_id
            ]
            assert rule.points == pytest.approx(sum(held)), (id_, rule_id)
