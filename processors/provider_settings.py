"""Settings of what carries messages out: one branch a provider, each a part of the tree."""

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
    rates: dict[str, float] = Field(
        {}, description='Requests/s of a process to each provider, as JSON: `{"ses": 14}`.'
    )
    concurrency: dict[str, int] = Field(
        {}, description='Requests at once to each provider, as JSON: `{"ses": 10}`; else 64.'
    )
    at_least_once: str = Field(
        "",
        description="Channels, with commas, that send again what may have been sent"
        " where the provider can not tell; the others do so for transactional messages only.",
    )
    places: int = Field(400, ge=1, le=5_000, description="Commands that are sent at once.")


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
