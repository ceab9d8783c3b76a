"""What sends mail is made as the settings say, and what is missing is named."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from processors import mail_providers, providers
from processors.provider_settings import Branch, Brevo, Mailbox, Mailgun, SendGrid, Ses, Smtp
from processors.settings import InvalidSettings, Settings
from tests.certificates import Authority
from tests.providers.keys import SENDGRID_PUBLIC_KEY

SENDER = "Shop <news@example.com>"
HUSH = SecretStr("hush-hush")
TOPIC = "arn:aws:sns:eu-west-1:123456789012:mail"

WHOLE: dict[str, Branch] = {
    "smtp": Smtp(host="mail.example.com", sender=SENDER, username="shop", password=HUSH),
    "sendgrid": SendGrid(key=HUSH, sender=SENDER),
    "brevo": Brevo(key=HUSH, sender=SENDER),
    "mailgun": Mailgun(key=HUSH, domain="mg.example.com", sender=SENDER),
    "ses": Ses(key_id="AKIDEXAMPLE", secret=HUSH, sender=SENDER),
}
LACKS = [
    ("smtp", "host", "SMTP__HOST"),
    ("smtp", "sender", "SMTP__SENDER"),
    ("sendgrid", "key", "SENDGRID__KEY"),
    ("sendgrid", "sender", "SENDGRID__SENDER"),
    ("brevo", "key", "BREVO__KEY"),
    ("brevo", "sender", "BREVO__SENDER"),
    ("mailgun", "key", "MAILGUN__KEY"),
    ("mailgun", "domain", "MAILGUN__DOMAIN"),
    ("mailgun", "sender", "MAILGUN__SENDER"),
    ("ses", "key_id", "SES__KEY_ID"),
    ("ses", "secret", "SES__SECRET"),
    ("ses", "sender", "SES__SENDER"),
]


def given(name: str, branch: Branch) -> Settings:
    branches: dict[str, Any] = {name: branch}
    return Settings(**branches)


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_provider_has_the_name_that_it_is_made_by(name: str) -> None:
    found = providers.MAKERS[name](given(name, WHOLE[name]))

    assert (found.name, found.channels) == (name, ("email",))


def test_mailbox_needs_no_account_and_a_folder_that_can_be_made(tmp_path: Path) -> None:
    found = providers.MAKERS["mailbox"](given("mailbox", Mailbox(folder=tmp_path / "mails")))
    assert (found.name, found.channels, found.promise) == ("mailbox", ("email",), "key")
    assert (tmp_path / "mails" / "email").is_dir()
    (tmp_path / "file").touch()
    for branch in (Mailbox(folder=tmp_path / "file"), Mailbox(folder=tmp_path, sender="nobody")):
        with pytest.raises(InvalidSettings, match=r"^BECKON_MAILBOX: "):
            providers.MAKERS["mailbox"](given("mailbox", branch))


@pytest.mark.parametrize(("name", "field", "variable"), LACKS)
def test_what_is_missing_is_named(name: str, field: str, variable: str) -> None:
    branch = WHOLE[name].model_copy(update={field: None})

    with pytest.raises(InvalidSettings, match=f"^BECKON_{variable}: is needed$"):
        providers.MAKERS[name](given(name, branch))


@pytest.mark.parametrize(
    ("name", "update"),
    [
        ("smtp", {"security": "plain"}),
        ("smtp", {"sender": "no address"}),
        ("sendgrid", {"key": SecretStr("hush\nhush")}),
        ("brevo", {"key": SecretStr("hush hush")}),
        ("mailgun", {"domain": "mg example.com"}),
        ("ses", {"region": "evil.example/"}),
    ],
)
def test_what_can_not_work_is_refused_without_showing_it(
    name: str, update: dict[str, object]
) -> None:
    branch = WHOLE[name].model_copy(update=update)

    with pytest.raises(InvalidSettings, match=f"^BECKON_{name.upper()}: ") as caught:
        providers.MAKERS[name](given(name, branch))
    assert "hush" not in str(caught.value)


def test_authority_of_a_relay_is_read_from_its_file(tmp_path: Path) -> None:
    Authority(tmp_path)
    branch = WHOLE["smtp"].model_copy(update={"ca_file": tmp_path / "ca.pem"})

    assert mail_providers.smtp(given("smtp", branch)).name == "smtp"


def test_authority_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    branch = WHOLE["smtp"].model_copy(update={"ca_file": tmp_path / "none.pem"})

    with pytest.raises(InvalidSettings, match=r"^BECKON_SMTP__CA_FILE: "):
        mail_providers.smtp(given("smtp", branch))


def test_callbacks_are_read_of_those_whose_proof_is_given() -> None:
    found = Settings(
        sendgrid=SendGrid(verification_key=SENDGRID_PUBLIC_KEY),
        brevo=Brevo(webhook_token=HUSH),
        mailgun=Mailgun(signing_key=HUSH),
        ses=Ses(topics=(TOPIC,)),
    )

    assert [one.name for one in mail_providers.callbacks(found)] == [
        "sendgrid",
        "brevo",
        "mailgun",
        "ses",
    ]
    assert mail_providers.callbacks(Settings()) == []


def test_proof_that_is_none_is_named() -> None:
    found = Settings(sendgrid=SendGrid(verification_key="hush"))

    with pytest.raises(InvalidSettings, match=r"^BECKON_SENDGRID__VERIFICATION_KEY: "):
        mail_providers.callbacks(found)
