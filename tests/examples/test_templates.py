"""The templates: each folder is a set, all of them are one, the cells of customers part everybody,
and a profile that has to do with all of them stays small."""

import random
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import msgpack
from typer.testing import CliRunner

from processors.cli import cli
from processors.decisions.compiling import compile_set
from processors.definitions import files
from processors.runtime.memory import Driver
from processors.runtime.tables import WAKE_BYTES
from processors.state import profiles
from processors.state.profiles import Profile
from tests.builders import DAY, HOUR, T0, Json, account, encoded, event, identify, track
from tests.oracle.documents import Document, load

TEMPLATES = Path(__file__).parents[2] / "examples" / "templates"
FOLDERS = ("segments", "scores", "triggers", "journeys", "success")

CELLS = {
    "champions",
    "loyal-customers",
    "potential-loyalists",
    "new-customers",
    "promising",
    "need-attention",
    "about-to-sleep",
    "at-risk",
    "cant-lose-them",
    "hibernating",
    "lost-customers",
}
SUBJECTS = ("event", "not_event", "property", "trait", "account", "same")

DEFAULT = "segments scores triggers"
"""The folders that most teams begin with."""
MAX_PROFILE_BYTES = {
    "segments": 955,
    "scores": 970,
    "triggers": 750,
    "success": 600,
    DEFAULT: 1_500,
    f"{DEFAULT} success": 1_550,
}
"""527 of each are the profile without any definition: ids of 20 messages, traits, the account."""

PERSON = "5f2b9c04-7d0e-4f5a-9f0e-1c2d3e4f5a6b"


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("command", ["check", "test"])
def test_each_folder_is_a_set(command: str, folder: str) -> None:
    result = CliRunner().invoke(cli, [command, str(TEMPLATES / folder)])
    assert result.exit_code == 0, result.output


def test_all_folders_are_a_set_together() -> None:
    result = CliRunner().invoke(cli, ["check", str(TEMPLATES)])
    assert result.exit_code == 0, result.output


def test_triggers_do_the_same_beside_each_other(tmp_path: Path) -> None:
    for folder in set(FOLDERS) - {"journeys"}:
        shutil.copytree(TEMPLATES / folder, tmp_path / folder)
    result = CliRunner().invoke(cli, ["test", str(tmp_path)])
    assert result.exit_code == 0, result.output


def test_names_can_be_changed_as_the_page_says(tmp_path: Path) -> None:
    shutil.copytree(TEMPLATES / "segments", tmp_path / "definitions")
    page = (TEMPLATES.parents[1] / "docs" / "templates.md").read_text("utf-8")
    (script,) = re.findall(r"^sed .*\\\n.*$", page, re.MULTILINE)
    subprocess.run(["bash", "-c", script], cwd=tmp_path, check=True)
    names = {name for each in load(tmp_path / "definitions") for name in asked(each)}
    assert {"Order Completed", "total"} <= names
    assert not {"order.completed", "order.total"} & names
    result = CliRunner().invoke(cli, ["test", str(tmp_path / "definitions")])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("document", load(TEMPLATES), ids=lambda one: one["id"])
def test_description_names_all_that_is_asked_of_events_and_traits(document: Document) -> None:
    for name in asked({key: part for key, part in document.items() if key != "do"}):
        assert name in document["description"], name


def asked(part: Any) -> Iterator[str]:
    """Yields the events, their properties, the traits and those of the account in a definition."""
    if isinstance(part, list):
        for each in part:
            yield from asked(each)
    elif isinstance(part, dict):
        for key, inner in part.items():
            if key in SUBJECTS and isinstance(inner, str):
                yield inner
            yield from asked(inner)


