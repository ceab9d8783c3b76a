"""Liquid, kept within bounds: what templates are compiled by.

Templates see plain data (texts, numbers, lists, mappings) and nothing of Python: a path is looked
up by key, never as an attribute. What is not there, or null, is missing: to print it is an error,
unless `default` says what to print instead. What these limits leave open (one long multiplication,
one huge text) is ended from outside: `processors.content.isolation`.
"""

from collections.abc import Iterable, Mapping
from decimal import DecimalException
from typing import Any, ClassVar, TextIO

import liquid
from liquid.ast import Node
from liquid.builtin.expressions.logical import EqExpression, NeExpression
from liquid.builtin.expressions.primitive import Blank, Empty
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.echo_tag import EchoTag
from liquid.builtin.tags.include_tag import IncludeTag
from liquid.context import RenderContext
from liquid.exceptions import (
    LiquidError,
    LiquidTypeError,
    ResourceLimitError,
    TemplateNotFoundError,
    UndefinedError,
)
from liquid.loader import BaseLoader, TemplateSource
from liquid.stringify import to_liquid_string
from liquid.template import BoundTemplate
from liquid.undefined import FalsyStrictUndefined, Undefined

from processors.content import formats
from processors.content.errors import Broken
from schemas.errors import Unsendable

MAX_OUTPUT_BYTES = 512 * 1024
"""Of one rendered text: a mail of a fifth of it is cut by many who show it."""
MAX_ITERATIONS = 10_000
MAX_LOCAL_BYTES = 1024 * 1024
MAX_DEPTH = 8
"""Partials inside each other."""
MAX_BLOCKS = 30
"""Blocks inside each other."""

ESCAPING = ("escape", "escape_once", "newline_to_br", "safe")
"""Filters that have nothing to do where no HTML is written."""
FAILURES = (ArithmeticError, DecimalException, ValueError, TypeError, LookupError, RecursionError)
"""What filters raise for values that they were not made for."""


class Missing(FalsyStrictUndefined):
    """What stands for a variable that is not there: false, and an error where it is printed."""

    __slots__ = ()

    force_liquid_default = True

    def __eq__(self, other: object) -> bool:
        """Returns whether the other is nothing as well."""
        return other is None or other is False or isinstance(other, Undefined)

    __hash__ = FalsyStrictUndefined.__hash__


class Context(RenderContext):
    """Looks variables up: null is as good as not there."""

    __slots__ = ()

    def get(
        self, path: list[object], *, token: Any, default: object = liquid.undefined.UNDEFINED
    ) -> object:
        """Returns the value of a path; what stands for a missing one where there is none."""
        try:
            found: Any = self.scope[str(path[0])]
            for each in path[1:]:
                is_plain = type(found) is dict and each in found
                found = found[each] if is_plain else self.get_item(found, each)
        except (KeyError, TypeError, IndexError):
            found = None
        if found is not None:
            return found
        if default is not liquid.undefined.UNDEFINED:
            return default
        return Missing(_shown(path), token=token)


class Same(EqExpression):
    """`==`, for which what is missing is `blank` and `empty`."""

    __slots__ = ()

    def evaluate(self, context: RenderContext) -> object:
        """Returns whether both sides are the same."""
        return _are_blank(self, context) or super().evaluate(context)


class Different(NeExpression):
    """`!=`, its opposite."""

    __slots__ = ()

    def evaluate(self, context: RenderContext) -> object:
        """Returns whether the sides differ."""
        return not _are_blank(self, context) and super().evaluate(context)


class Printed(OutputNode):
    """`{{ … }}`, which prints texts and numbers, and nothing as Python writes it."""

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Prints the value.

        Raises:
            LiquidTypeError: it is a mapping, or a list that holds more than texts and numbers.
        """
        value = self.expression.evaluate(context)
        several = value if isinstance(value, (list, tuple)) else (value,)
        for each in several:
            if isinstance(each, (Mapping, list, tuple)) and not isinstance(each, Missing):
                said = "a mapping or a list in a list can not be printed"
                raise LiquidTypeError(said, token=self.token)
        if several is value:
            value = [each for each in several if each is not None]
        return buffer.write(to_liquid_string(value, context.autoescape))


class Printing(Output):
    """Makes outputs ours."""

    node_class = Printed


class Echoing(EchoTag):
    """Makes `{% echo %}` the same."""

    node_class = Printed  # type: ignore[assignment]  # it asks for its own, which prints the same


class Bound(BoundTemplate):
    """A compiled template."""

    context_class = Context


class Partials(BaseLoader):
    """Partials by their ids, compiled once each; there are no files."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self.sources = sources
        self._compiled: dict[str, BoundTemplate] = {}

    def get_source(self, env: Any, template_name: str, **_: Any) -> TemplateSource:
        """Returns the text of a partial.

        Raises:
            TemplateNotFoundError: there is none.
        """
        if template_name not in self.sources:
            raise TemplateNotFoundError(template_name, filename=template_name)
        return TemplateSource(self.sources[template_name], template_name, None)

    def load(self, env: Any, name: str, **_: Any) -> BoundTemplate:
        """Returns a partial, compiled."""
        found = self._compiled.get(name)
        if found is None:
            source = self.get_source(env, name).text
            found = self._compiled[name] = env.from_string(source, name=name)
        return found


