"""What breaks workers down is a dead letter from the third try on; lost batches leave nothing."""

import pytest

from processors.runtime.batches import Batch, Policy
from processors.runtime.outputs import Outputs
from processors.runtime.tables import CRASH_KEY, Crash, Table, encode_crash
from schemas import codec
from schemas.events import Event
from tests.builders import DAY, T0, compiled, encoded, segment, track


def breaking(value: bytes | None) -> Event:
    if value is not None and b"poison" in value:
        raise ZeroDivisionError
    return codec.decode_event(value)


def batch(table: Table) -> tuple[Batch, Outputs]:
    outputs = Outputs()
    policy = Policy(clock="stream", decode=breaking)
    found = Batch(
        table, compiled(segment({"event": "a"})), policy=policy, outputs=outputs, source=("e", 0)
    )
    return found, outputs


POISON = encoded(track("poison", T0))


@pytest.mark.parametrize("times", [0, 1])
def test_a_bug_is_no_bad_input_at_first(times: int) -> None:
    table = Table()
    table.restore(CRASH_KEY, encode_crash(Crash(7, times)))
    found, _ = batch(table)
    with pytest.raises(ZeroDivisionError):
        found.add(b"p", POISON, offset=7, log_ms=T0)


def test_a_record_that_broke_two_workers_is_buried_and_the_next_one_decided() -> None:
    table = Table()
    table.restore(CRASH_KEY, encode_crash(Crash(7, 2)))
    found, outputs = batch(table)
    found.add(b"p", POISON, offset=7, log_ms=T0)
    found.add(b"p", encoded(track("a", T0)), offset=8, log_ms=T0)
    (letter,) = outputs.dead_letters
    assert (letter.reason, letter.record.offset, letter.record.value) == ("crashed", 7, POISON)
    assert [each.change for each in outputs.decision.segment_changes] == ["entered"]


def test_a_crash_that_was_taken_back_is_forgotten() -> None:
    table = Table()
    table.restore(CRASH_KEY, encode_crash(Crash(7, 2)))
    table.restore(CRASH_KEY, None)
    assert table.crash == Crash()


def test_one_who_is_busy_no_longer_is_read_anew_after_an_abort_too() -> None:
    table = Table()
    busy, _ = batch(table)
    for number in range(70):
        value = encoded(track("a", T0, id=f"m{number}"))
        busy.add(b"p", value, offset=number, log_ms=T0)
    busy.finish()
    busy.apply()
    assert set(table.busy) == {"p"}
    later = encoded(track("a", T0 + 8 * DAY))
    lost, _ = batch(table)
    lost.add(b"p", later, offset=70, log_ms=T0)
    lost.finish()
    lost.drop()
    again, outputs = batch(table)
    again.add(b"p", later, offset=70, log_ms=T0)
    assert (outputs.decision.duplicates, table.busy) == (0, {})
