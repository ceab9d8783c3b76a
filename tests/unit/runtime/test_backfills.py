"""What recorded events come to, beside the partition that they are of."""

from processors.decisions import backfills
from processors.runtime.backfills import Backfilling
from processors.runtime.batches import MAX_CRASHES, Policy
from processors.runtime.tables import Crash
from processors.state.profiles import Profile
from schemas import relays
from schemas.relays import Told
from tests.builders import DAY, T0, Document, Json, compiled, keyed, segment, track

COUNTED: Document = segment({"event": "a"})


def filling(crash: Crash | None = None) -> Backfilling:
    after = compiled(COUNTED)
    backfill = backfills.backfill(after, backfills.lacking(compiled(), after))
    return Backfilling(backfill, Policy(clock="stream"), crash=crash or Crash())


def counted(found: Backfilling, *log: tuple[bool, Json]) -> int:
    """Returns how many of the records count for p."""
    found.take((is_told, (*keyed(each), at, 0)) for at, (is_told, each) in enumerate(log))
    profile = Profile(id="p")
    found.fill(profile)
    return sum(profile.counts.values())


def test_each_record_counts_once() -> None:
    log = [track("a", T0, id="m"), track("a", T0, id="m"), track("a", T0 + 1, id="n")]
    assert counted(filling(), *((False, each) for each in log)) == 1  # as many as are asked for


def test_what_was_too_late_for_the_stream_is_too_late_here() -> None:
    log = [track("b", T0 + 9 * DAY), track("a", T0, id="late")]
    assert counted(filling(), *((False, each) for each in log)) == 0


def test_what_was_told_is_never_too_late() -> None:
    assert counted(filling(), (False, track("b", T0 + 9 * DAY)), (True, track("a", id="x"))) == 1


def test_what_broke_workers_down_is_left_out_here_too() -> None:
    assert counted(filling(Crash(0, MAX_CRASHES)), (False, track("a"))) == 0
    assert counted(filling(Crash(0, MAX_CRASHES - 1)), (False, track("a"))) == 1


def test_what_people_told_their_accounts_is_passed_over() -> None:
    found = filling()
    told = Told(account="acme", person="p", at=T0, cause="c", holds={"k": True})
    found.take([(False, (relays.key(told), relays.encode(told), 0, 0))])
    assert counted(found, (False, track("a"))) == 1


def test_who_was_not_there_gets_nothing() -> None:
    found = filling()
    assert counted(found, (False, track("a", person="q"))) == 0
