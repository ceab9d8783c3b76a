"""What carries messages out is made as the settings say."""

import pytest
from pydantic import SecretStr

from processors import provider_settings, providers
from processors.settings import InvalidSettings, Settings

SECRET = "whsec_" + "QUJD" * 8


@pytest.mark.parametrize("secrets", [None, "", " , ", "whsec_short", "hush", f"{SECRET},hush"])
def test_webhooks_without_a_good_secret_are_refused_by_the_settings_name(
    secrets: str | None,
) -> None:
    held = None if secrets is None else SecretStr(secrets)
    with pytest.raises(InvalidSettings, match=r"^BECKON_WEBHOOK__SECRETS: ") as caught:
        providers.webhook(Settings(webhook=provider_settings.Webhook(secrets=held)))
    assert "hush" not in str(caught.value)


def test_webhooks_are_signed_with_all_secrets_in_their_order() -> None:
    held = SecretStr(f"{SECRET}, {SECRET}")
    sender = providers.webhook(Settings(webhook=provider_settings.Webhook(secrets=held)))
    assert sender.channel == "webhook"
