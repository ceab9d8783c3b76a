"""What carries messages out, made as the settings say: a part of the composition root."""

from collections.abc import Callable, Mapping

from connectors import http
from connectors.channels.webhook import WebhookSender
from connectors.errors import BadSetting
from processors import mail_providers
from processors.clock import WallClock
from processors.ports import Provider, Sender
from processors.settings import InvalidSettings, Settings

Maker = Callable[[Settings], Provider]
"""Makes a provider; InvalidSettings names the variable where something is missing."""

MAKERS: Mapping[str, Maker] = {**mail_providers.MAKERS}
"""By the name that `BECKON_SENDERS__…` has it under."""


def webhook(settings: Settings) -> Sender:
    """Returns what posts webhooks.

    Raises:
        InvalidSettings: no secret, or one that does not sign.
    """
    chosen = settings.webhook
    secrets = chosen.secrets.get_secret_value() if chosen.secrets is not None else ""
    client = http.Client(
        http.Options(
            attempts=chosen.attempts,
            allow_http=chosen.allow_http,
            allow_private=chosen.allow_private,
            ports=frozenset(chosen.ports),
        ),
        now_ms=WallClock().now_ms,
    )
    try:
        return WebhookSender(
            client,
            [each.strip() for each in secrets.split(",") if each.strip()],
            now_ms=WallClock().now_ms,
        )
    except BadSetting as error:
        raise InvalidSettings(f"BECKON_WEBHOOK__SECRETS: {error}") from error
