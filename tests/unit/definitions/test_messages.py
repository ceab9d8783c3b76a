"""Topics and policies in a set."""

from typing import Any

from processors.definitions import sets
from tests.builders import Document, cap, policy, segment, send, topic, trigger
from tests.unit.definitions.builders import complaints, mail

COMBINING = cap(id="d", over="combine", summary="day")


def wrong(*documents: Document) -> list[str]:
    return complaints(lambda: sets.from_documents(documents))


def test_topics_are_free_text_where_none_is_defined() -> None:
    assert wrong(trigger("a", send("anything you like"))) == []


def test_a_message_names_a_topic_that_is_defined_where_any_is() -> None:
    assert wrong(topic(), trigger("a", send("news"), send())) == []
    assert wrong(topic(), trigger("a", send("nws"))) == [
        "trigger/t: do[0].send.topic: there is no topic nws; did you mean news?"
    ]
    others = [topic(f"topic-{n:02}") for n in range(11)]
    named = ", ".join(f"topic-{n:02}" for n in range(10))
    assert wrong(*others, trigger("a", send("shop"))) == [
        f"trigger/t: do[0].send.topic: there is no topic shop; the topics are {named}, …"
    ]


def test_a_message_goes_on_a_channel_of_its_topic() -> None:
    email = topic(channels=["email", "push"])
    assert wrong(email, trigger("a", send("news"))) == []
    assert wrong(email, trigger("a", send("news", "sms"))) == [
        "trigger/t: do[0].send.topic: topic news is not for sms, only for email, push"
    ]


def test_a_condition_asks_for_a_topic_that_is_defined_where_any_is() -> None:
    asked = segment({"consent": {"channel": "email", "topic": "shop"}})
    assert wrong(asked) == []
    assert wrong(asked, topic()) == [
        "segment/s: when.consent.topic: there is no topic shop; the topics are news"
    ]
    assert wrong(topic(), segment({"consent": {"channel": "email"}})) == []


def test_a_policy_names_topics_that_are_defined() -> None:
    capped = policy(topics=["news"], caps=[cap()])
    assert wrong(capped, topic()) == []
    assert wrong(capped) == ["policy/p: topics[0]: there is no topic news; there are no topics"]


def test_what_could_not_be_read_is_no_second_mistake() -> None:
    broken = {"kind": "topic", "id": "news"}
    assert wrong(broken, topic("shop"), trigger("a", send("news"))) == ["needs the key name"]


def test_two_arbitrations_of_one_message_contradict_each_other() -> None:
    best = {"wait": "1m"}
    assert (
        wrong(
            policy("a", arbitration=best, channels=["email"]),
            policy("b", arbitration=best, channels=["sms"]),
            policy("c", caps=[cap()]),
        )
        == []
    )
    topics = [topic("x"), topic("y")]
    assert (
        wrong(
            *topics,
            policy("a", arbitration=best, topics=["x"]),
            policy("b", arbitration=best, topics=["y"]),
        )
        == []
    )
    said = "policy a arbitrates some of the same messages; leave one of them"
    assert wrong(
        policy("b", arbitration=best, channels=["sms", "email"]), policy("a", arbitration=best)
    ) == [f"policy/b: arbitration: {said}"]
    assert wrong(*[policy(id, arbitration=best) for id in "abc"]) == [
        f"policy/{id}: arbitration: {said}" for id in "bc"
    ]


def test_two_caps_that_combine_one_message_contradict_each_other() -> None:
    def combining(id: str, channel: str, **keys: Any) -> Document:
        return policy(id, channels=[channel], caps=[cap(), COMBINING], **keys)

    topics = [topic("x"), topic("y")]
    assert wrong(combining("a", "email"), combining("b", "sms"), policy("c", caps=[cap()])) == []
    apart = combining("a", "email", topics=["x"]), combining("b", "email", topics=["y"])
    assert wrong(*topics, *apart) == []
    assert wrong(*topics, combining("b", "email", topics=["y"]), combining("a", "email")) == [
        "policy/b: caps[1].over: policy a combines some of the same messages; leave one of them"
    ]


def test_the_template_of_a_summary_is_there_and_of_its_channel_where_any_is() -> None:
    summed = policy(channels=["email", "email"], caps=[cap(), COMBINING])
    assert wrong(summed) == []
    text = mail(id="text", channel="sms", subject=None, html=None, text="Hello")
    assert wrong(summed, mail(id="day"), text) == []
    assert wrong(summed, mail(id="days")) == [
        "policy/p: caps[1].summary: there is no template day; did you mean days?"
    ]
    assert wrong(summed, text | {"id": "day"}) == [
        "policy/p: caps[1].summary: template day is one of sms, not email"
    ]
