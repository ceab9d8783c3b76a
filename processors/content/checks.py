"""What can be told of templates before anything is sent: with file, line and what is meant.

Shapes are checked where definitions are parsed; here is what takes Liquid, MJML and HTML.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from liquid.ast import Node
from liquid.builtin.expressions.logical import ContainsExpression
from liquid.builtin.expressions.path import Path as Variable
from liquid.builtin.expressions.primitive import StringLiteral
from liquid.builtin.tags.render_tag import RenderNode
from liquid.template import BoundTemplate

from processors.content import contexts, mjml, sms
from processors.content.errors import Broken
from processors.content.facts import RECOMMENDED
from processors.content.links import VIEW_URL
from processors.content.tokens import TAG
from processors.content.wordings import Shelf
from processors.definitions import calls, documents, suggestions
from processors.definitions.catalogues import LISTS
from processors.definitions.errors import InvalidDefinitions, Path, Problem, show
from processors.definitions.parts import Written
from processors.definitions.sets import DefinitionSet
from processors.definitions.templates import Partial, Template

MAX_SHOWN_BYTES = 102 * 1024
"""Gmail shows no more of a mail."""
TRANSACTIONAL = "transactional"
"""The category of mails that need no link to unsubscribe."""
GIVEN = frozenset(
    {
        "profile", "contact", "account", "event", "run", "product_name", "now", "today",
        "segments", "lists", "unsubscribe_url", "preferences_url", "confirm_url", "view_url",
        "forloop", "tablerowloop", "first_name", "last_name", "email", "currency",
    }
)  # fmt: skip
"""Names that need not be declared."""

MEMBERSHIPS = ("segments", "lists")

ANSWERS = ("unsubscribe_url", "preferences_url", "confirm_url")
"""Links of ours by which people end what they get."""

SECRETS = "secrets"
"""What stands for the sender's secrets in headers, which no Liquid reads."""

Found = tuple[int | None, str]
"""Line within a text, and what is to be said of it."""


def problems(definitions: DefinitionSet, published: Iterable[Any] = ()) -> list[Problem]:
    """Returns all that is wrong with the templates and partials of a set.

    Args:
        definitions: the set.
        published: documents of what is there beside it: partials that templates may name, and
            templates that name the set's partials.
    """
    beside = [
        each for each in _parsed(published) if (each.kind, each.id) not in definitions.versions
    ]
    partials = {each.id: each for each in beside if isinstance(each, Partial)}
    partials |= definitions.partials
    shelf = Shelf(partials)
    worded: list[Template | Partial] = [*definitions.templates.values()]
    worded += definitions.partials.values()
    worded += [each for each in beside if _names(each, definitions.partials)]
    found = []
    for each in worded:
        for path, text in each.texts():
            for line, message in _wrong(each, path, text, shelf, partials):
                found.append(place(each, path, text, line=line, message=message))
    alone = Shelf({})
    for doer, path, text in calls.texts(definitions):
        for line, message in _misprinted(text, alone):
            found.append(place(doer, path, text, line=line, message=message))
    return sorted(found, key=lambda at: (at.file or "", at.line or 0))


def warnings(definitions: DefinitionSet) -> list[Problem]:
    """Returns what is allowed in the templates of a set, and most likely not meant."""
    shelf, found = Shelf(definitions.partials), []
    for each in definitions.templates.values():
        for path, text in each.texts():
            doubts = [
                *_doubtful(each, path, text, shelf),
                *_unheard_of(text, shelf, definitions),
            ]
            for line, message in doubts:
                found.append(place(each, path, text, line=line, message=message))
        if _lacks_unsubscribe(each, definitions.partials):
            said = (
                "has no {{ unsubscribe_url }}: marketing needs one"
                f" (category: {TRANSACTIONAL} says that this is none)"
            )
            found.append(documents.problem(each, (), said))
    for doer, path, text in calls.texts(definitions):
        for line, message in _unheard_of(text, shelf, definitions):
            found.append(place(doer, path, text, line=line, message=message))
    return found


