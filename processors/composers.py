"""What makes messages of commands, made as the settings say: a part of the composition root."""

from processors.content.facts import Options
from processors.content.isolation import Isolated
from processors.content.links import Links as Linking
from processors.delivery.links import Links
from processors.delivery.tokens import BadKeys, Keyring, parse_keys
from processors.settings import InvalidSettings, Settings


def options_of(settings: Settings) -> Options:
    """Returns what messages have in common."""
    chosen = settings.content
    return Options(product_name=chosen.product_name, region=chosen.region, locale=chosen.locale)


def isolated(settings: Settings, tracking: Linking | None = None) -> Isolated:
    """Returns a composer that renders in a process of its own; it has no templates yet.

    Args:
        settings: all of them.
        tracking: makes our own links; None: templates that print one are held.
    """
    return Isolated(tracking=tracking, options=options_of(settings))


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
