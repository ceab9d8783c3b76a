"""What settings give to providers: what is missing or can not be is told by its variable's name.

A part of the composition root, under `mail_providers` and `message_providers`.
"""

from collections.abc import Callable
from typing import TypeVar

from pydantic import SecretStr

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
