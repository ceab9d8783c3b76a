"""What becomes of one record of `commands.<channel>`, from its bytes to what Kafka has of it."""

from pathlib import Path

import msgspec

from processors.delivery import desk
from processors.metrics import Counter
from schemas import codec
from schemas.errors import Unsendable
from schemas.messages import Message
from tests.deliveries import REFUSED, Scripted, run, world
from tests.unit.delivery.offices import COMMAND, Office


def test_command_ends_as_an_outcome_and_an_event(tmp_path: Path) -> None:
    with world(tmp_path, Scripted()) as found:
        office = Office(found)
        office.handle()
        [told] = office.told()
        assert (told.command_id, told.result, told.promise) == (COMMAND.id, "sent", "exactly-once")
        [event] = [codec.decode_event(one) for one in office.events.values]
        assert (event.event, event.user_id) == ("email.sent", "ada")
        assert found.states() == {COMMAND.id: "sent"}
        assert found.metrics.read(Counter.OUTCOMES, "email", "sent") == 1


def test_variant_of_a_message_is_told_with_what_came_of_it(tmp_path: Path) -> None:
    with world(tmp_path, Scripted()) as found:
        office = Office(found, variant="bold")
        office.handle()
        assert [one.variant for one in office.told()] == ["bold"]
        [event] = [codec.decode_event(one) for one in office.events.values]
        assert msgspec.json.decode(event.properties)["variant"] == "bold"


def test_repeat_is_not_told_again(tmp_path: Path) -> None:
    with world(tmp_path, Scripted()) as found:
        office = Office(found)
        office.handle()
        office.handle()
    assert len(office.told()) == len(office.events.values) == 1


def test_outcome_that_kafka_does_not_take_is_told_until_it_does(tmp_path: Path) -> None:
    with world(tmp_path, Scripted()) as found:
        office = Office(found)
        office.outcomes.failures = 3
        office.handle()
        assert len(office.told()) == len(office.events.values) == 1
        assert found.metrics.read(Counter.SEND_RETRIES, "email") == 3


def test_each_address_has_a_message_and_a_row_of_its_own(tmp_path: Path) -> None:
    ses = Scripted()
    with world(tmp_path, ses) as found:
        office = Office(found, "a@example.org", "b@example.org")
        office.handle()
        office.handle()
        rows = found.states()
    assert rows.keys() == {
        desk.message_id(COMMAND.id, "a@example.org"),
        desk.message_id(COMMAND.id, "b@example.org"),
    }
    assert sorted(ses.sent) == sorted(rows)
    assert [one.command_id for one in office.told()] == [COMMAND.id] * 2
    assert len({one.id for one in office.told()}) == 2


def test_messages_that_have_ids_keep_them() -> None:
    messages = [
        Message(id=one, channel="email", profile_id="ada", to="ada@example.org")
        for one in ("m-1", "m-2")
    ]
    assert desk.distinct(COMMAND, messages) == messages


def test_refused_recipient_is_told_beside_the_failure(tmp_path: Path) -> None:
    gone = msgspec.structs.replace(REFUSED, suppresses="hard-bounce")
    with world(tmp_path, Scripted(gone)) as found:
        office = Office(found)
        office.handle()
    assert sorted((one.result, one.kind) for one in office.told()) == [
        ("bounced", "hard"),
        ("failed", None),
    ]


def test_what_can_not_be_made_is_held(tmp_path: Path) -> None:
    with world(tmp_path, Scripted()) as found:
        office = Office(found, problem=Unsendable("variable-missing", "name", is_held=True))
        office.handle()
    [told] = office.told()
    assert (told.result, told.detail, told.promise) == ("held", "variable-missing: name", None)


def test_what_can_not_be_read_is_a_dead_letter_and_nobody_is_asked(tmp_path: Path) -> None:
    ses = Scripted()
    with world(tmp_path, ses) as found:
        office = Office(found)
        office.handle(b"{")
        assert found.states() == {}
    assert (len(office.dead.values), office.told(), ses.sent) == (1, [], [])


def test_summary_is_not_sent_to_who_has_said_no_to_a_topic_in_it(tmp_path: Path) -> None:
    ses = Scripted()
    with world(tmp_path, ses) as found:
        run(found.standing.withdraw(COMMAND.profile_id, "email", topic="shop", at=1))
        office = Office(found)
        office.handle(msgspec.structs.replace(COMMAND, topics=["tips", "shop"]))
        [told] = office.told()
        assert (told.result, told.detail, ses.sent) == ("dropped", "consent-denied", [])
