"""Liquid, kept within bounds: what templates are compiled by.

Templates see plain data (texts, numbers, lists, mappings) and nothing of Python: a path is looked
up by key, never as an attribute. What is not there, or null, is missing: to print it is an error,
unless `default` says what to print instead. What these limits leave open (one long multiplication,
one huge text) is ended from outside: `processors.content.isolation`.
"""

from collections.abc import Mapping
from decimal import DecimalException
from typing import Any, ClassVar

import liquid
from liquid.builtin.output import Output
from liquid.builtin.tags.echo_tag import EchoTag
from liquid.builtin.tags.include_tag import IncludeTag
from liquid.exceptions import (
    LiquidError,
    ResourceLimitError,
    TemplateNotFoundError,
    UndefinedError,
)
from liquid.loader import BaseLoader, TemplateSource
from liquid.template import BoundTemplate

from processors.content import formats, nodes
from processors.content.errors import Broken
from processors.content.nodes import Context, Missing, Paper, Printed
from schemas.errors import Unsendable

MAX_OUTPUT_CHARS = 512 * 1024
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


class Printing(Output):
    """Makes outputs ours."""

    node_class = Printed


class Echoing(EchoTag):
    """Makes `{% echo %}` the same."""

    node_class = Printed  # type: ignore[assignment]  # it asks for its own, which prints the same


class Bound(BoundTemplate):
    """A compiled template."""

    context_class = Context

    def make_globals(self, render_args: Mapping[str, object]) -> Mapping[str, object]:
        """Returns what the template sees: the data, and nothing else."""
        return render_args

    def _get_buffer(self) -> Paper:
        return Paper(MAX_OUTPUT_CHARS)


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
    output_stream_limit: ClassVar[int | None] = MAX_OUTPUT_CHARS
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
        for name in formats.TEXTUAL:
            self.filters[name] = formats.textual(self.filters[name])

    def from_string(self, source: str, *arguments: Any, **options: Any) -> BoundTemplate:
        """Returns a compiled template, in which what is missing is blank and empty."""
        made = super().from_string(source, *arguments, **options)
        nodes.settle(made.nodes, made.context_class(made))
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
