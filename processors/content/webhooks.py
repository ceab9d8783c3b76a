"""Values filled into webhooks: the address, the headers and the body that one command asks with.

Part of the composer; commands without values never come here. What stands around the values is as
the definition has it: none of them leads a request elsewhere, or adds a header.
"""

import contextlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote

import msgspec
from liquid.builtin.output import OutputNode
from liquid.exceptions import LiquidError
from liquid.template import BoundTemplate

from processors.content import facts, formats, liquids
from processors.content.errors import Broken
from processors.content.facts import Options
from processors.content.wordings import Shelf
from processors.definitions import webhooks
from schemas import headers
from schemas.commands import Command
from schemas.errors import Unsendable

MAX_BODY_BYTES = 256 * 1024
"""As JSON."""
TYPED = (str, bool, int, float, list, dict)
"""Types that a value keeps; all others are printed."""
MAX_KEPT = 256
"""Texts that are kept compiled, those that were used last."""
MAX_KEPT_CHARS = 10_000
"""Of such a text; longer ones are compiled each time."""


class Webhooks:
    """Fills values into commands that say `has_values`."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._shelf = Shelf({})
        self._kept = lru_cache(MAX_KEPT)(self._shelf.text)

    def filled(self, command: Command) -> Command:
        """Returns what is asked; of the person it says what is filled in, and nothing else.

        Raises:
            Unsendable: a variable is missing, or a value has no place where it is printed.
        """
        language = facts.language(command.traits) or self._options.locale
        locale = formats.locale(language) or formats.ENGLISH
        data = facts.of(command, self._options, {}, locale)
        try:
            return self._filled(command, data)
        except Broken as error:
            place = f"{command.definition_id}/{command.step}"
            raise Unsendable("template-broken", place, is_held=True) from error

    def _filled(self, command: Command, data: Mapping[str, Any]) -> Command:
        url = self._url(command.url or "", data)
        body = self._structure(command.body or {}, data)
        if _size(body) > MAX_BODY_BYTES:
            raise Unsendable("payload-too-large", str(MAX_BODY_BYTES), is_held=True)
        given = {name: self._header(name, each, data) for name, each in command.headers.items()}
        return msgspec.structs.replace(command, url=url, headers=given, body=body, traits={})

    def _url(self, written: str, data: Mapping[str, Any]) -> str:
        """Returns an address in which each value is a part of the path, or of a parameter's value.

        The client decodes an escaped `;`, with which a path has parameters as well.
        """
        if not webhooks.has_liquid(written):
            return written
        if webhooks.wrong_url(written) is not None:
            raise Unsendable("url-invalid", "", is_held=True)
        around, outputs = webhooks.parts(written)
        said = around[0]
        for output, text in zip(outputs, around[1:], strict=True):
            value = self._text(output, data)
            if ";" in value and "?" not in said:
                raise Unsendable("url-invalid", "path")
            said += quote(value, safe="") + text
        before, after = (each.partition("?")[0].split("/") for each in ("\0".join(around), said))
        for was, now in zip(before, after, strict=True):
            if was != now and unquote(now) in ("", ".", ".."):
                raise Unsendable("url-invalid", "path")
        if len(said) > webhooks.MAX_URL_CHARS:
            raise Unsendable("url-invalid", str(webhooks.MAX_URL_CHARS))
        return said

    def _header(self, name: str, value: str, data: Mapping[str, Any]) -> str:
        """Returns a header with its secrets named as before: no value can name one."""
        pieces = headers.SECRET.split(value)
        pieces[::2] = [self._line(name, each, data) for each in pieces[::2]]
        pieces[1::2] = [f"{{{{ secrets.{each} }}}}" for each in pieces[1::2]]
        said = "".join(pieces).strip(" ")
        if headers.wrong_value(said) is not None:
            raise Unsendable("header-invalid", name)
        return said

    def _line(self, name: str, text: str, data: Mapping[str, Any]) -> str:
        said = self._text(text, data) if webhooks.has_liquid(text) else text
        if "{{" in said or "}}" in said:
            raise Unsendable("header-invalid", name)
        return said

    def _structure(self, value: Any, data: Mapping[str, Any]) -> Any:
        """Returns a JSON-like value with all its texts rendered."""
        if isinstance(value, str):
            return self._value(value, data) if webhooks.has_liquid(value) else value
        if isinstance(value, dict):
            return {key: self._structure(each, data) for key, each in value.items()}
        if isinstance(value, list):
            return [self._structure(each, data) for each in value]
        return value

    def _value(self, text: str, data: Mapping[str, Any]) -> Any:
        """Returns what a text says; one that is an output and nothing else keeps its type."""
        compiled = self._compiled(text)
        alone = compiled.nodes[0] if len(compiled.nodes) == 1 else None
        if isinstance(alone, OutputNode):
            context = compiled.context_class(compiled, globals=compiled.make_globals(data))
            with contextlib.suppress(LiquidError, *liquids.FAILURES):  # to be said by `render`
                found = alone.expression.evaluate(context)
                if type(found) in TYPED:
                    return found
        return liquids.render(compiled, data)

    def _text(self, text: str, data: Mapping[str, Any]) -> str:
        return liquids.render(self._compiled(text), data)

    def _compiled(self, text: str) -> BoundTemplate:
        return self._kept(text) if len(text) <= MAX_KEPT_CHARS else self._shelf.text(text)


def _size(body: Any) -> int:
    try:
        return len(msgspec.json.encode(body))
    except (TypeError, ValueError) as error:  # a filter has made what is no JSON
        raise Unsendable("template-broken", type(error).__name__, is_held=True) from error
