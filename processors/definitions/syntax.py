"""Text of a file to a document, with the line of everything in it: strict YAML 1.2, or JSON.

Built on the events of ruamel.yaml's parser, not on its loader: nothing is constructed but JSON
values, nothing recurses, and what YAML can do beyond JSON (anchors, aliases, tags, merge keys,
directives) is refused where it stands.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml import events as yaml_events
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from processors.definitions.documents import MAX_DEPTH, MAX_NODES
from processors.definitions.errors import Path, one_line, shorten

NULLS = frozenset({"", "~", "null", "Null", "NULL"})
BOOLEANS = dict.fromkeys(("true", "True", "TRUE"), True) | dict.fromkeys(
    ("false", "False", "FALSE"), False
)
MAX_SHOWN = 3
"""Steps of a path that are shown where reading ends: it may be very deep there."""
MAX_DIGITS = 40
"""Enough to show that a whole number is too large for us, and quick to read."""

_INT = re.compile(r"[-+]?[0-9]+", re.ASCII)
_PADDED = re.compile(r"[-+]?0[0-9]+", re.ASCII)
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", re.ASCII)
_UNPRINTABLE = re.compile("[^\\t\\n\\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TOKEN = re.compile(r'("(?:[^"\\]|\\.)*")|([{}\[\],:])|([^\s{}\[\],:"]+)')

NUMBERED = (("columns",), ("rows",))
"""Ends of paths to mappings in which a whole number may be a key: it names a grade."""

HINTS = {
    "mapping values are not allowed": "put a text that holds a colon in quotes, or mend the indent",
    "\\t": "a tab can not indent: use spaces",
    "expected <block end>": "the indent of this line fits no line above it",
    "expected ',' or": "a list or mapping in brackets is not closed",
}
"""Words of the YAML parser, with what has usually happened."""


@dataclass(slots=True)
class Text:
    """What was read: the document as far as it goes, and what is wrong with its writing."""

    document: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    faults: list[tuple[int, Path, str]] = field(default_factory=list)
    """Line, path, message."""
    is_whole: bool = True
    """Whether the document is worth being checked further."""


class _End(Exception):
    """Reading can not go on; the reason is noted."""


def read_yaml(text: str) -> Text:
    """Returns the one document of a YAML text; never raises for what the text holds."""
    builder = _Builder()
    try:
        _check_characters(text, builder)
        for event in YAML(typ="safe", pure=True).parse(text):
            _take(event, builder)
        if not builder.is_begun:
            builder.end(1, "the file is empty")
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        builder.fail(mark.line + 1 if mark else 1, f"is not YAML: {_plain(error)}")
    except (YAMLError, ValueError, OverflowError) as error:
        builder.fail(1, f"is not YAML: {shorten(str(error))}")
    except _End:
        pass
    return builder.text


def read_json(text: str) -> Text:
    """Returns the document of a JSON text; never raises for what the text holds."""
    builder = _Builder()
    try:
        _check_characters(text, builder)
        if not text.strip():
            builder.end(1, "the file is empty")
        json.loads(text, parse_constant=_refuse_constant)
        line, at = 1, 0
        for match in _TOKEN.finditer(text):
            line += text.count("\n", at, match.start())
            at = match.start()
            _take_token(match, line, builder)
    except json.JSONDecodeError as error:
        builder.fail(error.lineno, f"is not JSON: {error.msg} (column {error.colno})")
    except ValueError as error:
        builder.fail(1, f"is not JSON: {error}")
    except RecursionError:
        builder.fail(1, f"must not be nested deeper than {MAX_DEPTH}")
    except _End:
        pass
    return builder.text


class _Builder:
    """Puts a document together and notes the line of everything in it."""

    def __init__(self) -> None:
        self.text = Text()
        self.is_begun = False
        self._open: list[_Frame] = []
        self._nodes = 0

    @property
    def wants_key(self) -> bool:
        """Whether a mapping is open whose next value has no key yet."""
        return bool(self._open) and self._open[-1].wants_key

    def path(self) -> Path:
        """Returns the place of the next value; of the mapping, while its key is not known."""
        return tuple(frame.place() for frame in self._open if not frame.wants_key)

    def fault(self, line: int, message: str) -> None:
        """Notes a mistake at the next value."""
        self.text.faults.append((line, self.path(), message))

    def fail(self, line: int, message: str) -> None:
        """Notes a mistake that leaves the document of no use."""
        self.text.faults.append((line, (), message))
        self.text.is_whole = False

    def end(self, line: int, message: str) -> NoReturn:
        """Notes a mistake after which reading can not go on."""
        self.text.faults.append((line, self.path()[:MAX_SHOWN], message))
        self.text.is_whole = False
        raise _End

    def spoil(self, line: int, message: str) -> None:
        """Notes a mistake at the next value, without which the document means something else."""
        self.fault(line, message)
        self.text.is_whole = False

    def key(self, name: str, line: int) -> None:
        """Takes the key of the next value."""
        frame = self._open[-1]
        frame.key = name
        frame.wants_key = False
        if name in frame.value:
            first = self.text.lines.get(self.path())
            self.fault(line, f"this key is there twice, first in line {first}")
        else:
            self.text.lines.setdefault(self.path(), line)

    def put(self, value: Any, line: int) -> None:
        """Takes the next value."""
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self.end(line, f"must have at most {MAX_NODES} values")
        self.text.lines.setdefault(self.path(), line)
        if self._open:
            self._open[-1].add(value)
        else:
            self.text.document = value
            self.is_begun = True

    def open(self, value: Any, line: int) -> None:
        """Takes a list or mapping as the next value; what follows goes into it."""
        if len(self._open) >= MAX_DEPTH:
            self.end(line, f"must not be nested deeper than {MAX_DEPTH}")
        self.put(value, line)
        self._open.append(_Frame(value))

    def close(self) -> None:
        """Ends the innermost list or mapping."""
        self._open.pop()
        if self._open:
            self._open[-1].step()


class _Frame:
    """A list or mapping that is being filled."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self.key: str | None = None
        self.wants_key = isinstance(value, dict)
        self._count = 0

    def place(self) -> str | int:
        return self._count if self.key is None else self.key

    def add(self, value: Any) -> None:
        if isinstance(self.value, list):
            self.value.append(value)
        else:
            self.value.setdefault(self.key, value)
        if not isinstance(value, (dict, list)):
            self.step()

    def step(self) -> None:
        """Moves on to the next item, or the next key."""
        self._count += 1
        self.wants_key = isinstance(self.value, dict)


