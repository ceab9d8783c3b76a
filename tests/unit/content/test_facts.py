"""What a template sees: the data of its command, in the language of the person."""

from typing import Any

import pytest

from processors.content import facts, formats
from processors.content.facts import Options
from processors.definitions import documents
from processors.definitions.templates import Template, Variable
from schemas.errors import Unsendable
from tests.unit.content.builders import command, template


def parsed(**keys: Any) -> Template:
    found = documents.parse(template(**keys))
    assert isinstance(found, Template)
    return found


def test_traits_stand_at_the_top_and_hide_nothing_of_ours() -> None:
    traits = {"firstName": "Ann", "plan": "gold", "event": "mine", "now": "never"}
    order = command(traits=traits, properties={"total": 3}, segments=["vip"])
    urls = {"unsubscribe_url": "https://b.example/u"}
    data = facts.of(order, Options(product_name="Shop"), urls, formats.ENGLISH)
    assert (data["first_name"], data["plan"], data["product_name"]) == ("Ann", "gold", "Shop")
    assert (data["segments"], data["lists"]) == (["vip"], [])
    assert data["event"] == data["run"] == {"total": 3}
    assert data["profile"] == data["contact"] == traits | {"id": "ann"}
    assert (data["now"], data["today"]) == ("2026-01-01T00:00:00.000Z", "2026-01-01")
    assert (data["unsubscribe_url"], data["preferences_url"]) == ("https://b.example/u", None)


@pytest.mark.parametrize(
    ("traits", "found"),
    [
        ({"locale": "de_AT"}, "de-AT"), ({"language": "fr"}, "fr"), ({"locale": "xx"}, None),
        ({"locale": 3, "language": "pt-BR"}, "pt-BR"), ({}, None),
        ({"locale": "../../etc/passwd"}, None),
    ],
)  # fmt: skip
def test_language_is_told_by_traits(traits: dict[str, Any], found: str | None) -> None:
    assert facts.language(traits) == found


@pytest.mark.parametrize(
    ("keys", "chosen", "person", "found"),
    [
        ({}, None, None, "en"),
        ({}, None, "de-AT", "de_AT"),
        ({"language": "en"}, None, "de-AT", "en"),
        ({"language": "en"}, None, "en-GB", "en_GB"),
        ({"locales": {"de": {}}}, "de", "de-AT", "de_AT"),
        ({"locales": {"de": {}}}, None, "fr", "en"),
    ],
)
def test_numbers_are_in_the_language_of_the_text(
    keys: dict[str, Any], chosen: str | None, person: str | None, found: str
) -> None:
    assert str(facts.written_in(parsed(**keys), chosen, person, "en")) == found


def test_unknown_general_locale_is_english() -> None:
    assert facts.written_in(parsed(), None, None, "xx") == formats.ENGLISH


def declared(**keys: Any) -> dict[str, Variable]:
    return {"a.b": Variable.model_validate(keys)}


def test_defaults_are_put_where_nothing_is() -> None:
    inner: dict[str, Any] = {"c": 1}
    data: dict[str, Any] = {"a": inner}
    facts.fill(data, declared(default="x"))
    assert data == {"a": {"b": "x", "c": 1}}
    assert inner == {"c": 1}, "what came with the command stays as it was"
    for found in ({"a": {"b": None}}, {}, {"a": 3}):
        data = dict(found)
        facts.fill(data, declared(default="x"))
        assert data["a"]["b"] == "x"
    data = {}
    facts.fill(data, declared())
    assert data == {}


@pytest.mark.parametrize(
    ("data", "keys", "said"),
    [
        ({}, {"required": True}, "variable-missing: a.b"),
        ({"a": {"b": None}}, {"required": True}, "variable-missing: a.b"),
        ({"a": {"b": 3}}, {}, "variable-invalid: a.b"),
        ({"a": {"b": "3"}}, {"type": "number"}, "variable-invalid: a.b"),
    ],
)
def test_missing_and_wrong_variables_are_held(
    data: dict[str, Any], keys: dict[str, Any], said: str
) -> None:
    with pytest.raises(Unsendable) as caught:
        facts.fill(data, declared(**keys))
    assert (str(caught.value), caught.value.is_held) == (said, True)


def test_list_of_a_catalogue_is_missing_where_it_is_required_and_empty() -> None:
    required = {
        "recommended.trending": {"type": "list", "required": True},
        "recommended.also_bought": {"type": "list"},
    }
    found = parsed(variables=required)
    assert facts.recommended(found, {"trending": [], "also_bought": [], "last_viewed": []}) == {
        "also_bought": [],
        "last_viewed": [],
    }
    assert facts.recommended(found, {"trending": [1]}) == {"trending": [1]}
