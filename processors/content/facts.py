"""What a template sees: plain data of one command, and nothing else."""

from collections.abc import Mapping
from typing import Any

import msgspec
from babel import Locale

from processors.content import formats
from processors.content.formats import LOCALE, ZONE
from processors.definitions.templates import Template, Variable, has_type
from schemas.commands import Command
from schemas.errors import Unsendable
from schemas.events import iso

ALIASES = {"first_name": "firstName", "last_name": "lastName"}
"""Names that templates use, and what Segment's spec calls them."""
RECOMMENDED = "recommended"
"""What templates call the lists of their catalogue; it travels among the traits."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What messages of a tenant have in common."""

    product_name: str | None = None
    region: str | None = None
    """Two letters: where numbers without a country's prefix are from."""
    locale: str = "en"
    """Of people of whom it is not known."""


def language(traits: Mapping[str, Any]) -> str | None:
    """Returns the language that a person's traits tell, as `de-AT`; None where they do not."""
    for name in ("locale", "language"):
        said = traits.get(name)
        if isinstance(said, str) and formats.locale(said) is not None:
            return str(formats.locale(said)).replace("_", "-")
    return None


def fallbacks(name: str | None) -> list[str]:
    """Returns the languages to look for, the nearest first.

    >>> fallbacks("zh-Hant-TW")
    ['zh-Hant-TW', 'zh-Hant', 'zh']
    """
    parts = name.split("-") if name else []
    return ["-".join(parts[:count]) for count in range(len(parts), 0, -1)]


def written_in(template: Template, chosen: str | None, person: str | None, general: str) -> Locale:
    """Returns the locale of dates and numbers: the text's language, with the person's region.

    Args:
        template: whose text it is.
        chosen: the language among its `locales`; None: none of them.
        person: the person's, as from `language`.
        general: where nothing else is said.
    """
    said = chosen or template.language or (None if template.locales else person) or general
    if person is not None and person.split("-")[0] == said.split("-")[0]:
        said = person
    return formats.locale(said) or formats.ENGLISH


def of(
    command: Command, options: Options, urls: Mapping[str, str], locale: Locale
) -> dict[str, Any]:
    """Returns what a template sees, by name.

    Traits stand at the top; what is ours stands over traits of the same name, which are still
    there under `profile`.
    """
    traits = command.traits
    person = {**traits, "id": command.profile_id}
    at = iso(command.at)
    names = {name: traits[alias] for name, alias in ALIASES.items() if alias in traits}
    ours: dict[str, Any] = {
        "profile": person,
        "contact": person,
        "event": command.properties,
        "run": command.properties,
        "segments": command.segments,
        "lists": command.lists,
        "product_name": options.product_name,
        "unsubscribe_url": None,
        "preferences_url": None,
        "confirm_url": None,
        "view_url": None,
        "now": at,
        "today": at[:10],
        LOCALE: locale,
        ZONE: formats.zone(traits.get("timezone")),
    }
    return {**names, **traits, **ours, **urls}


def fill(data: dict[str, Any], variables: Mapping[str, Variable]) -> None:
    """Puts the defaults of declared variables into data.

    Raises:
        Unsendable: a required one is missing, or one is of another type; the message is held.
    """
    for path, variable in variables.items():
        found = look_up(data, path)
        if found is not None:
            if not has_type(found, variable.type):
                raise Unsendable("variable-invalid", path, is_held=True)
        elif variable.required:
            raise Unsendable("variable-missing", path, is_held=True)
        elif variable.default is not None:
            put(data, path, variable.default)


def recommended(template: Template, lists: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """Returns the lists of items as a template sees them: what it requires is missing if empty."""
    return {
        name: found
        for name, found in lists.items()
        if found or not _is_required(template, f"{RECOMMENDED}.{name}")
    }


def _is_required(template: Template, path: str) -> bool:
    declared = template.variables.get(path)
    return declared is not None and declared.required


def look_up(data: Mapping[str, Any], path: str) -> Any:
    """Returns the value of a path; None where there is none."""
    found: Any = data
    for part in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(part)
    return found


def put(data: dict[str, Any], path: str, value: Any) -> None:
    """Sets the value of a path; mappings on the way are copied, for they belong to others."""
    *way, last = path.split(".")
    place = data
    for part in way:
        inner = place.get(part)
        place[part] = dict(inner) if isinstance(inner, Mapping) else {}
        place = place[part]
    place[last] = value
