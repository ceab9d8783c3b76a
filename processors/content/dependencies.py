"""Which templates change when one document does: versions of templates with all that is in them."""

from collections.abc import Iterable, Mapping
from typing import Any

from processors.definitions import documents, versions


def whole_versions(written: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Returns of each template, by its id, the version of itself and all that it takes in.

    What a document names counts as taken in by it, wherever the name stands: one too many does no
    harm, one too few would.

    Args:
        written: documents; those that are no content are passed over.
    """
    content = [each for each in written if each.get("kind") in documents.CONTENT_KINDS]
    texts = {_key(each): versions.canonical(each).decode() for each in content}
    pieces = {key: each for key, each in texts.items() if key[0] != "template"}
    return {
        key[1]: versions.version(sorted(_with_pieces(text, pieces)))
        for key, text in texts.items()
        if key[0] == "template"
    }


def _with_pieces(text: str, pieces: Mapping[tuple[str, str], str]) -> set[str]:
    """Returns a text, and the texts of all that it names, and these name."""
    found, waiting = {text}, [text]
    while waiting:
        said = waiting.pop()
        for (_, id_), piece in pieces.items():
            if piece not in found and id_ in said:
                found.add(piece)
                waiting.append(piece)
    return found


def _key(document: Mapping[str, Any]) -> tuple[str, str]:
    return str(document["kind"]), str(document.get("id"))
