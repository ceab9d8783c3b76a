"""The addresses that a message carries: to unsubscribe, to choose, to confirm; clicks and pixel.

Made by whoever renders a message, served by `api.tracking`. Nothing is kept of them: all is in the
token.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import quote, urlsplit

from processors.delivery.tokens import Claims, Keyring, Purpose
from schemas.commands import Command
from schemas.errors import Unsendable

ROOT = "t"
"""What the paths begin with: short, as they stand in mails."""
PATHS: Mapping[Purpose, str] = MappingProxyType(
    {
        "open": "o",
        "click": "c",
        "unsubscribe": "u",
        "preferences": "p",
        "confirm": "k",
        "view": "v",
    }
)
MAX_URL_CHARS = 2_048
_ODD = re.compile(r"[\s@'`{}|^%*;,!$&()+=~]")
"""What no host has; `@` stands behind a name and password."""
_UNESCAPED = "!#$%&'()*+,-./:;=?@_~[]"


class Links:
    """Makes the addresses of messages.

    Guarantees:
        The same message gets the same addresses. None of them holds a person's id or address that
        could be read.
    """

    def __init__(self, keyring: Keyring, public_url: str) -> None:
        """Takes what signs, and what stands before the paths.

        Args:
            keyring: the one that the server has.
            public_url: of the callbacks' server, as people reach it.
        """
        self._keyring = keyring
        self._public_url = public_url

    def unsubscribe(self, command: Command) -> str:
        """Returns where a person unsubscribes from the command's topic, else its channel."""
        return self._address("unsubscribe", command)

    def preferences(self, command: Command) -> str:
        """Returns where a person chooses topics and channels."""
        return self._address("preferences", command)

    def confirm(self, command: Command) -> str:
        """Returns where a person confirms the consent to the command's topic."""
        return self._address("confirm", command)

    def view(self, command: Command) -> str:
        """Returns where a person sees the message in a browser, as long as it is kept."""
        return self._address("view", command)

    def pixel(self, command: Command) -> str:
        """Returns the picture that tells of an open."""
        return self._address("open", command)

    def click(self, command: Command, url: str) -> str:
        """Returns what leads to an address by way of us.

        Raises:
            Unsendable: the address is not one that a message may lead to.
        """
        return self._address("click", command, checked(url))

    def _address(self, purpose: Purpose, command: Command, url: str | None = None) -> str:
        return address(self._keyring, self._public_url, purpose, _claims(command, url))


def address(keyring: Keyring, public_url: str, purpose: Purpose, claims: Claims) -> str:
    """Returns an address of ours."""
    token = keyring.make(purpose, claims)
    return f"{public_url.rstrip('/')}/{ROOT}/{PATHS[purpose]}/{token}"


def checked(url: str) -> str:
    """Returns the address, if a message may lead to it: http or https, to a host, and nothing odd.

    Raises:
        Unsendable: it may not. The detail does not say it, as it may hold data of a person.
    """
    try:
        found = urlsplit(url)
        port, host = found.port, found.hostname
        encoded(url)
    except ValueError as error:
        raise Unsendable("link-refused", is_held=True) from error
    if (
        len(url) > MAX_URL_CHARS
        or not url.isprintable()
        or any(each in url for each in '\\<>"')
        or not url.lower().startswith(("https://", "http://"))
        or not host
        or _ODD.search(found.netloc)
        or port == 0
    ):
        raise Unsendable("link-refused", is_held=True)
    return url


def encoded(url: str) -> str:
    """Returns an address as a header carries it: ASCII, the host by its international name.

    >>> encoded("https://shop.example/grün?x=a%20b")
    'https://shop.example/gr%C3%BCn?x=a%20b'
    """
    found = urlsplit(url)
    if not found.netloc.isascii():
        host = (found.hostname or "").encode("idna").decode("ascii")
        port = "" if found.port is None else f":{found.port}"
        url = found._replace(netloc=f"{host}{port}").geturl()
    return quote(url, safe=_UNESCAPED)


def _claims(command: Command, url: str | None) -> Claims:
    return Claims(
        profile_id=command.profile_id,
        channel=command.channel,
        command_id=command.id,
        at=command.at,
        topic=command.topic,
        definition_id=command.definition_id,
        step=command.step,
        url=url,
    )
