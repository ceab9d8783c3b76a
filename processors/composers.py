"""What makes messages of commands, made as the settings say: a part of the composition root."""

from processors.content.facts import Options
from processors.content.isolation import Isolated
from processors.content.links import Links
from processors.settings import Settings


def options_of(settings: Settings) -> Options:
    """Returns what messages have in common."""
    chosen = settings.content
    return Options(product_name=chosen.product_name, region=chosen.region, locale=chosen.locale)


def isolated(settings: Settings, tracking: Links | None = None) -> Isolated:
    """Returns a composer that renders in a process of its own; it has no templates yet.

    Args:
        settings: all of them.
        tracking: makes our own links; None: templates that print one are held.
    """
    return Isolated(tracking=tracking, options=options_of(settings))
