"""What is remembered of somebody's journeys."""

from processors.state import profiles
from processors.state.profiles import Profile
from processors.state.runs import ENDED, GOING, MAX_ENTRIES, Journeys, Run


def run(id: int = 1, state: int = GOING) -> Run:
    return Run(id=id, version="v", step="s", entered=0, since=0, due=0, state=state)


def test_runs_that_have_ended_do_not_go_on() -> None:
    journeys = Journeys(runs={"a": [run(), run(2, state=ENDED)], "b": [run(3)]})
    assert journeys.going == 2


def test_a_journey_goes_with_its_last_run() -> None:
    first, second = run(), run(2)
    journeys = Journeys(runs={"a": [first, second]})
    journeys.drop("a", first)
    assert journeys.runs == {"a": [second]}
    journeys.drop("a", second)
    assert journeys.runs == {}


def test_the_latest_entries_are_remembered() -> None:
    journeys = Journeys()
    for n in range(MAX_ENTRIES):
        journeys.enter("a", f"k{n}", n)
    journeys.enter("a", "k0", 500)
    journeys.enter("a", "new", 501)
    kept = journeys.entries["a"]
    assert len(kept) == MAX_ENTRIES
    assert kept["k0"] == 500
    assert "k1" not in kept


def test_they_are_part_of_the_profile() -> None:
    profile = Profile(id="p", journeys=Journeys(runs={"a": [run(2**64 - 1)]}))
    assert profiles.decode("p", profiles.encode(profile)) == profile
    bare = profiles.encode(Profile(id="p"))
    assert profiles.decode("p", bare).journeys is None
