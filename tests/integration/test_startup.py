"""How a worker starts and ends: what is missing, who is let in, whose slot it is."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from processors.agents.apps import EXIT_CRASHED, EXIT_UNAVAILABLE
from tests import services
from tests.builders import T0, Document, keyed, on, score, track
from tests.integration.workers import Place, Worker, place, prefix_of, until

DEFINITIONS: list[Document] = [score(on("view", 5), id="heat")]
NOWHERE = "127.0.0.1:9"


@pytest.fixture
def target(kafka: str, topics_prefix: str, tmp_path: Path) -> Iterator[Place]:
    with place(kafka, topics_prefix, tmp_path, clock="stream") as found:
        found.publish(*DEFINITIONS)
        yield found


def told(worker: Worker, message: str) -> str:
    """Returns all that a worker logged under a message, as text."""
    return json.dumps(worker.lines(message))


def test_broker_that_is_away_is_told_and_tried_again_until_patience_ends(tmp_path: Path) -> None:
    nowhere = Place(NOWHERE, prefix_of("nowhere"), tmp_path)
    worker = nowhere.worker("a", KAFKA__PATIENCE_S="3")
    assert worker.wait() == EXIT_UNAVAILABLE
    assert "the brokers" in told(worker, "not there yet, trying again")
    assert "is the address right" in told(worker, "gave up waiting")
    assert "Traceback" not in worker.text


def test_missing_topics_are_named_with_what_to_do(kafka: str, tmp_path: Path) -> None:
    empty = Place(kafka, prefix_of("empty"), tmp_path)
    worker = empty.worker("a", KAFKA__PATIENCE_S="0")
    assert worker.wait() == EXIT_UNAVAILABLE
    assert f"{empty.prefix}events" in told(worker, "gave up waiting")
    assert "beckon topics create" in told(worker, "gave up waiting")


def test_worker_waits_for_topics_that_come_late(kafka: str, tmp_path: Path) -> None:
    late = Place(kafka, prefix_of("late"), tmp_path)
    try:
        worker = late.worker("a", KAFKA__PATIENCE_S="60")
        until(lambda: bool(worker.lines("not there yet, trying again")), "it misses the topics")
        assert worker.ask("/health")[0] == 200
        assert worker.ask("/ready")[0] == 503
        late.create()
        worker.wait_ready(4)
        assert worker.stop() == 0
    finally:
        late.close()


@pytest.mark.parametrize("password", ["wrong", None])
def test_who_does_not_know_the_password_is_not_let_in(
    kafka_secured: services.Secured, tmp_path: Path, password: str | None
) -> None:
    outside = Place(kafka_secured.bootstrap, prefix_of("outside"), tmp_path)
    security = {
        "KAFKA__SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "KAFKA__SASL_USERNAME": kafka_secured.username,
        "KAFKA__SASL_PASSWORD": password or "",
    }
    worker = outside.worker("a", KAFKA__PATIENCE_S="3", **(security if password else {}))
    assert worker.wait() == EXIT_UNAVAILABLE
    assert "the credentials" in told(worker, "gave up waiting")
    assert "wrong" not in worker.text


def test_who_knows_the_password_decides(
    kafka: str, kafka_secured: services.Secured, target: Place
) -> None:
    worker = target.worker(
        "a",
        KAFKA__BOOTSTRAP_SERVERS=kafka_secured.bootstrap,
        KAFKA__SECURITY_PROTOCOL="SASL_PLAINTEXT",
        KAFKA__SASL_USERNAME=kafka_secured.username,
        KAFKA__SASL_PASSWORD=kafka_secured.password,
    )
    target.produce([keyed(track("view"))])
    target.wait_decided()
    assert target.table("scores")["p/heat"]["value"] == 5
    assert worker.stop() == 0
    assert kafka_secured.password not in worker.text


def test_second_worker_of_a_slot_ends_the_first_which_says_why(target: Place) -> None:
    first = target.worker("same").wait_ready(4)
    target.produce([keyed(track("view", person=f"p{one}")) for one in range(100)])
    second = target.worker("same")
    assert first.wait() == EXIT_CRASHED
    assert "BECKON_SLOT" in told(first, "the stream stopped")
    second.wait_ready(4)
    target.produce([keyed(track("view", T0 + 1, person=f"p{one}")) for one in range(100)])
    target.wait_decided()
    assert second.stop() == 0
    found = target.table("scores")
    assert [found[f"p{one}/heat"]["value"] for one in range(100)] == [10] * 100


def test_stop_commits_what_is_decided_and_ends_at_once(target: Place) -> None:
    worker = target.worker("a").wait_ready(4)
    events = [keyed(track("view", T0 + one, person=f"p{one % 500}")) for one in range(30_000)]
    target.produce(events)
    until(lambda: worker.metric("beckon_events_total") > 0, "some events decided on")
    started_s = time.monotonic()
    assert worker.stop() == 0
    assert time.monotonic() - started_s < 10
    stopped = sum(target.committed().values())
    assert stopped > 0
    moves = [row["cause"] for row in target.rows("score-changes")]
    assert len(moves) == len(set(moves)) == stopped

    again = target.worker("a").wait_ready(4)
    target.wait_decided()
    assert again.stop() == 0
    moves = [row["cause"] for row in target.rows("score-changes")]
    assert len(moves) == len(set(moves)) == 30_000


def test_ready_tells_restoring_from_running(target: Place) -> None:
    people = [keyed(track("view", T0, person=f"p{one}")) for one in range(20_000)]
    target.produce(people)
    first = target.worker("a")
    target.wait_decided()
    first.kill()
    again = target.worker("a")
    states: list[str] = []

    def runs() -> bool:
        status, body = again.ask("/ready")
        state = json.loads(body)["state"]
        states.append(state)
        assert (status == 200) == (state == "running")
        return status == 200

    until(runs, "it runs again", pause_s=0.001)
    assert sorted(set(states), key=states.index) == ["starting", "restoring", "running"]
    assert again.metric("beckon_ready") == 1
    assert again.metric("beckon_restore_records_total") >= 20_000
    assert again.stop() == 0
