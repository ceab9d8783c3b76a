"""Texts of templates that lie in files of their own: `html: {file: welcome.html}`.

They are taken in when a folder is read: what travels and has a version is the document as a whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from processors.definitions import values
from processors.definitions.errors import Path, shorten
from processors.definitions.templates import TEXT_KEYS

KINDS = ("template", "partial")
SUFFIXES = (".html", ".htm", ".mjml", ".txt", ".liquid")
MAX_BYTES = 200 * 1024
"""Of one file: a mail longer than half of that is cut by many who show it."""


@dataclass(slots=True)
class Inlined:
    """A document with its texts in it, and where they are from."""

    document: Any
    files: dict[Path, str] = field(default_factory=dict)
    """The file of each text that lay in one."""
    faults: list[tuple[Path, str]] = field(default_factory=list)


def inline(document: Any, file: FilePath, folder: FilePath) -> Inlined:
    """Returns a document with the texts of the files that it names.

    Args:
        document: JSON-like, as read; is not changed.
        file: whose document it is: names are looked up beside it.
        folder: nothing outside of it is read, whatever a name or a link says.
    """
    found = Inlined(document)
    if not isinstance(document, dict) or document.get("kind") not in KINDS:
        return found
    found.document = dict(document)
    for path, place, key in _places(found.document):
        name = place[key]["file"]
        try:
            target = _target(name, file, folder)
            place[key] = _read(target)
            found.files[(*path, key)] = str(target)
        except ValueError as error:
            place[key] = "-"  # said below; a text, so that nothing is said twice
            found.faults.append(((*path, key), str(error)))
    return found


def _places(document: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any], str]]:
    """Yields where a text is said to lie in a file: path and mapping, both to be changed."""
    yield from _spoken((), document)
    variants = document.get("variants")
    if isinstance(variants, list):
        document["variants"] = [dict(each) if isinstance(each, dict) else each for each in variants]
        for place, variant in enumerate(document["variants"]):
            if isinstance(variant, dict):
                yield from _spoken(("variants", place), variant)


def _spoken(path: Path, document: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any], str]]:
    """Yields those of a document or variant, and of its languages."""
    yield from _named(path, document)
    locales = document.get("locales")
    if isinstance(locales, dict):
        document["locales"] = dict(locales)
        for name, wording in locales.items():
            if isinstance(wording, dict):
                document["locales"][name] = dict(wording)
                yield from _named((*path, "locales", name), document["locales"][name])


def _named(path: Path, place: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any], str]]:
    for key in TEXT_KEYS:
        said = place.get(key)
        if isinstance(said, dict) and said.keys() == {"file"}:
            yield path, place, key


def _target(name: Any, file: FilePath, folder: FilePath) -> FilePath:
    """Returns the file that is meant.

    Raises:
        ValueError: it is none that may be read, or is not there.
    """
    if not isinstance(name, str) or not name.isprintable() or not name.endswith(SUFFIXES):
        said = f"must be a file named {', '.join(f'*{each}' for each in SUFFIXES)}"
        raise ValueError(f"{said}, found {values.describe(name)}")
    target = file.parent / name
    real, root = target.resolve(), folder.resolve()
    if not real.is_relative_to(root) or FilePath(name).is_absolute():
        raise ValueError(f"must be a file inside of the folder of definitions, found {name}")
    if any(part.startswith(".") for part in real.relative_to(root).parts):
        raise ValueError(f"must not be hidden, found {name}")
    if not real.is_file():
        raise ValueError(f"there is no file {shorten(name)} beside it")
    return target


def _read(file: FilePath) -> str:
    """Returns the text of a file.

    Raises:
        ValueError: it can not be read, is too large, or is not UTF-8.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ValueError(f"{file.name} can not be read: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise ValueError(f"{file.name} must have at most {MAX_BYTES // 1024} kB")
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise ValueError(f"{file.name} is not UTF-8") from None