def test_cells_of_recency_frequency_and_money_part_all_customers() -> None:
    chance = random.Random(20_260_101)
    orders = sorted(
        (order(chance, person) for person in range(150) for _ in range(chance.randint(0, 9))),
        key=lambda one: one["timestamp"],
    )
    driver = Driver(compile_set(files.load(TEMPLATES)), lambda topic, key, value: None)
    taken = Counter[str]()
    for now in range(T0, T0 + 1_200 * DAY, 60 * DAY):
        for each in orders:
            if now - 60 * DAY <= each["at"] < now:
                driver.feed([(each["userId"].encode(), encoded(each))])
        driver.advance(now)
        customers = {each["userId"] for each in orders if each["at"] < now}
        assert set(driver.table.profiles) == customers
        for customer in customers:
            (cell,) = CELLS & profile(driver, customer).segments.keys()
            taken[cell] += 1
    assert taken.keys() == CELLS
    assert min(taken.values()) >= 10, taken


def order(chance: random.Random, person: int) -> Json:
    """Returns an order within two years, small or large, by somebody who is active for a while."""
    began = random.Random(person).randrange(400 * DAY)
    at = T0 + began + chance.randrange(random.Random(person).choice((60, 200, 330)) * DAY)
    total = chance.choice((20, 80, 150, 400))
    each = track("order.completed", at, id=f"{person}-{at}", person=f"p{person}")
    return each | {"properties": {"order": {"total": total}}, "at": at}


def profile(driver: Driver, person: str) -> Profile:
    return profiles.decode(person, driver.table.profiles[person][WAKE_BYTES:])


@pytest.mark.parametrize(("folders", "most"), MAX_PROFILE_BYTES.items())
def test_profile_with_20_events_in_the_windows_stays_small(
    folders: str, most: int, tmp_path: Path
) -> None:
    for folder in folders.split():
        shutil.copytree(TEMPLATES / folder, tmp_path / folder)
    definitions = files.load(tmp_path)
    driver = Driver(compile_set(definitions), lambda topic, key, value: None)
    log = sorted(busy_days(), key=lambda one: one["timestamp"])
    assert len(log) == 20
    for each in log:
        driver.feed([(PERSON.encode(), encoded(each | {"userId": PERSON}))])
    found = profile(driver, PERSON)
    sizes = {key: len(msgpack.encode(getattr(found, key))) for key in found.__struct_fields__}
    size = len(driver.table.profiles[PERSON])
    largest = sorted(sizes, key=lambda key: -sizes[key])[:5]
    parts = ", ".join(f"{key} {sizes[key]}" for key in largest)
    assert size <= most, f"{size} bytes, most of them: {parts}"


def busy_days() -> list[Json]:
    """Returns what one person did in three days: something for nearly all templates."""
    subscription = {"plan": "trial", "status": "active"}
    return [
        identify(T0, jobTitle="CTO", createdAt="2025-12-30T10:00:00Z", subscription=subscription),
        account(T0, size=250, industry="Finance", country="UK", revenue=20_000_000, health=70),
        track("user.signed_up", T0, user={"type": "customer"}),
        *(visit(number) for number in range(5)),
        *(track("user.logged_in", T0 + number * DAY) for number in range(3)),
        *(track("product.viewed", T0 + number * HOUR) for number in range(2)),
        track("product.added_to_cart", T0 + DAY),
        track("email.opened", T0 + DAY, email={"campaignId": "welcome_series"}),
        track("email.clicked", T0 + DAY),
        *(track("order.completed", T0 + day * DAY, order={"total": 149.9}) for day in range(2)),
        track("feature.used", T0 + 2 * DAY),
        track("ticket.opened", T0 + 3 * DAY),
    ]


def visit(number: int) -> Json:
    """Returns the view of a page, each second one of the prices."""
    properties = {"url": "/pricing" if number % 2 else "/", "duration": 35.5, "returning": True}
    at = T0 + number * HOUR
    return event("page", at, id=f"visit-{number}", properties=properties)


@pytest.mark.parametrize("document", load(TEMPLATES), ids=lambda one: one["id"])
def test_page_of_templates_has_each_of_them(document: Document) -> None:
    page = (TEMPLATES.parents[1] / "docs" / "templates.md").read_text("utf-8")
    assert f"`{document['id']}`" in page
