"""Settings of what carries messages out: one branch a provider, each a part of the tree."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class Branch(BaseModel):
    """Settings of one part."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Database(Branch):
    """What senders remember: the ledger, and whom nothing may be sent to."""

    url: SecretStr = Field(
        SecretStr("sqlite:///beckon.db"),
        description="`postgresql://user:password@host/name`, or `sqlite:///file`, to try it.",
    )
    connections: int = Field(4, ge=1, le=64, description="Of one process, at most.")
    retention_d: int = Field(
        90, ge=1, le=3_650, description="How long the ledger keeps what was told, days."
    )
    held_d: int = Field(
        7,
        ge=1,
        le=90,
        description="How long a held message waits for its template to be mended, days.",
    )


class Senders(Branch):
    """Who carries out the commands of each channel, and how fast."""

    email: str = Field("", description="Providers of mail with commas, the first choice first.")
    sms: str = Field("", description="Of text messages.")
    push: str = Field("", description="Of push messages.")
    whatsapp: str = Field("", description="Of WhatsApp messages.")
    inbox: str = Field("inbox", description="Of messages in the product.")
    slack: str = Field("slack", description="Of messages to Slack.")
    webhook: str = Field("webhook", description="Of webhooks.")
    crm: str = Field("", description="Of orders to a CRM.")
    task: str = Field("task", description="Of tasks.")
    audience: str = Field("audiences", description="Of audiences of advertisers.")
    rates: dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = Field(
        {},
        description="Requests/s of all processes of a channel together to each provider, as JSON:"
        ' `{"ses": 14}`.',
    )
    concurrency: dict[str, Annotated[int, Field(ge=1)]] = Field(
        {},
        description='Requests at once of each process to each provider, as JSON: `{"ses": 10}`;'
        " else 64.",
    )
    at_least_once: str = Field(
        "",
        description="Channels, with commas, that send again what may have been sent"
        " where the provider can not tell; the others do so for transactional messages only.",
    )
    places: int = Field(400, ge=1, le=5_000, description="Commands that are sent at once.")


class Content(Branch):
    """What messages have in common."""

    product_name: str | None = Field(
        None, description="What templates print as `{{ product_name }}`."
    )
    region: str | None = Field(
        None,
        pattern=r"^[A-Z]{2}$",
        description="Country of telephone numbers that do not say theirs, such as `DE`.",
    )
    locale: str = Field(
        "en",
        pattern=r"^[A-Za-z-]{2,20}$",
        description="How dates and numbers are written for people of whom it is not known.",
    )


class Recommendations(Branch):
    """What is counted of items."""

    retention_d: int = Field(
        90, ge=1, le=3_650, description="How long what a person viewed and bought is kept, days."
    )
    pairs_d: int = Field(
        365,
        ge=1,
        le=3_650,
        description="How long it is kept that items were bought together, days.",
    )


class Webhook(Branch):
    """The sender of webhooks."""

    secrets: SecretStr | None = Field(
        None,
        description="Sign requests (Standard Webhooks): `whsec_` and base64; several with commas,"
        " the newest first.",
    )
    named_secrets: dict[str, SecretStr] = Field(
        {},
        description='What headers name as `{{ secrets.NAME }}`, as JSON: `{"CRM": "a token"}`.',
    )
    allow_http: bool = Field(False, description="Also without TLS.")
    allow_private: bool = Field(False, description="Also to this machine and private networks.")
    ports: tuple[int, ...] = Field(
        (80, 443, 8080, 8443), description="Ports that may be called, as a JSON list; `[]`: all."
    )
    attempts: int = Field(4, ge=1, le=20, description="Per command.")


class Mailbox(Branch):
    """What is not sent but laid into a folder, by the providers `mailbox` and `recorder`."""

    folder: Path = Field(
        Path("mailbox"), description="Where `mailbox` and `recorder` lay messages down."
    )
    sender: str = Field(
        "Beckon <beckon@example.com>", description="Whom its mails are from: `Shop <a@b.example>`."
    )


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