def place(definition: Written, path: Path, text: str, *, line: int | None, message: str) -> Problem:
    """Returns a problem at a line of a text: of the file that it lies in, or of the document."""
    origin = definition.origin
    if path in origin.texts:
        return Problem(origin.texts[path], line or 1, show(path), message)
    first = documents.line_of(path, origin.lines)
    if first is None:
        said = f"line {line}: {message}" if line is not None and "\n" in text else message
        return documents.problem(definition, path, said)
    is_block = "\n" in text and not (origin.file or "").endswith(".json")
    at = first + line if is_block and line is not None else first
    return Problem(origin.file, at, show(path), message)


def variables(text: str, shelf: Shelf) -> dict[str, int]:
    """Returns the paths that a text reads of its data, each with the line of its first mention.

    Raises:
        Broken: it is no Liquid.
    """
    found = shelf.text(text).analyze(include_partials=False).globals
    return {
        str(each): text.count("\n", 0, each.span.index) + 1
        for several in found.values()
        for each in several[:1]
    }


def _wrong(
    definition: Template | Partial, path: Path, text: str, shelf: Shelf, partials: Mapping[str, Any]
) -> Iterator[Found]:
    is_html = path[-1] in ("html", "mjml")
    try:
        compiled = shelf.html(text) if is_html else shelf.text(text)
    except Broken as error:
        yield error.line, error.message
        return
    yield from _strangers(compiled, text, partials)
    if is_html:
        yield from contexts.unsafe(text)
    if path[-1] == "mjml":
        yield from _misbuilt(definition, text, shelf)
    if isinstance(definition, Template) and VIEW_URL in text and not _has_html(definition):
        yield None, f"has {VIEW_URL}, which is for mails with HTML"
    if isinstance(definition, Template) and definition.channel == "sms" and sms.has_tags(text):
        yield None, "holds HTML, which telephones would show as it is written"


def _misprinted(text: str, shelf: Shelf) -> Iterator[Found]:
    """Yields what is wrong with a text of a webhook: it has no template, and asks no person."""
    try:
        compiled, read = shelf.text(text), variables(text, shelf)
    except Broken as error:
        yield error.line, error.message
        return
    yield from _strangers(compiled, text, {})
    for name, line in read.items():
        root = _root(name)
        if root == SECRETS:
            yield line, "is for headers only, as {{ secrets.NAME }}: senders fill it in by itself"
        elif root in (RECOMMENDED, VIEW_URL, *ANSWERS):
            yield line, f"{root} is for messages that have a template"


def _root(path: str) -> str:
    """Returns the first name of a path."""
    return path.partition(".")[0].partition("[")[0]


def _has_html(template: Template) -> bool:
    return any(path[-1] in ("html", "mjml") for path, _ in template.texts())


def _misbuilt(definition: Template | Partial, text: str, shelf: Shelf) -> Iterator[Found]:
    is_partial = isinstance(definition, Partial)
    whole = f"<mjml><mj-body>{text}</mj-body></mjml>" if is_partial else text
    try:
        mjml.to_html(whole, shelf.mjml)
    except Broken as error:
        yield error.line, error.message


def _strangers(compiled: BoundTemplate, text: str, partials: Mapping[str, Any]) -> Iterator[Found]:
    """Yields filters and partials that there are not."""
    for name, spans in compiled.analyze(include_partials=False).filters.items():
        if name not in compiled.env.filters:
            said = f"there is no filter {name}{suggestions.hint(name, compiled.env.filters)}"
            yield _line(text, spans[0].index), said
    for node in _nodes(compiled.nodes, compiled):
        if isinstance(node, RenderNode):
            name = str(getattr(node.name, "value", node.name))
            if name not in partials:
                said = f"there is no partial {name}{suggestions.hint(name, partials)}"
                yield _line(text, node.token.start_index), said


def _nodes(nodes: Iterable[Node], compiled: BoundTemplate) -> Iterator[Node]:
    context = compiled.context_class(compiled)
    for node in nodes:
        yield node
        yield from _nodes(node.children(context, include_partials=False), compiled)


