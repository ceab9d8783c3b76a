"""Settings of what carries messages out: one branch a provider, each a part of the tree."""

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class Branch(BaseModel):
    """Settings of one part."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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
