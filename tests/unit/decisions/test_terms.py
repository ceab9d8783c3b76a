"""The terms on which a message may go: its topic's and those of all policies that fit."""

from processors.decisions.terms import PERSONAL, Gate
from schemas.topics import CHANNELS
from tests.builders import DAY, HOUR, Document, cap, compiled, policy, topic


def gate(*documents: Document) -> Gate:
    return compiled(*documents).gate


def test_without_topics_and_policies_nothing_is_asked_of_whom_nothing_is_known() -> None:
    terms = gate().terms("email", "news")
    assert terms.is_free
    assert (terms.consent, terms.is_transactional) == ("implied", False)


def test_a_topic_says_what_must_have_been_agreed_to_and_else_the_strictest_policy() -> None:
    found = gate(
        topic("news", consent="double"),
        topic("shop"),
        policy("a", consent="required", channels=["email"]),
        policy("b", consent="implied"),
    )
    consents = {name: found.terms("email", name).consent for name in ("news", "shop", "other")}
    assert consents == {"news": "double", "shop": "implied", "other": "required"}
    assert found.terms("email", None).consent == "required"
    assert found.terms("sms", None).consent == "implied"
    assert not found.terms("email", None).is_free
    assert found.terms("sms", None).is_free


def test_all_policies_hold_that_fit_the_channel_and_the_topic() -> None:
    found = gate(
        topic(),
        topic("shop"),
        policy("a", caps=[cap(1), cap(2, id="d", over="defer")], expires="2h"),
        policy("b", channels=["email"], topics=["news"], caps=[cap(3)], expires="1h"),
        policy("c", channels=["sms"], caps=[cap(4)]),
    )
    terms = found.terms("email", "news")
    caps = [(each.key, each.times, each.within_ms, each.defers) for each in terms.caps]
    assert caps == [("a/c", 1, DAY, False), ("a/d", 2, DAY, True), ("b/c", 3, DAY, False)]
    assert terms.expires_ms == HOUR
    assert [each.key for each in found.terms("email", "shop").caps] == ["a/c", "a/d"]
    assert [each.key for each in found.terms("sms", None).caps] == ["a/c", "a/d", "c/c"]
    assert found.caps == {"a/c", "a/d", "b/c", "c/c"}


def test_one_cap_may_combine_what_waits_for_room_in_it() -> None:
    combining = cap(2, id="d", over="combine", summary="day")
    found = gate(
        topic(), policy("a", caps=[cap()]), policy("b", channels=["email"], caps=[cap(), combining])
    )
    chosen = found.terms("email", "news").combining
    assert chosen is not None
    assert (chosen.key, chosen.defers, chosen.summary) == ("b/d", True, "day")
    assert found.terms("sms", "news").combining is None


def test_of_transactional_messages_only_suppression_is_asked() -> None:
    found = gate(
        topic("receipt", transactional=True), policy(consent="required", caps=[cap()])
    ).terms("email", "receipt")
    assert found.is_transactional
    assert not found.is_free
    assert (found.caps, found.consent) == ((), "implied")


def test_channels_that_reach_no_person_are_free() -> None:
    found = gate(policy(consent="required", quiet_hours={"from": "21:00", "to": "08:00"}))
    free = {channel for channel in CHANNELS if found.terms(channel, None).is_free}
    assert free == {"webhook", "crm", "task"}
    assert {*PERSONAL} == {*CHANNELS} - free - {"audience"}


def test_the_shortest_sunset_of_a_channel_counts() -> None:
    found = gate(
        policy("a", sunset={"after": "90d"}, channels=["email"]),
        policy("b", sunset={"after": "60d"}),
        policy("c", sunset={"after": "80d"}, channels=["email", "sms"]),
    )
    assert found.sunsets == dict.fromkeys(PERSONAL, 60 * DAY)
    assert found.terms("email", None).is_watched
    assert (
        not gate(policy(sunset={"after": "1d"}, channels=["sms"])).terms("email", None).is_watched
    )


def test_terms_are_put_together_once() -> None:
    found = gate(policy(caps=[cap()]))
    assert found.terms("email", "x") is found.terms("email", "x")
