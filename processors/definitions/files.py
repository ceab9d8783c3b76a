"""A folder of definitions, as marketers keep them, to a checked set; problems to lines."""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path as FilePath

from processors.definitions import documents, inlining, sets, syntax
from processors.definitions.documents import Definition
from processors.definitions.errors import InvalidDefinitions, Problem, show
from processors.definitions.predicates import NONE, Predicates
from processors.definitions.sets import DefinitionSet

SUFFIXES = (".yaml", ".yml", ".json")
TEST_SUFFIXES = tuple(f".test{suffix}" for suffix in SUFFIXES)
"""Tests of definitions lie beside them and are none themselves."""
MAX_FILES = 10_000

_CLAIM = re.compile(r"""^\W{0,8}id["']?\s*:\s*["']?([a-z0-9][a-z0-9_-]*)""", re.MULTILINE)


def load(source: str | FilePath, *, predicates: Predicates = NONE) -> DefinitionSet:
    """Returns the set of the definitions in a file, or in a folder and all below it.

    Files are `*.yaml`, `*.yml` and `*.json` of one definition each; names that begin with a dot
    and `*.test.yaml` are left out. Conditions may name the predicates.

    Raises:
        InvalidDefinitions: with all problems of all files.
    """
    parsed: list[Definition] = []
    problems: list[Problem] = []
    broken: set[str] = set()
    folder = FilePath(source) if FilePath(source).is_dir() else FilePath(source).parent
    for file in _files(FilePath(source)):
        try:
            parsed.append(_parse(file, folder, broken))
        except InvalidDefinitions as error:
            problems += error.problems
    return sets.complete(parsed, problems, broken, predicates=predicates)


def tests(folder: str | FilePath) -> list[FilePath]:
    """Returns the files of tests in a folder and all below it, sorted by name.

    Raises:
        InvalidDefinitions: there are too many.
    """
    return _limited(FilePath(folder), _is_test, "tests")


def read(file: FilePath) -> tuple[syntax.Text, list[Problem]]:
    """Returns the text of a file, with what is wrong with its writing.

    Raises:
        InvalidDefinitions: it can not be read, is too large, or is not UTF-8.
    """
    content = _content(file)
    text = syntax.read_json(content) if file.suffix == ".json" else syntax.read_yaml(content)
    problems = [
        Problem(str(file), line, show(path), message) for line, path, message in text.faults
    ]
    return text, problems


def render(problems: Iterable[Problem]) -> str:
    """Returns the problems as compilers print them, one a line: `file:line: path: message`."""
    return "\n".join(map(str, problems))


def _files(source: FilePath) -> list[FilePath]:
    """Returns the files to read, sorted by name.

    Raises:
        InvalidDefinitions: there are none, or too many.
    """
    if source.is_file():
        return [source]
    if not source.is_dir():
        raise _unreadable(source, "there is no such file or folder")
    found = _limited(source, _is_definition, "definitions")
    if not found:
        message = f"holds no definitions ({', '.join(f'*{suffix}' for suffix in SUFFIXES)})"
        raise _unreadable(source, message)
    return found


def _limited(source: FilePath, is_wanted: Callable[[str], bool], noun: str) -> list[FilePath]:
    found = []
    for file in _walk(source, is_wanted):
        found.append(file)
        if len(found) > MAX_FILES:
            message = f"holds more than {MAX_FILES} files of {noun}"
            raise _unreadable(source, message)
    return sorted(found)


def _is_definition(name: str) -> bool:
    return name.endswith(SUFFIXES) and not name.endswith(TEST_SUFFIXES)


def _is_test(name: str) -> bool:
    return name.endswith(TEST_SUFFIXES)


def _walk(source: FilePath, is_wanted: Callable[[str], bool]) -> Iterator[FilePath]:
    waiting = [source]
    while waiting:
        for each in waiting.pop().iterdir():
            if each.name.startswith("."):
                continue
            if each.is_dir():
                if not each.is_symlink():
                    waiting.append(each)
            elif is_wanted(each.name) and (each.is_file() or not each.exists()):
                yield each  # but no pipe: it would never end


def _parse(file: FilePath, folder: FilePath, broken: set[str]) -> Definition:
    """Returns the definition in a file; adds the id to `broken` where it has one and is none.

    Raises:
        InvalidDefinitions: it can not be read or parsed.
    """
    text, problems = read(file)
    if not text.is_whole:
        broken |= set(_CLAIM.findall(_content(file)))
        raise InvalidDefinitions(problems)
    whole = inlining.inline(text.document, file, folder)
    problems += [
        Problem(str(file), documents.line_of(path, text.lines), show(path), message)
        for path, message in whole.faults
    ]
    try:
        definition = documents.parse(
            whole.document, file=str(file), lines=text.lines, texts=whole.files
        )
    except InvalidDefinitions as error:
        problems += error.problems
    else:
        if not problems:
            return definition
    broken |= documents.claimed_id(text.document)
    raise InvalidDefinitions(problems)


def _content(file: FilePath) -> str:
    """Returns the text of a file.

    Raises:
        InvalidDefinitions: it can not be read, is too large, or is not UTF-8.
    """
    if not file.name.endswith(SUFFIXES):
        message = f"must be named {', '.join(f'*{suffix}' for suffix in SUFFIXES)}"
        raise _unreadable(file, message)
    try:
        with file.open("rb") as stream:
            data = stream.read(documents.MAX_BYTES + 1)
    except OSError as error:
        message = f"can not be read: {error.strerror}"
        raise _unreadable(file, message) from None
    if len(data) > documents.MAX_BYTES:
        message = f"must have at most {documents.MAX_BYTES // 1024} kB"
        raise _unreadable(file, message)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"is not UTF-8: byte 0x{data[error.start]:02X}; save it as UTF-8"
        raise _unreadable(file, message, line) from None


def _unreadable(file: FilePath, message: str, line: int | None = None) -> InvalidDefinitions:
    return InvalidDefinitions([Problem(str(file), line, "", message)])
