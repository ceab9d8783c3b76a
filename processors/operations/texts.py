"""A definition's document as YAML, as marketers write it, and how two of them differ."""

import difflib
import io
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.representer import SafeRepresenter

CONTEXT = 2
"""Unchanged lines shown around a change."""


class _Representer(SafeRepresenter):
    """Writes keys in the order in which they stand, and equal values each time."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def text(document: Mapping[str, Any]) -> str:
    r"""Returns a document as YAML that `beckon check` reads as the same document.

    >>> text({"kind": "list", "id": "beta", "name": "Beta testers"})
    'kind: list\nid: beta\nname: Beta testers\n'
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.Representer = _Representer
    yaml.default_flow_style = False
    yaml.allow_unicode = True
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.width = 10_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    yaml.dump(dict(document), stream)
    return stream.getvalue()


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Returns what differs between two documents, as the lines of a unified diff of their YAML.

    >>> difference({"id": "vip", "at_least": 1}, {"id": "vip", "at_least": 2})
    [' id: vip', '-at_least: 1', '+at_least: 2']
    """
    before, after = text(old).splitlines(), text(new).splitlines()
    _, _, _, *lines = [*difflib.unified_diff(before, after, n=CONTEXT, lineterm="")] or [""] * 3
    return ["…" if line.startswith("@@") else line for line in lines]
