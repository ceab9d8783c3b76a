"""What signs the links of messages, made as the settings say: a part of the composition root.

Senders and the server of callbacks both come here, so that each knows the links of the other.
"""

from processors.delivery.links import Links
from processors.delivery.tokens import BadKeys, Keyring, parse_keys
from processors.settings import InvalidSettings, Settings


def keyring_of(settings: Settings) -> Keyring:
    """Returns what signs the links of messages.

    Raises:
        InvalidSettings: there is no key, or one that does not sign.
    """
    held = settings.callbacks.signing_keys
    try:
        keys = parse_keys("" if held is None else held.get_secret_value())
        return Keyring(keys, workspace=settings.topics.prefix)
    except BadKeys as error:
        raise InvalidSettings(f"BECKON_CALLBACKS__SIGNING_KEYS: {error}") from error


def links_of(settings: Settings) -> Links:
    """Returns what makes the links of messages, for those who render them.

    Raises:
        InvalidSettings: as `keyring_of`.
    """
    return Links(keyring_of(settings), settings.callbacks.public_url)
