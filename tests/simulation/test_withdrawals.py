"""Withdrawals racing sends: nobody suppressed, capped or without consent is ever sent to, and the
ledger, the outcomes and the providers agree, whatever comes between gate and send.
"""

from collections.abc import Iterator

import pytest

from connectors.stores import ledger
from connectors.stores.engines import Database
from processors.decisions import gate
from tests import stores
from tests.properties import MORE_AT_NIGHT, is_night
from tests.simulation import races, withdrawals

SEEDS = 150 * (MORE_AT_NIGHT if is_night() else 1)
ENOUGH = 60
"""Seeds within which a gate that is open must be found."""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with stores.opened(f"sqlite:///{tmp_path_factory.mktemp('races')}/races.db") as found:
        yield found


@pytest.mark.parametrize("seed", range(SEEDS))
def test_withdrawal_wins_over_every_send_after_it(database: Database, seed: int) -> None:
    withdrawals.held(database, seed)


def test_a_number_stands_for_one_life(database: Database) -> None:
    first, again, other = (races.raced(database, seed) for seed in (7, 7, 8))
    assert first.log == again.log
    assert first.log != other.log


def failures(database: Database) -> set[str]:
    """Returns the first words of what does not hold."""
    found = set()
    for seed in range(ENOUGH):
        try:
            withdrawals.kept(races.raced(database, seed))
        except AssertionError as error:
            found.add(str(error))
    return found


def test_sender_that_does_not_look_again_is_found(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = ledger._DISPATCH
    blind = look._replace(sql=look.sql.replace(ledger._REFUSED, "null"))
    assert blind != look
    monkeypatch.setattr(ledger, "_DISPATCH", blind)
    assert any("in spite of" in each for each in failures(database))


def test_gate_that_does_not_ask_for_consent_is_found(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "_first", lambda contact, terms: gate.YES)
    assert failures(database)


def test_gate_that_does_not_count_is_found(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    then = gate._then

    def uncapped(*given: object, **more: object) -> gate.Answer:
        answer = then(*given, **more)  # type: ignore[arg-type]
        return gate.YES if answer[0] == "cap" else answer

    monkeypatch.setattr(gate, "_then", uncapped)
    assert any("is over" in each for each in failures(database))
