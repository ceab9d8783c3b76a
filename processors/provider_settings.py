"""Settings of what carries messages out: one branch a provider, each a part of the tree."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class Branch(BaseModel):
    """Settings of one part."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Webhook(Branch):
    """The sender of webhooks."""

    secrets: SecretStr | None = Field(
        None,
        description="Sign requests (Standard Webhooks): `whsec_` and base64; several with commas,"
        " the newest first.",
    )
    allow_http: bool = Field(False, description="Also without TLS.")
    allow_private: bool = Field(False, description="Also to this machine and private networks.")
    ports: tuple[int, ...] = Field(
        (80, 443, 8080, 8443), description="Ports that may be called, as a JSON list; `[]`: all."
    )
    attempts: int = Field(4, ge=1, le=20, description="Per command.")
    places: int = Field(16, ge=1, le=1_000, description="Commands sent at once.")


class Smtp(Branch):
    """Mail over SMTP."""

    host: str | None = Field(None, description="The relay.")
    port: int = Field(587, ge=1, le=65_535, description="Its port; 465 with `tls`.")
    security: Literal["starttls", "tls", "plain"] = Field(
        "starttls", description="`starttls`, `tls` from the start, or `plain`."
    )
    allow_plain: bool = Field(False, description="Also without TLS, where `security` says so.")
    username: str | None = Field(None, description="As whom.")
    password: SecretStr | None = Field(None, description="Its password.")
    sender: str | None = Field(None, description="Whom mails are from: `Shop <news@example.com>`.")
    ca_file: Path | None = Field(None, description="Whom to trust; none: the usual ones.")
    connections: int = Field(4, ge=1, le=100, description="At once, to the relay.")
    lifetime_s: int = Field(300, ge=1, le=86_400, description="Of a connection, s.")
    messages: int = Field(100, ge=1, le=100_000, description="Of a connection.")


class SendGrid(Branch):
    """Mail through SendGrid."""

    key: SecretStr | None = Field(None, description="An API key that may send mail.")
    sender: str | None = Field(None, description="Whom mails are from: `Shop <news@example.com>`.")
    url: str = Field(
        "https://api.sendgrid.com", description="Of the API; `https://api.eu.sendgrid.com` too."
    )
    verification_key: str | None = Field(
        None, description="The public key of the signed Event Webhook."
    )


class Brevo(Branch):
    """Mail through Brevo."""

    key: SecretStr | None = Field(None, description="An API key.")
    sender: str | None = Field(None, description="Whom mails are from: `Shop <news@example.com>`.")
    webhook_token: SecretStr | None = Field(
        None, description="The token that its webhooks say, as a bearer or a password."
    )


class Mailgun(Branch):
    """Mail through Mailgun."""

    key: SecretStr | None = Field(None, description="An API key.")
    domain: str | None = Field(None, description="The sending domain.")
    sender: str | None = Field(None, description="Whom mails are from: `Shop <news@example.com>`.")
    url: str = Field(
        "https://api.mailgun.net", description="Of the API; `https://api.eu.mailgun.net` too."
    )
    signing_key: SecretStr | None = Field(None, description="The webhook signing key.")


class Ses(Branch):
    """Mail through Amazon SES."""

    key_id: str | None = Field(None, description="An access key of AWS that may send mail.")
    secret: SecretStr | None = Field(None, description="Its secret.")
    token: SecretStr | None = Field(None, description="Its session token, if it has one.")
    region: str = Field("eu-west-1", description="Where the sender is verified.")
    sender: str | None = Field(None, description="Whom mails are from: `Shop <news@example.com>`.")
    configuration_set: str | None = Field(
        None, description="The configuration set, whose events come by SNS."
    )
    topics: tuple[str, ...] = Field(
        (), description="ARNs of the SNS topics that its events come by, as a JSON list."
    )