class Twilio(Branch):
    """Text messages and WhatsApp through Twilio."""

    account_sid: str | None = Field(None, description="The account, `AC…`.")
    auth_token: SecretStr | None = Field(None, description="Its auth token; signs callbacks too.")
    api_key: str | None = Field(None, description="An API key, `SK…`, to send with instead.")
    api_secret: SecretStr | None = Field(None, description="Its secret.")
    sender: str | None = Field(None, description="A number, a name, or a messaging service `MG…`.")
    callback_url: str | None = Field(
        None, description="Where it is to report: `https://…/callbacks/twilio`."
    )
    url: str = Field("https://api.twilio.com", description="Of the API.")


class Infobip(Branch):
    """Text messages and WhatsApp through Infobip."""

    url: str | None = Field(None, description="Of the account: `https://….api.infobip.com`.")
    key: SecretStr | None = Field(None, description="An API key.")
    sender: str | None = Field(None, description="A number or a registered name.")
    callback_url: str | None = Field(
        None, description="Where it is to report: `https://…/callbacks/infobip`."
    )
    callback_secret: SecretStr | None = Field(
        None, description="Proves those addresses; any 16 characters or more."
    )


class BrevoSms(Branch):
    """Text messages through Brevo."""

    key: SecretStr | None = Field(None, description="An API key.")
    sender: str | None = Field(None, description="At most 11 letters and digits, or 15 digits.")
    callback_url: str | None = Field(
        None, description="Where it is to report: `https://…/callbacks/brevo_sms`."
    )
    callback_secret: SecretStr | None = Field(
        None, description="Proves those addresses; any 16 characters or more."
    )
    url: str = Field("https://api.brevo.com", description="Of the API.")


class Meta(Branch):
    """WhatsApp through Meta's Cloud API, and Meta's custom audiences."""

    token: SecretStr | None = Field(None, description="Of a system user.")
    phone_number_id: str | None = Field(None, description="Meta's id of the number to send from.")
    app_secret: SecretStr | None = Field(None, description="Of the app; signs callbacks.")
    verify_token: SecretStr | None = Field(
        None, description="The word that Meta says when it tries our address."
    )
    url: str = Field("https://graph.facebook.com", description="Of the API.")


class Google(Branch):
    """Push messages through FCM, and audiences of Google Ads."""

    account_file: Path | None = Field(None, description="Key file of a service account, JSON.")
    project_id: str | None = Field(None, description="Of Firebase; none: the key file's.")
    ads_account: str | None = Field(None, description="Number of the Google Ads account, digits.")
    fcm_url: str = Field("https://fcm.googleapis.com", description="Of FCM's API.")
    ads_url: str = Field(
        "https://datamanager.googleapis.com", description="Of the Data Manager API."
    )


class Apns(Branch):
    """Push messages through Apple."""

    key_file: Path | None = Field(None, description="The `.p8` file.")
    key_id: str | None = Field(None, description="Its id, ten characters.")
    team_id: str | None = Field(None, description="Of the developers' team, ten characters.")
    topic: str | None = Field(None, description="The app's bundle id.")
    url: str = Field(
        "https://api.push.apple.com",
        description="Of the API; `https://api.sandbox.push.apple.com` for apps in development.",
    )


class WebPush(Branch):
    """Push messages to browsers."""

    private_key: SecretStr | None = Field(None, description="The VAPID key: 32 bytes in base64url.")
    subject: str | None = Field(None, description="How to reach us: `mailto:…` or `https://…`.")


class Slack(Branch):
    """Messages to Slack."""

    token: SecretStr | None = Field(None, description="Of a bot with `chat:write`, `xoxb-…`.")
    channel: str | None = Field(None, description="Where messages go that name no place, `C…`.")
    webhook_url: SecretStr | None = Field(None, description="Of an incoming webhook, instead.")
    url: str = Field("https://slack.com", description="Of the API.")
