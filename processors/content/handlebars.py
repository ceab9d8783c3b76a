"""Templates of Handlebars, as other tools have them, to Liquid; with what can not be translated.

Inside of `each` and `with` a name is looked for in the item first, then outside, as there.
"""

import re
from collections.abc import Iterator

import msgspec

MAX_BYTES = 1024 * 1024

COMPARISONS = {
    "eq": "==", "ne": "!=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "and": "and",
    "or": "or",
}  # fmt: skip
FILTERS = {
    "uppercase": "upcase", "upper": "upcase", "lowercase": "downcase", "lower": "downcase",
    "capitalize": "capitalize", "trim": "strip", "escape": "escape", "length": "size",
}  # fmt: skip
SPECIAL = {"@index": "forloop.index0", "@first": "forloop.first", "@last": "forloop.last"}

_TAG = re.compile(
    r"(?P<escaped>\\)?(?:\{\{!--.*?--\}\}|\{\{~?\{(?P<raw>.*?)\}~?\}\}|\{\{(?P<plain>.*?)\}\})",
    re.S,
)
_WORD = re.compile(r"""\((?:[^()]|\([^()]*\))*\)|"[^"]*"|'[^']*'|[^\s=()]+=?""")
_PATH = re.compile(r"@?[A-Za-z_][\w-]*(?:[./](?:[A-Za-z_][\w-]*|[0-9]+|\[[0-9]+\]))*")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


class Converted(msgspec.Struct, frozen=True, kw_only=True):
    """A template in Liquid."""

    source: str
    faults: tuple[tuple[int, str], ...]
    """Line in what was read, and what of it could not be translated."""


class _Unknown(Exception):
    """A tag that has no like in Liquid."""


class _Scope(msgspec.Struct, kw_only=True):
    """A block that is open."""

    tag: str
    """As Handlebars has it."""
    ends: str
    """As Liquid ends it."""
    item: str | None = None
    """Where names are looked for first."""


def convert(text: str) -> Converted:
    """Returns a template in Liquid; what could not be translated stands in it as a comment."""
    work = _Conversion()
    parts, faults, at = list[str](), list[tuple[int, str]](), 0
    for match in _TAG.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        parts.append(_guarded(text[at : match.start()]))
        at = match.end()
        try:
            parts.append(work.tag(match))
        except _Unknown as error:
            said = match[0].replace("{%", "").replace("%}", "")
            faults.append((line, f"{said}: {error}"))
            parts.append(f"{{% comment %}}{said}{{% endcomment %}}")
    parts.append(_guarded(text[at:]))
    for scope in reversed(work.open):
        faults.append((text.count("\n") + 1, f"{{{{#{scope.tag}}}}} is not closed"))
        parts.append(scope.ends)
    return Converted(source="".join(parts), faults=tuple(faults))


