"""All providers but those of mail are made as the settings say."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from processors import message_providers
from processors.ports import Callbacks, Provider
from processors.settings import InvalidSettings, Settings
from tests.providers.pushers import APPLE_KEY, PEM

VAPID = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
LONG = "0123456789abcdef"
SIGNS = "whsec_" + "QUJD" * 8
TWILIO = {"account_sid": "AC1", "auth_token": "t", "sender": "Shop"}
INFOBIP = {"url": "https://x.api.infobip.com", "key": "k", "sender": "Shop"}
LOCAL = {"inbox", "recorder", "task"}
META = {"token": "t", "phone_number_id": "1065"}


def settings(given: Mapping[str, Any]) -> Settings:
    return Settings(**given)


@pytest.fixture
def complete(tmp_path: Path) -> dict[str, Any]:
    """Settings of which every provider can be made."""
    account = tmp_path / "account.json"
    account.write_text(json.dumps({"client_email": "a@b", "private_key": PEM, "project_id": "p"}))
    key = tmp_path / "key.p8"
    key.write_bytes(APPLE_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return {
        "webhook": {"secrets": SIGNS, "named_secrets": {"CRM": "a b"}},
        "twilio": TWILIO,
        "infobip": INFOBIP,
        "brevo_sms": {"key": "k", "sender": "Shop"},
        "meta": META,
        "google": {"account_file": account, "ads_account": "123"},
        "apns": {"key_file": key, "key_id": "k", "team_id": "t", "topic": "com.example"},
        "webpush": {"private_key": VAPID, "subject": "mailto:a@example.com"},
        "slack": {"token": "xoxb-1", "webhook_url": "https://hooks.slack.com/services/x"},
        "mailbox": {"folder": tmp_path / "mailbox"},
        "database": {"url": f"sqlite:///{tmp_path / 'senders.db'}"},
    }


@pytest.mark.parametrize("name", sorted(message_providers.MAKERS))
def test_provider_has_the_name_that_settings_know_it_by(
    complete: dict[str, Any], name: str
) -> None:
    made: Provider = message_providers.MAKERS[name](settings(complete))

    assert made.name == name
    assert made.channels


@pytest.mark.parametrize("name", sorted(set(message_providers.MAKERS) - LOCAL))
def test_provider_without_settings_names_the_first_that_is_missing(name: str) -> None:
    with pytest.raises(InvalidSettings, match=r"^BECKON_[A-Z_]+(, BECKON_[A-Z_]+)*: "):
        message_providers.MAKERS[name](Settings())


@pytest.mark.parametrize("secrets", [None, "", " , ", "whsec_short", "hush", f"{SIGNS},hush"])
def test_webhooks_without_a_good_secret_are_refused_by_the_settings_name(
    secrets: str | None,
) -> None:
    with pytest.raises(InvalidSettings, match=r"^BECKON_WEBHOOK__SECRETS: ") as caught:
        message_providers.webhook(settings({"webhook": {"secrets": secrets}}))
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("named", [{"a b": "hush"}, {"A": "hush\r\nb: c"}, {"A": ""}])
def test_secret_that_no_header_can_hold_is_refused_without_showing_it(
    named: dict[str, str],
) -> None:
    with pytest.raises(InvalidSettings, match=r"^BECKON_WEBHOOK__NAMED_SECRETS: ") as caught:
        message_providers.webhook(settings({"webhook": {"secrets": SIGNS, "named_secrets": named}}))
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("branch", "changes", "variable"),
    [
        ("twilio", {"api_key": "SK1"}, "TWILIO__API_SECRET"),
        ("infobip", {"callback_url": "https://b"}, "INFOBIP__CALLBACK_SECRET"),
        ("infobip", {"callback_url": "https://b", "callback_secret": "short"},
         "INFOBIP__CALLBACK_SECRET"),
        ("apns", {"key_file": "nowhere.p8"}, "APNS__KEY_FILE"),
        ("webpush", {"private_key": "AAAA"}, "WEBPUSH__PRIVATE_KEY"),
        ("google_audience", {"ads_account": ""}, "GOOGLE__ADS_ACCOUNT"),
        ("fcm", {"account_file": "nowhere.json"}, "GOOGLE__ACCOUNT_FILE"),
    ],
)  # fmt: skip
def test_setting_that_can_not_be_used_is_named(
    complete: dict[str, Any], branch: str, changes: dict[str, Any], variable: str
) -> None:
    place = "google" if branch in ("fcm", "google_audience") else branch
    given = complete | {place: complete[place] | changes}

    with pytest.raises(InvalidSettings, match=rf"^BECKON_{variable}: "):
        message_providers.MAKERS[branch](settings(given))


def test_devices_are_served_by_those_that_have_settings(complete: dict[str, Any]) -> None:
    for left in ("google", "apns", "webpush"):
        given = {left: complete[left]}
        assert message_providers.devices(settings(given)).channels == ("push",)


def test_api_key_of_twilio_goes_before_the_auth_token() -> None:
    given = TWILIO | {"auth_token": None, "api_key": "SK1", "api_secret": "s"}

    assert message_providers.twilio(settings({"twilio": given})).name == "twilio"


def test_callbacks_are_read_of_those_whose_proof_is_there() -> None:
    assert message_providers.callbacks(Settings()) == []
    given = {
        "twilio": TWILIO,
        "infobip": {"callback_secret": LONG},
        "brevo_sms": {"callback_secret": LONG},
        "meta": {"app_secret": "s", "verify_token": "w"},
    }

    found: list[Callbacks] = message_providers.callbacks(settings(given))

    assert [each.name for each in found] == ["twilio", "infobip", "brevo_sms", "meta"]


def test_callbacks_without_all_of_their_proof_are_refused() -> None:
    wrong: list[dict[str, Any]] = [
        {"meta": {"app_secret": "s"}},
        {"infobip": {"callback_secret": "short"}},
    ]
    for given in wrong:
        with pytest.raises(InvalidSettings, match=r"^BECKON_"):
            message_providers.callbacks(settings(given))