def _check_characters(text: str, builder: _Builder) -> None:
    match = _UNPRINTABLE.search(text)
    if match:
        line = text.count("\n", 0, match.start()) + 1
        builder.end(line, f"holds a character that does not print, U+{ord(match[0]):04X}")


def _take(event: yaml_events.Event, builder: _Builder) -> None:
    line = event.start_mark.line + 1 if event.start_mark else 1
    match event:
        case yaml_events.DocumentStartEvent():
            if builder.is_begun:
                builder.end(line, "a second document begins here: one definition a file")
            if event.version or event.tags:
                builder.end(line, "directives (%) are not allowed")
        case yaml_events.AliasEvent():
            builder.spoil(
                line, f"aliases (*{one_line(event.anchor)}) are not allowed: write it out"
            )
            _take_value("", line, builder)
        case yaml_events.NodeEvent():
            tag = getattr(event, "tag", None)
            if event.anchor is not None:
                builder.spoil(
                    line, f"anchors (&{one_line(event.anchor)}) are not allowed: write it out"
                )
            if tag is not None:
                builder.spoil(line, f"tags ({one_line(str(tag))}) are not allowed")
            _take_node(event, line, builder)
        case yaml_events.CollectionEndEvent():
            builder.close()


def _take_node(event: yaml_events.NodeEvent, line: int, builder: _Builder) -> None:
    if isinstance(event, yaml_events.ScalarEvent):
        is_plain = not event.style
        value = _resolve(event.value, line, builder) if is_plain else event.value
        if builder.wants_key and is_plain and value == "<<":
            builder.end(line, "merge keys (<<) are not allowed: write it out")
        _take_value(value, line, builder)
    elif builder.wants_key:
        builder.end(line, "a key must be text, found a list or a mapping")
    else:
        builder.open({} if isinstance(event, yaml_events.MappingStartEvent) else [], line)


def _take_value(value: Any, line: int, builder: _Builder) -> None:
    if not builder.wants_key:
        builder.put(value, line)
    elif isinstance(value, str):
        builder.key(value, line)
    elif type(value) is int and builder.path()[-1:] in NUMBERED:
        builder.key(str(value), line)
    else:
        builder.end(line, f"a key must be text: put {json.dumps(value)} in quotes")


def _resolve(text: str, line: int, builder: _Builder) -> Any:
    """Returns the value of a plain scalar by YAML 1.2's core schema: `no`, `on`, dates are text."""
    if text in NULLS:
        return None
    if text in BOOLEANS:
        return BOOLEANS[text]
    if _PADDED.fullmatch(text):
        builder.fault(line, f"{shorten(text)}: quote it if it is a code, else drop the leading 0")
        return text
    if _SPECIAL.fullmatch(text):
        return float(text.replace(".", ""))
    if _INT.fullmatch(text) or _BASED.fullmatch(text):
        return int(text[:MAX_DIGITS], 0)
    return float(text) if _FLOAT.fullmatch(text) else text


def _plain(error: MarkedYAMLError) -> str:
    said = one_line(" ".join(part for part in (error.context, error.problem) if part))
    hint = next((hint for words, hint in HINTS.items() if words in said), None)
    return f"{said}; {hint}" if hint else said


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _take_token(match: re.Match[str], line: int, builder: _Builder) -> None:
    token = match[0]
    match token:
        case "{":
            builder.open({}, line)
        case "[":
            builder.open([], line)
        case "}" | "]":
            builder.close()
        case "," | ":":
            pass
        case _:
            _take_value(json.loads(token), line, builder)