class Environment(liquid.Environment):
    """What all templates are compiled under."""

    template_class = Bound
    loop_iteration_limit: ClassVar[int | None] = MAX_ITERATIONS
    local_namespace_limit: ClassVar[int | None] = MAX_LOCAL_BYTES
    output_stream_limit: ClassVar[int | None] = MAX_OUTPUT_BYTES
    context_depth_limit: ClassVar[int] = MAX_DEPTH
    block_nesting_limit: ClassVar[int] = MAX_BLOCKS

    def __init__(self, partials: Mapping[str, str], *, is_html: bool) -> None:
        super().__init__(loader=Partials(partials), undefined=Missing, autoescape=is_html)
        del self.tags[IncludeTag.name]  # sees and changes all variables; render does not
        self.add_tag(Printing)
        self.add_tag(Echoing)
        self.filters.update(formats.FILTERS)
        if not is_html:
            self.filters.update(dict.fromkeys(ESCAPING, str))

    def from_string(self, source: str, *arguments: Any, **options: Any) -> BoundTemplate:
        """Returns a compiled template, in which what is missing is blank and empty."""
        made = super().from_string(source, *arguments, **options)
        _settle(made.nodes, made.context_class(made))
        return made


def compile(environment: Environment, source: str) -> BoundTemplate:
    """Returns a template that can be rendered.

    Raises:
        Broken: it is no Liquid, with the line in it.
    """
    try:
        return environment.from_string(source)
    except LiquidError as error:
        raise broken(error, source) from error
    except RecursionError as error:
        raise Broken(None, "is nested too deep") from error


def render(template: BoundTemplate, data: Mapping[str, Any]) -> str:
    """Returns the text that a template makes of some data.

    Raises:
        Unsendable: a variable is missing, a limit reached, or a filter fails; the message is held.
    """
    try:
        return template.render(data)
    except UndefinedError as error:
        raise Unsendable("variable-missing", missing(error), is_held=True) from error
    except ResourceLimitError as error:
        raise Unsendable("template-too-costly", type(error).__name__, is_held=True) from error
    except LiquidError as error:
        raise Unsendable("template-broken", str(error.message), is_held=True) from error
    except FAILURES as error:
        raise Unsendable("template-broken", type(error).__name__, is_held=True) from error


def missing(error: UndefinedError) -> str:
    """Returns the path of a missing variable."""
    return str(error.message).removesuffix(" is undefined").strip("'")


def broken(error: LiquidError, source: str) -> Broken:
    """Returns what is wrong with a text, and in which line of it."""
    token = error.token
    line = None
    if token is not None and token.start_index >= 0:
        line = source.count("\n", 0, token.start_index) + 1
    said = str(error.message or type(error).__name__)
    if isinstance(error, TemplateNotFoundError):
        said = f"there is no partial {said}"
    return Broken(line, said)


def _are_blank(compared: EqExpression | NeExpression, context: RenderContext) -> bool:
    sides = (compared.left.evaluate(context), compared.right.evaluate(context))
    return any(isinstance(each, Missing) for each in sides) and any(
        isinstance(each, (Blank, Empty)) for each in sides
    )


def _settle(nodes: Iterable[Node], context: RenderContext) -> None:
    """Has comparisons in a tree be ours."""
    for node in nodes:
        waiting = list(node.expressions())
        while waiting:
            each = waiting.pop()
            if type(each) in COMPARISONS:
                each.__class__ = COMPARISONS[type(each)]
            waiting.extend(each.children())
        _settle(node.children(context, include_partials=False), context)


COMPARISONS: Mapping[type, type] = {EqExpression: Same, NeExpression: Different}


def _shown(path: list[object]) -> str:
    """Returns a path as templates write it."""
    return ".".join(str(each) for each in path)
