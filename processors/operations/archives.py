"""All that is published of each definition: the version that is active, and those before it.

Read for people: by publishing, which numbers on, and by `beckon definitions`.
"""

from collections.abc import Mapping
from typing import Any

from processors.definitions import sets, suggestions
from processors.definitions.orders import Key
from processors.definitions.predicates import Predicates
from processors.definitions.sets import DefinitionSet
from processors.operations.errors import OperationFailed
from processors.runtime.catalogues import Catalogue, older
from schemas import codec, definitions
from schemas.definitions import DefinitionRecord
from schemas.errors import BadRecord
from schemas.letters import DeadLetter, Record


class Archive:
    """Every version of every definition, as far as it is kept."""

    def __init__(self) -> None:
        self._catalogue = Catalogue()
        self._kept: dict[Key, dict[int, DefinitionRecord]] = {}

    def take(self, record: Record) -> DeadLetter | None:
        """Takes one record of the topic, none of them twice; returns why it is refused, if it is.

        Documents of versions before are not parsed: they stay readable when the grammar moves on.
        """
        try:
            kind, id_, number = definitions.parse_key(record.key)
            if number is None:
                return self._catalogue.take(record)
            kept = None if record.value is None else codec.decode_definition(record.value)
        except BadRecord as bad:
            return DeadLetter(record, bad.reason, str(bad))
        if kept is None:
            self._kept.get((kind, id_), {}).pop(number, None)
        elif (kept.kind, kept.id, kept.number) == (kind, id_, number):
            self._kept.setdefault((kind, id_), {})[number] = kept
        else:
            return DeadLetter(record, "key-mismatch", "the key does not say what the value does")
        return None

    @property
    def records(self) -> Mapping[Key, DefinitionRecord]:
        """The active version of each definition."""
        return self._catalogue.records

    def published(self, predicates: Predicates) -> DefinitionSet:
        """Returns the active versions as a set, the one by which workers decide.

        Raises:
            InvalidDefinitions: they do not fit together.
        """
        documents: list[Any] = [each.document for each in self.records.values()]
        for key, each in sorted(self.records.items()):
            if each.kind == "journey":
                documents += older(self.kept(key), each.number, each.document)
        return sets.from_documents(documents, predicates=predicates)

    def kept(self, key: Key) -> Mapping[int, DefinitionRecord]:
        """Returns what lies under the numbers of a definition."""
        return self._kept.get(key, {})

    def versions(self, key: Key) -> dict[int, DefinitionRecord]:
        """Returns all versions of a definition, the active one too, by rising number."""
        found = dict(self.kept(key))
        if key in self.records:
            found[self.records[key].number] = self.records[key]
        return dict(sorted(found.items()))

    def next_number(self, key: Key) -> int:
        """Returns the number of a further version: it counts on, also after an end."""
        return max(self.versions(key), default=0) + 1

    def ids(self, kind: str) -> list[str]:
        """Returns the ids of what is active of a kind, sorted."""
        return sorted(id_ for each, id_ in self.records if each == kind)

    def require(self, kind: str, id_: str) -> None:
        """Passes what is active.

        Raises:
            OperationFailed: there is no such definition.
        """
        if (kind, id_) not in self.records:
            hint = suggestions.hint(id_, self.ids(kind))
            raise OperationFailed(f"no {kind} {id_} is published{hint}")

    def named(self, name: str) -> Key:
        """Returns whom an id, or `kind/id`, means, be it active or ended.

        Raises:
            OperationFailed: there is none, or there are several.
        """
        ended = {key for key, kept in self._kept.items() if kept}
        keys = {definitions.key(*key): key for key in ended | self.records.keys()}
        found = {text: key for text, key in keys.items() if name in (text, key[1])}
        if len(found) == 1:
            return next(iter(found.values()))
        if found:
            raise OperationFailed(f"there are several {name}: say {' or '.join(sorted(found))}")
        known = {key[1] for key in keys.values()} | keys.keys()
        hint = suggestions.hint(name, known)
        raise OperationFailed(f"nothing is published as {name}{hint}")

    def version(self, key: Key, number: int) -> DefinitionRecord:
        """Returns one version of a definition.

        Raises:
            OperationFailed: it is not there.
        """
        found = self.versions(key)
        if number not in found:
            said = f"{definitions.key(*key)} has no version {number}"
            raise OperationFailed(f"{said}; the earliest is {min(found)}, the latest {max(found)}")
        return found[number]