def _doubtful(template: Template, path: Path, text: str, shelf: Shelf) -> Iterator[Found]:
    try:
        compiled = shelf.text(text)
        read = variables(text, shelf)
    except Broken:
        return  # said already
    if "safe" in compiled.analyze(include_partials=False).filters:
        yield None, "safe prints HTML as it is: only for what nobody outside can write"
    yield from _unrecommended(template, read)
    declared = {name.partition(".")[0] for name in template.variables}
    for name, line in read.items() if declared else ():
        root = _root(name)
        if root not in declared and root not in GIVEN and root != RECOMMENDED:
            said = f"{root} is not declared: where it is missing, to print it holds the message"
            yield line, said + suggestions.hint(root, declared)
    if template.channel == "sms" and path[-1] == "text":
        yield from _long(TAG.sub("", text))
    if path[-1] == "html" and len(text.encode()) > MAX_SHOWN_BYTES:
        yield None, "is longer than 102 kB: Gmail cuts the rest"


def _unheard_of(text: str, shelf: Shelf, definitions: DefinitionSet) -> Iterator[Found]:
    """Yields segments and lists that a text asks for and that there are not."""
    try:
        compiled = shelf.text(text)
    except Broken:
        return  # said already
    known = {"segments": definitions.segments, "lists": definitions.lists}
    for name, id_, index in _asked(compiled):
        if known[name] and id_ not in known[name]:
            said = f"there is no {name[:-1]} {id_}{suggestions.hint(id_, known[name])}"
            yield _line(text, index), said


def _asked(compiled: BoundTemplate) -> Iterator[tuple[str, str, int]]:
    """Yields what is asked of `segments` and `lists`, with its place."""
    for node in _nodes(compiled.nodes, compiled):
        waiting = list(node.expressions())
        while waiting:
            each = waiting.pop()
            waiting.extend(each.children())
            if (
                isinstance(each, ContainsExpression)
                and isinstance(each.left, Variable)
                and isinstance(each.right, StringLiteral)
                and str(each.left) in MEMBERSHIPS
            ):
                yield str(each.left), each.right.value, each.token.start_index


def _unrecommended(template: Template, read: Mapping[str, int]) -> Iterator[Found]:
    """Yields lists of a catalogue that there are not."""
    for name, line in read.items():
        root, _, rest = name.partition(".")
        asked = _root(rest)
        if root != RECOMMENDED or RECOMMENDED in template.variables:
            continue
        if template.catalogue is None:
            yield line, f"{name} is missing: the template needs the key catalogue"
        elif asked not in LISTS:
            yield line, f"there is no {name}; the lists are {', '.join(LISTS)}"


def _long(text: str) -> Iterator[Found]:
    size = sms.size(text.strip())
    if size.odd:
        yield None, f"{size.odd} take 16 bits a character: 70 fit into a message, not 160"
    if size.segments > 1:
        yield None, f"takes {size.segments} messages or more ({size.units} of {size.encoding})"


def _lacks_unsubscribe(template: Template, partials: Mapping[str, Partial]) -> bool:
    """Returns whether a mail is marketing, and neither it nor a partial has the link."""
    if template.channel != "email" or template.category == TRANSACTIONAL:
        return False
    said = [text for _, text in template.texts()]
    named = [
        text
        for id_, each in partials.items()
        if any(id_ in text for text in said)
        for _, text in each.texts()
    ]
    return not any(name in text for text in (*said, *named) for name in ANSWERS)


def _names(definition: Template | Partial, partials: Iterable[str]) -> bool:
    """Returns whether a text holds the id of one of some partials."""
    texts = [text for _, text in definition.texts()]
    return any(id_ in text for id_ in partials for text in texts)


def _parsed(published: Iterable[Any]) -> Iterator[Template | Partial]:
    for document in published:
        if document.get("kind") in documents.CONTENT_KINDS:
            try:
                parsed = documents.parse(document)
            except InvalidDefinitions:
                continue
            if isinstance(parsed, Template | Partial):
                yield parsed


def _line(text: str, index: int) -> int:
    return text.count("\n", 0, index) + 1
