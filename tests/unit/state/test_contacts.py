"""What was said counts by when it was said, whatever the order in which it came."""

from itertools import permutations

import pytest

from processors.state import contacts
from processors.state.contacts import MAX_SOFT, NO_FACTS, Contact, Facts, Suppression, Word
from schemas.consents import ALL

FORM: Facts = ("form", None, "v2", None)
LINK: Facts = ("link", None, None, "mail-7")


def said(*words: tuple[str, int]) -> Word:
    word = Word()
    for what, at_ms in words:
        if what == "no":
            word.deny(at_ms, NO_FACTS)
        else:
            is_final = what != "asked"
            word.agree(at_ms, NO_FACTS, is_asked=what != "confirmed", is_final=is_final)
    return word


@pytest.mark.parametrize(
    ("words", "state", "at"),
    [
        ((("yes", 5),), "granted", 5),
        ((("asked", 5),), "pending", 5),
        ((("asked", 5), ("confirmed", 6)), "granted", 6),
        ((("no", 5),), "denied", 5),
        ((("yes", 5), ("no", 6)), "denied", 6),
        ((("no", 5), ("yes", 6)), "granted", 6),
        ((("asked", 5), ("confirmed", 6), ("no", 7), ("asked", 8)), "pending", 8),
        ((("asked", 5), ("confirmed", 6), ("asked", 8)), "granted", 8),
    ],
)
def test_the_latest_word_counts_in_any_order(
    words: tuple[tuple[str, int], ...], state: str, at: int
) -> None:
    for each in permutations(words):
        found = said(*each)
        assert (found.state, found.at) == (state, at)


def test_of_one_instant_the_later_in_the_log_counts() -> None:
    assert said(("yes", 5), ("no", 5)).state == "denied"
    assert said(("no", 5), ("yes", 5)).state == "granted"


def test_a_confirmation_adds_to_the_facts_of_the_yes_in_any_order() -> None:
    for turns in permutations([(5, FORM, True), (6, LINK, False)]):
        word = Word()
        for at_ms, facts, is_asked in turns:
            word.agree(at_ms, facts, is_asked=is_asked, is_final=not is_asked)
        assert word.facts == ("link", None, "v2", "mail-7")


def test_a_no_forgets_the_facts_of_the_yes_and_a_yes_those_of_the_no() -> None:
    word = Word()
    word.agree(5, FORM, is_asked=True, is_final=True)
    word.deny(6, LINK)
    assert word.facts == LINK
    word.deny(4, FORM)
    assert word.facts == LINK
    word.agree(3, FORM, is_asked=True, is_final=True)
    assert word.facts == LINK
    word.agree(7, ("form", None, None, None), is_asked=True, is_final=True)
    assert word.facts == ("form", None, None, None)


def contact(**words: Word) -> Contact:
    return Contact(
        words={f"email/{name.replace('all', ALL)}": each for name, each in words.items()}
    )


def test_a_topics_own_word_counts_before_that_on_all_of_the_channel() -> None:
    found = contact(news=said(("yes", 5)), all=said(("yes", 6)))
    assert found.state("email", "news") == "granted"
    assert found.own_word("email", "news") is found.words["email/news"]
    assert found.state("email", "shop") == "granted"
    assert found.own_word("email", "shop") is None
    assert found.state("sms", "news") is None
    assert contact(news=said(("no", 5)), all=said(("yes", 6))).state("email", "news") == "denied"


def test_a_no_to_all_of_the_channel_counts_against_each_yes_that_is_not_later() -> None:
    for at_ms, state in ((4, "granted"), (5, "denied"), (6, "denied")):
        found = contact(news=said(("yes", 5)), all=said(("no", at_ms)))
        assert found.state("email", "news") == state
    assert contact(all=said(("no", 5))).state("email", "news") == "denied"
    assert contact(all=said(("no", 5))).state("email", None) == "denied"


def suppressed(*turns: tuple[str, int]) -> Suppression:
    found = Suppression()
    for what, at_ms in turns:
        if what == "lift":
            found.lift(at_ms)
        else:
            found.add("complaint", at_ms)
    return found


@pytest.mark.parametrize(
    ("turns", "stands"),
    [
        ([("add", 5)], True),
        ([("add", 5), ("lift", 6)], False),
        ([("lift", 6), ("add", 5)], False),
        ([("add", 5), ("lift", 4)], True),
        ([("add", 5), ("lift", 5)], False),
        ([("lift", 5), ("add", 5)], True),
        ([("add", 7), ("add", 5), ("lift", 6)], True),
    ],
)
def test_a_suppression_stands_until_it_is_lifted_later(
    turns: list[tuple[str, int]], stands: bool
) -> None:
    found = Contact(suppressions={"email": suppressed(*turns)})
    assert (found.suppression("email") is not None) is stands
    assert found.suppression("sms") is None


def test_a_suppression_of_all_channels_holds_for_each_and_its_lifting_too() -> None:
    of_all = Contact(suppressions={ALL: suppressed(("add", 5))})
    assert of_all.suppression("email") == ("complaint", 5)
    for at_ms, stands in ((5, False), (7, True)):
        held = {ALL: suppressed(("lift", 6)), "email": suppressed(("add", at_ms))}
        assert (Contact(suppressions=held).standing("email") is not None) is stands


def test_soft_bounces_in_a_row_are_too_many_whatever_their_order() -> None:
    for times in permutations(range(1, MAX_SOFT + 1)):
        found = Contact()
        assert [found.bounce("email", at_ms) for at_ms in times] == [False, False, True]


def test_what_was_delivered_ends_the_row() -> None:
    found = Contact()
    found.arrive("email", 9)
    assert found.is_empty
    assert not any([found.bounce("email", 10), found.bounce("email", 20)])
    found.arrive("email", 10)
    found.arrive("email", 5)
    assert found.bounces["email"] == [20]
    assert not found.bounce("email", 8)
    assert not found.bounce("email", 30)
    assert found.bounce("email", 40)


def test_a_place_is_named_by_channel_and_topic() -> None:
    assert contacts.key("email", "news") == "email/news"
