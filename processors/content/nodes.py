"""How compiled templates look values up, compare and print: what is ours in place of Liquid's.

Told to be ours once Liquid has compiled a template (`settle`). A mail is some hundred of these
steps, so each does what it must and no more.
"""

from collections.abc import Iterable, Mapping
from io import StringIO
from typing import Any, TextIO

import liquid
from liquid.ast import BlockNode, Node
from liquid.builtin.expressions import FilteredExpression, LoopExpression, Path
from liquid.builtin.expressions.logical import EqExpression, NeExpression
from liquid.builtin.expressions.primitive import Blank, Empty
from liquid.builtin.output import OutputNode
from liquid.context import RenderContext
from liquid.exceptions import LiquidTypeError, OutputStreamLimitError
from liquid.expression import Expression
from liquid.output import LimitedStringIO
from liquid.stringify import to_liquid_string
from liquid.undefined import FalsyStrictUndefined, Undefined
from liquid.utils import ReadOnlyChainMap
from markupsafe import escape

_write = StringIO.write


class Paper(LimitedStringIO):
    """What is written on; it counts characters, and is full at some time."""

    def write(self, text: str) -> int:
        """Writes a text.

        Raises:
            OutputStreamLimitError: there is no room.
        """
        self.size += len(text)
        if self.size > self.limit:
            raise OutputStreamLimitError("output stream limit reached", token=None)
        return _write(self, text)


class Missing(FalsyStrictUndefined):
    """What stands for a variable that is not there: false, and an error where it is printed."""

    __slots__ = ()

    force_liquid_default = True

    def __eq__(self, other: object) -> bool:
        """Returns whether the other is nothing as well."""
        return other is None or other is False or isinstance(other, Undefined)

    __hash__ = FalsyStrictUndefined.__hash__


class Scope(ReadOnlyChainMap):
    """Names in the order in which they hide each other: most are not in the first place."""

    def __getitem__(self, key: str) -> object:
        """Returns a value.

        Raises:
            KeyError: there is none.
        """
        for names in self._maps:
            if key in names:
                return names[key]
        raise KeyError(key)


class Context(RenderContext):
    """Looks variables up: null is as good as not there."""

    __slots__ = ()

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.scope = Scope(self.locals, self.globals, self.counters)  # nothing that reads a clock

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
        if type(value) is str:
            return buffer.write(escape(value) if context.autoescape else value)
        several = value if isinstance(value, (list, tuple)) else (value,)
        for each in several:
            if isinstance(each, (Mapping, list, tuple)) and not isinstance(each, Missing):
                said = "a mapping or a list in a list can not be printed"
                raise LiquidTypeError(said, token=self.token)
        if several is value:
            value = [each for each in several if each is not None]
        return buffer.write(to_liquid_string(value, context.autoescape))


class Straight(Path):
    """A path that holds no other path: the same at each look."""

    __slots__ = ()

    def evaluate(self, context: RenderContext) -> object:
        """Returns the value."""
        return context.get(self.path, token=self.token)  # type: ignore[arg-type]


class Block(BlockNode):
    """What stands between the tags of a branch or a loop."""

    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Renders all of it; returns how many characters that is."""
        if self.blank or context.disabled_tags:
            return super().render_to_output(context, buffer)
        count = 0
        for node in self.nodes:
            count += node.render_to_output(context, buffer)
        return count


def settle(nodes: Iterable[Node], context: RenderContext) -> None:
    """Has the parts of a tree be ours."""
    for node in nodes:
        if type(node) is BlockNode:
            node.__class__ = Block
        elif isinstance(node, Printed) and _is_bare(node.expression):
            node.expression = node.expression.left  # type: ignore[attr-defined]
        waiting = list(node.expressions())
        while waiting:
            each = waiting.pop()
            _become(each)
            waiting.extend(each.children())
        settle(node.children(context, include_partials=False), context)


def _become(each: Expression) -> None:
    if type(each) in COMPARISONS:
        each.__class__ = COMPARISONS[type(each)]
    elif type(each) is Path and not each.children():
        each.__class__ = Straight
    elif isinstance(each, LoopExpression):
        each.identifier = str(each.identifier)  # the parser's own text compares slowly


def _is_bare(expression: Expression) -> bool:
    return type(expression) is FilteredExpression and not expression.filters


def _are_blank(compared: EqExpression | NeExpression, context: RenderContext) -> bool:
    sides = (compared.left.evaluate(context), compared.right.evaluate(context))
    return any(isinstance(each, Missing) for each in sides) and any(
        isinstance(each, (Blank, Empty)) for each in sides
    )


COMPARISONS: Mapping[type, type] = {EqExpression: Same, NeExpression: Different}


def _shown(path: list[object]) -> str:
    """Returns a path as templates write it."""
    return ".".join(str(each) for each in path)
