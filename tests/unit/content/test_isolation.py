"""A process of its own: the same messages, and an end for those that take too much."""

from collections.abc import Iterator

import msgspec
import pytest

from processors.content import isolation
from processors.content.drafts import Draft
from processors.content.facts import Options
from processors.content.isolation import MAX_STRIKES, Isolated
from processors.content.libraries import Library
from processors.content.rendering import Renderer
from schemas.commands import Command
from schemas.errors import Unsendable
from tests.unit.content.builders import Ours, command, partial, template

DOUBLED = (
    "{% assign a = 'xxxxxxxxxx' %}{% for i in (1..15) %}{% assign a = a | append: a %}{% endfor %}"
)
BOMBS = {
    "numbers": "{% assign n = 99999999999 %}{% for i in (1..9000) %}"
    "{% assign n = n | times: n %}{% endfor %}",
    "memory": "{{ (1..300000000) | join | size }}",
    "replacing": DOUBLED + "{{ a | replace: 'x', a | size }}",
    "lexing": "{{" * 60_000,
}
LIMITED = {
    "looping": "{% for i in (1..99999) %}{% for j in (1..99999) %}x{% endfor %}{% endfor %}",
    "recursing": "{% render 'self' %}",
    "growing": DOUBLED + "{{ a }}{{ a }}{{ a }}",
}
SELF = partial("self", text="{% render 'self' %}")
GOOD = template(html='<p>Hi {{ first_name }}</p><a href="https://a.example">x</a>')


@pytest.fixture(scope="module")
def isolated() -> Iterator[Isolated]:
    made = Isolated(tracking=Ours(), options=Options(product_name="Shop"))
    texts = BOMBS | LIMITED
    bombs = [template("slack", id=name, text=text) for name, text in texts.items()]
    assert made.take([GOOD, SELF, *bombs]) == []
    yield made
    made.close()


def refused(isolated: Isolated, name: str) -> tuple[str, str, bool]:
    with pytest.raises(Unsendable) as caught:
        isolated.compose(command("slack", template=name))
    return caught.value.reason, caught.value.detail, caught.value.is_held


def hook(step: str, text: str) -> Command:
    keys = {"template": None, "url": "https://a.example", "has_values": True}
    return command("webhook", step=step, body={"a": text}, **keys)


def test_messages_are_those_that_are_made_here(isolated: Isolated) -> None:
    here = Renderer(Library([GOOD]), links=Ours(), options=Options(product_name="Shop"))
    assert isolated.compose(command()) == here.compose(command())


@pytest.mark.parametrize("name", LIMITED)
def test_limits_of_liquid_end_it_first(isolated: Isolated, name: str) -> None:
    assert refused(isolated, name)[0] == "template-too-costly"
    assert isolated.compose(command())


@pytest.mark.parametrize("name", BOMBS)
def test_what_takes_too_much_is_ended_and_the_next_one_is_made(
    isolated: Isolated, name: str
) -> None:
    assert refused(isolated, name) == ("template-too-costly", name, True)
    assert isolated.compose(command())[0].subject == "Hello"


def test_refusals_come_back_as_they_are(isolated: Isolated) -> None:
    with pytest.raises(Unsendable, match="address-missing: email") as caught:
        isolated.compose(command(traits={}))
    assert not caught.value.is_held


def test_template_that_ends_the_process_again_and_again_is_not_tried_any_more() -> None:
    bomb = template("slack", id="bomb", text=BOMBS["numbers"])
    made = Isolated()
    try:
        made.take([bomb])
        for _ in range(MAX_STRIKES):
            refused(made, "bomb")
        assert made._child is None
        assert refused(made, "bomb") == ("template-too-costly", "bomb", True)
        assert made._child is None, "no process was begun for it"
        assert made.take([template("slack", id="bomb", text="mended")]) == []
        assert made.compose(command("slack", template="bomb"))[0].text == "mended"
        assert made.take([template(subject=None)]) == [
            "template/hello: a mail needs the key subject"
        ]
    finally:
        made.close()


