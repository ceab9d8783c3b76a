"""What carries messages out, made as the settings say: a part of the composition root.

A provider is a function of the settings in `MAKERS`, under the name that settings, ledger and
outcomes know it by.
"""

import logging
from collections.abc import Callable, Mapping, Sequence

from connectors.channels.recorder import Recorder
from processors import mail_providers, message_providers
from processors.delivery.breakers import Limits
from processors.delivery.couriers import Policy
from processors.ports import Provider
from processors.settings import InvalidSettings, Settings, several
from schemas.topics import CHANNELS

LOCAL: Mapping[str, str] = {"email": "mailbox", **dict.fromkeys(Recorder.channels, "recorder")}
"""What sends nothing, to try a channel with."""
SCATTERED = ("webhook",)
"""Channels whose messages go to as many places as there are receivers."""

logger = logging.getLogger(__name__)

Maker = Callable[[Settings], Provider]
"""Makes a provider; InvalidSettings names the variable where something is missing."""

MAKERS: Mapping[str, Maker] = {**mail_providers.MAKERS, **message_providers.MAKERS}
"""By the name that `BECKON_SENDERS__…` has it under."""


def of(settings: Settings, channel: str, makers: Mapping[str, Maker] = MAKERS) -> list[Provider]:
    """Returns the providers of a channel, the first choice first; at least one.

    Raises:
        InvalidSettings: none is named, one that there is not, one twice, one that does not take
            the channel's messages, or one whose own settings are not complete.
    """
    variable = f"BECKON_SENDERS__{channel.upper()}"
    names = several(str(getattr(settings.senders, channel, "")))
    known = ", ".join(sorted(makers)) or "none in this version"
    if not names:
        said = f"{variable}: name the providers of {channel} (there are: {known})"
        if channel in LOCAL:
            said += f"; {variable}={LOCAL[channel]} only lays them into a folder"
        raise InvalidSettings(said)
    unknown = sorted(set(names) - set(makers))
    if unknown or len(set(names)) < len(names):
        said = f"there is no {', '.join(unknown)}" if unknown else "one is named twice"
        raise InvalidSettings(f"{variable}: {said} (there are: {known})")
    found = [makers[name](settings) for name in names]
    for one in found:
        if channel not in one.channels:
            raise InvalidSettings(f"{variable}: {one.name} takes {', '.join(one.channels)} only")
    return found


def limits(settings: Settings, found: Sequence[Provider], channel: str) -> dict[str, Limits]:
    """Returns how each provider may be asked."""
    chosen = settings.senders
    unknown = sorted((set(chosen.rates) | set(chosen.concurrency)) - set(MAKERS))
    for name in unknown:
        logger.warning("a rate is set for no provider that there is", extra={"provider": name})
    return {
        one.name: Limits(
            rate_per_s=chosen.rates.get(one.name),
            concurrency=chosen.concurrency.get(one.name, Limits.concurrency),
            is_shared=channel not in SCATTERED,
        )
        for one in found
    }


def policy(settings: Settings, channel: str) -> Policy:
    """Returns what is done where it can not be known whether a message was sent.

    Raises:
        InvalidSettings: a channel that there is not.
    """
    given = set(several(settings.senders.at_least_once))
    if not given <= set(CHANNELS):
        raise InvalidSettings(f"BECKON_SENDERS__AT_LEAST_ONCE: there are {', '.join(CHANNELS)}")
    attempts = settings.webhook.attempts if channel == "webhook" else Policy.attempts
    return Policy(attempts=attempts, at_least_once=channel in given)
