"""Which wording somebody gets: the same each time, by its weight, and never that of weight 0."""

from collections import Counter
from typing import Any

import pytest

from processors.content import variants
from processors.definitions import documents
from processors.definitions.templates import Template
from schemas.errors import Unsendable
from tests.unit.content.builders import command, template

GOLDEN = ["v2", "v2", "v0", "v0", "v2", "v1", "v1", "v0"]


def varied(*weights: int, **keys: Any) -> Template:
    said = [{"name": f"v{place}", "weight": each} for place, each in enumerate(weights)]
    found = documents.parse(template(variants=said, **keys))
    assert isinstance(found, Template)
    return found


def drawn(found: Template, person: int = 0, **keys: Any) -> str | None:
    variant = variants.drawn(found, command(profile_id=f"p{person}", **keys))
    return None if variant is None else variant.name


def test_template_without_variants_has_one_wording() -> None:
    found = documents.parse(template())
    assert isinstance(found, Template)
    assert drawn(found) is None


def test_what_is_drawn_is_the_same_in_each_process_and_version() -> None:
    found = varied(1, 1, 1)
    assert [drawn(found, person) for person in range(8)] == GOLDEN


def test_it_hangs_on_person_definition_and_template_alone() -> None:
    found, other = varied(1, 1), varied(1, 1, id="other")
    usual = [drawn(found, person) for person in range(50)]
    assert usual == [drawn(found, one, version="w", step="9", id="c") for one in range(50)]
    assert usual != [drawn(found, one, definition_id="farewell") for one in range(50)]
    assert usual != [drawn(other, one) for one in range(50)]


def test_shares_are_those_of_the_weights_and_none_is_none() -> None:
    found = varied(0, 30, 0, 10, 0)
    count = Counter(drawn(found, person) for person in range(4_000))
    assert count.keys() == {"v1", "v3"}
    assert 2_900 < count["v1"] < 3_100


def test_weights_in_the_same_proportion_move_nobody() -> None:
    few, many = varied(1, 3), varied(10, 30)
    assert all(drawn(few, one) == drawn(many, one) for one in range(200))


def test_variant_is_found_by_its_name() -> None:
    found = varied(1, 0)
    assert variants.named(found, "v1").weight == 0
    with pytest.raises(Unsendable, match="variant-missing"):
        variants.named(found, "v2")
