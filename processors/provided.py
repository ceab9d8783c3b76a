"""What settings give to providers: what is missing or can not be is told by its variable's name.

A part of the composition root, under `mail_providers` and `message_providers`.
"""

from collections.abc import Callable
from typing import TypeVar

from pydantic import SecretStr

from connectors import http
from connectors.errors import BadSetting
from processors.settings import PREFIX, InvalidSettings

Made = TypeVar("Made")


def made(name: str, make: Callable[[], Made]) -> Made:
    """Returns what is made of a setting.

    Raises:
        InvalidSettings: it can not be made of that.
    """
    try:
        return make()
    except BadSetting as error:
        raise InvalidSettings(f"{PREFIX}{name}: {error}") from error


def given(value: str | SecretStr | None, name: str) -> str:
    """Returns a setting that must be there.

    Raises:
        InvalidSettings: it is not.
    """
    shown = value.get_secret_value() if isinstance(value, SecretStr) else value
    if not shown:
        raise InvalidSettings(f"{PREFIX}{name}: is needed")
    return shown


def bounds(url: str) -> http.Options:
    """Returns the bounds for an address that the operators wrote: it may lead anywhere."""
    is_plain = url.startswith("http:")
    return http.Options(allow_http=is_plain, allow_private=True, ports=frozenset())


def client_for(url: str) -> http.Client:
    """Returns a client for such an address."""
    return http.Client(bounds(url))
