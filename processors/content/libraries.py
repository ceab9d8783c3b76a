"""All templates, as they are published: found by id, in the language of the person."""

import threading
from collections.abc import Iterable, Mapping
from typing import Any

from processors.content import facts
from processors.content.wordings import Compiled, Shelf
from processors.definitions import documents
from processors.definitions.errors import InvalidDefinitions, Problem
from processors.definitions.templates import Partial, Template, Variant


class Stock:
    """The templates of one moment; compiled when they are first asked for."""

    def __init__(self, templates: Mapping[str, Template], partials: Mapping[str, Partial]) -> None:
        self.templates = templates
        self._shelf = Shelf(partials)
        self._compiled: dict[tuple[str, str | None, str | None], Compiled] = {}

    def chosen(self, template: Template, language: str | None) -> str | None:
        """Returns the language of a template that is nearest to a person's; None: the general."""
        wanted = facts.fallbacks(language)
        return next((each for each in wanted if each in template.locales), None)

    def compiled(
        self, template: Template, locale: str | None, variant: Variant | None = None
    ) -> Compiled:
        """Returns a template's texts in one of its languages, as one of its variants has them.

        Raises:
            Broken: they can not be compiled.
        """
        key = (template.id, locale, None if variant is None else variant.name)
        found = self._compiled.get(key)
        if found is None:
            found = self._compiled[key] = Compiled(
                template.worded(locale, variant), self._shelf, is_slack=template.channel == "slack"
            )
        return found


class Library:
    """Templates and partials by their ids; callable from any thread."""

    def __init__(self, written: Iterable[Mapping[str, Any]] = ()) -> None:
        self._lock = threading.Lock()
        self.stock = Stock({}, {})
        self.take(written)

    def take(self, written: Iterable[Mapping[str, Any]]) -> list[Problem]:
        """Takes documents in the place of all before; returns what is wrong with some of them.

        Args:
            written: of any kind: those that are no templates and no partials are passed over.
        """
        templates, partials, problems = dict[str, Template](), dict[str, Partial](), list[Problem]()
        for document in written:
            if document.get("kind") not in documents.CONTENT_KINDS:
                continue
            try:
                name = f"{document['kind']}/{document.get('id')}"
                found = documents.parse(document, file=name)
            except InvalidDefinitions as error:
                problems += error.problems
                continue
            if isinstance(found, Template):
                templates[found.id] = found
            elif isinstance(found, Partial):
                partials[found.id] = found
        with self._lock:
            self.stock = Stock(templates, partials)
        return problems