def test_webhook_that_ends_the_process_again_and_again_bars_its_own_action_only() -> None:
    bomb, good = hook("0", BOMBS["numbers"]), hook("1", "{{ first_name }}")
    made = Isolated()
    try:
        for _ in range(MAX_STRIKES):
            with pytest.raises(Unsendable, match="template-too-costly: greet/0@v"):
                made.compose(bomb)
        begun = made._child
        with pytest.raises(Unsendable, match="template-too-costly: greet/0@v") as caught:
            made.compose(bomb)
        assert caught.value.is_held
        assert made._child is begun
        assert made.compose(good)[0].data == {"a": "Ann"}
    finally:
        made.close()


def test_webhook_that_takes_too_much_memory_is_told_by_its_action(isolated: Isolated) -> None:
    with pytest.raises(Unsendable) as caught:
        isolated.compose(hook("0", BOMBS["memory"]))
    assert (caught.value.reason, caught.value.detail) == ("template-too-costly", "greet/0@v")


def test_of_many_only_that_which_ends_the_process_is_refused() -> None:
    bomb = template("slack", id="bomb", text=BOMBS["numbers"])
    names = ["hello", "hello", "bomb", "hello", "absent", "hello"]
    made = Isolated()
    try:
        made.take([bomb, template("slack", text="Hello {{ first_name }}")])
        found = made.compose_all([command("slack", template=each) for each in names])
    finally:
        made.close()
    said = [one.reason if isinstance(one, Unsendable) else one[0].text for one in found]
    hello = said[0]
    assert hello is not None
    assert said == [hello, hello, "template-too-costly", hello, "template-missing", hello]


@pytest.mark.parametrize(
    "numbers", [[1, 2**64, 3], [2**64, 2, 3], [1, 2, -(2**63) - 1], [2**64] * 3]
)
def test_of_many_only_that_which_no_process_can_be_told_is_refused(
    isolated: Isolated, numbers: list[int]
) -> None:
    found = isolated.compose_all([command(properties={"a": [each]}) for each in numbers])
    said = [
        (one.reason, one.detail, one.is_held) if isinstance(one, Unsendable) else one[0].subject
        for one in found
    ]
    refused = ("number-out-of-range", "hello", False)
    assert said == ["Hello" if abs(each) < 4 else refused for each in numbers]


def test_many_large_ones_are_made_in_their_order() -> None:
    made = Isolated()
    long = "x" * 3_000
    try:
        made.take([template("slack", text="{{ first_name }}")])
        found = made.compose_all(
            [
                command(
                    "slack", traits={"first_name": f"{one}{long}", "other": long * (one % 3 * 20)}
                )
                for one in range(40)
            ]
        )
    finally:
        made.close()
    texts = ["" if isinstance(one, Unsendable) else one[0].text or "" for one in found]
    assert [each.removesuffix(long) for each in texts] == [str(one) for one in range(40)]


def test_nobody_gets_what_was_made_for_a_batch_that_came_to_nothing() -> None:
    def hello(name: str) -> Command:
        return command("slack", traits={"first_name": name})

    class Failing(Ours):
        def view(self, command: Command) -> str:
            if command.traits["first_name"] == "Cid":
                raise LookupError
            return super().view(command)

    made = Isolated(tracking=Failing())
    try:
        made.take([template("slack", text="{{ first_name }}")])
        with pytest.raises(LookupError):
            made.compose_all([hello("Ann"), hello("Bob"), hello("Cid")])
        assert [made.compose(hello(name))[0].text for name in ("Dan", "Eve")] == ["Dan", "Eve"]
    finally:
        made.close()


def test_process_that_was_killed_is_begun_anew() -> None:
    made = Isolated()
    try:
        made.take([GOOD])
        assert made._child is not None
        made._child._process.kill()
        made._child._process.wait()
        assert made.compose(command())
        assert made._child is not None
        made._child._process.kill()
        made._child._process.wait()
        assert made.take([GOOD]) == []
    finally:
        made.close()


def test_error_that_nobody_thought_of_is_an_answer() -> None:
    class Failing(Renderer):
        def drafts(self, *_: object) -> list[Draft]:
            raise AttributeError("Ann")

    frame = b"C" + msgspec.msgpack.encode(({}, command()))
    told = isolation.answer(frame, Library(), Failing(Library()))
    with pytest.raises(Unsendable, match="template-broken: AttributeError"):
        isolation._drafts(told)