class _Conversion:
    """What is open while a template is read."""

    def __init__(self) -> None:
        self.open: list[_Scope] = []
        self._count = 0

    def tag(self, match: re.Match[str]) -> str:
        """Returns one tag in Liquid.

        Raises:
            _Unknown: there is no like of it.
        """
        if match["escaped"]:
            return "{% raw %}" + match[0][1:] + "{% endraw %}"
        if match["raw"] is not None:
            return f"{{{{ {self._value(match['raw'].strip())} | safe }}}}"
        if match["plain"] is None:
            return ""
        said = match["plain"]
        left, right = "-" * said.startswith("~"), "-" * said.endswith("~")
        inner = self._inner(said.strip("~").strip())
        for opened, closed in (("{{", "}}"), ("{%", "%}")):
            if inner.startswith(opened):
                return f"{opened}{left}{inner[2:-2]}{right}{closed}"
        return inner

    def _inner(self, said: str) -> str:
        head, body = said[:1], said[1:].strip()
        match head:
            case "!":
                return ""
            case "&":
                return f"{{{{ {self._value(body)} | safe }}}}"
            case "#":
                return self._begin(body)
            case "/":
                return self._end(body)
            case ">":
                return self._partial(body)
            case "^":
                return self._else("")
        if said == "else" or said.startswith("else "):
            return self._else(said[4:].strip())
        return f"{{{{ {self._value(said)} }}}}"

    def _begin(self, said: str) -> str:
        name, _, rest = said.partition(" ")
        match name:
            case "if" | "unless":
                condition = self._condition(rest.strip())
                self.open.append(_Scope(tag=name, ends=f"{{% end{name} %}}"))
                return f"{{% {name} {condition} %}}"
            case "each":
                path, _, alias = rest.partition(" as ")
                source = self._path(path.strip())
                item = alias.strip(" |").split(" ")[0] or self._name()
                self.open.append(_Scope(tag=name, ends="{% endfor %}", item=item))
                return f"{{% for {item} in {source} %}}"
            case "with":
                item = self._name()
                source = self._value(rest.strip())
                self.open.append(_Scope(tag=name, ends="", item=item))
                return f"{{% assign {item} = {source} %}}"
        self.open.append(_Scope(tag=name, ends=""))
        raise _Unknown("there is no such block in Liquid")

    def _end(self, said: str) -> str:
        if not self.open or self.open[-1].tag != said:
            raise _Unknown("ends what is not open")
        return self.open.pop().ends

    def _else(self, rest: str) -> str:
        if not self.open or self.open[-1].tag not in ("if", "unless", "each"):
            raise _Unknown("belongs to no block")
        if not rest:
            return "{% else %}"
        if not rest.startswith("if ") or self.open[-1].tag == "each":
            raise _Unknown("only else and else if can be translated")
        return f"{{% elsif {self._condition(rest[3:].strip())} %}}"

    def _partial(self, said: str) -> str:
        words = _WORD.findall(said)
        if not words or not re.fullmatch(r"[\w/-]+", words[0]):
            raise _Unknown("a partial must be named by a word")
        name = words[0].rpartition("/")[2].lower().replace("_", "-")
        given = [f"{key}: {value}" for key, value in self._given(words[1:])]
        item = self._item()
        if item is not None and not given:
            given = [f"item: {item}"]
        return f"{{% render {', '.join([_quoted(name), *given])} %}}"

    def _given(self, words: list[str]) -> Iterator[tuple[str, str]]:
        while words:
            key, *words = words
            if not key.endswith("=") or not words:
                raise _Unknown("a partial takes name=value")
            value, *words = words
            yield key[:-1], self._path(value)

    def _condition(self, said: str) -> str:
        """Returns what `if` asks; of a name in a loop, the item's or the one outside."""
        words = _WORD.findall(said)
        if len(words) == 1 and words[0].startswith("("):
            return self._compared(words[0][1:-1])
        if len(words) != 1:
            raise _Unknown("only a name or a comparison can be asked")
        return " or ".join(self._names(words[0]))

    def _compared(self, said: str) -> str:
        name, *words = _WORD.findall(said)
        if name not in COMPARISONS or len(words) != 2:
            raise _Unknown(f"{name} can not be asked")
        first, second = (self._names(each)[0] for each in words)
        return f"{first} {COMPARISONS[name]} {second}"

    def _value(self, said: str) -> str:
        """Returns what is printed; of a name in a loop, the item's, else the one outside."""
        words = _WORD.findall(said)
        if len(words) == 2 and words[0] in FILTERS:
            return f"{self._value(words[1])} | {FILTERS[words[0]]}"
        if len(words) != 1:
            raise _Unknown("there is no such helper in Liquid")
        first, *rest = self._names(words[0])
        return " | default: ".join([first, *rest])

    def _path(self, said: str) -> str:
        return self._names(said)[0]

    def _names(self, said: str) -> list[str]:
        """Returns what a word may mean, the nearest first."""
        if said in SPECIAL:
            return [SPECIAL[said]]
        if said[:1] in "\"'" or said in ("true", "false") or _NUMBER.fullmatch(said):
            return [said]
        item, name = self._item(), said
        if said in ("this", ".") and item is not None:
            return [item]
        if said.startswith("../"):
            while name.startswith("../"):
                name = name[3:]
            item = self._item(outer=said.count("../"))
        inner = name.removeprefix("this.").removeprefix("this/").removeprefix("./")
        if inner.startswith("@") or not _PATH.fullmatch(inner):
            raise _Unknown(f"{said} is no name that can be translated")
        path = re.sub(r"\.([0-9]+)", r"[\1]", inner.replace("/", ".").replace(".[", "["))
        if item is None or path.split(".")[0].split("[")[0] in self._items():
            return [path]
        return [f"{item}.{path}"] if inner != name else [f"{item}.{path}", path]

    def _items(self) -> list[str]:
        return [each.item for each in self.open if each.item is not None]

    def _item(self, outer: int = 0) -> str | None:
        items = self._items()
        return items[-1 - outer] if len(items) > outer else None

    def _name(self) -> str:
        self._count += 1
        return "item" if self._count == 1 else f"item{self._count}"


def _quoted(name: str) -> str:
    return f'"{name}"'


def _guarded(text: str) -> str:
    """Returns a text in which nothing is taken for Liquid."""
    return re.sub(r"\{%", "{% raw %}{%{% endraw %}", text)
