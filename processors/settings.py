"""All settings, in one tree, read once: from the environment (`BECKON_…`), else from a TOML file.

A name is its place in the tree: `kafka.bootstrap_servers` is `BECKON_KAFKA__BOOTSTRAP_SERVERS`, or
`bootstrap_servers` under `[kafka]` in the file that `BECKON_CONFIG` names.
"""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from processors.provider_settings import (
    Apns,
    Branch,
    Brevo,
    BrevoSms,
    Content,
    Database,
    Google,
    Infobip,
    Mailbox,
    Mailgun,
    Meta,
    Recommendations,
    Senders,
    SendGrid,
    Ses,
    Slack,
    Smtp,
    Twilio,
    Webhook,
    WebPush,
)
from schemas.topics import DEFAULT_PREFIX

PREFIX = "BECKON_"
CONFIG = "BECKON_CONFIG"


class InvalidSettings(Exception):
    """The settings can not be used; the message names each one and says what is allowed."""


class Kafka(Branch):
    """The cluster, and how to be let in."""

    bootstrap_servers: str = Field("localhost:9092", description="Brokers, `host:port,host:port`.")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How to talk to them."
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "PLAIN", description="How to say who we are."
    )
    sasl_username: str | None = Field(None, description="As whom.")
    sasl_password: SecretStr | None = Field(None, description="Its password.")
    ssl_ca_file: Path | None = Field(None, description="Whom to trust; none: the usual ones.")
    ssl_certificate_file: Path | None = Field(None, description="Our certificate, if asked for.")
    ssl_key_file: Path | None = Field(None, description="Its key.")
    ssl_key_password: SecretStr | None = Field(None, description="The key's password.")
    compression: Literal["none", "lz4", "zstd", "snappy", "gzip"] = Field(
        "none", description="Of what is written."
    )
    group_protocol: Literal["classic", "consumer"] = Field(
        "classic", description="`consumer`: KIP-848, where all brokers are 4.0 or newer."
    )
    checksums: bool = Field(
        True, description="Check those of what is read; the demo's broker writes some wrong."
    )
    patience_s: int = Field(
        60, ge=0, le=86_400, description="How long to wait for brokers and topics, s."
    )


class Topics(Branch):
    """What `beckon topics create` makes."""

    prefix: str = Field(
        DEFAULT_PREFIX, pattern=r"^([A-Za-z0-9-]+\.)*$", description="Begins all topic names."
    )
    partitions: int = Field(8, ge=1, le=10_000, description="Of events and of profiles, each.")
    output_partitions: int = Field(8, ge=1, le=10_000, description="Of all other topics.")
    replication: int = Field(
        1, ge=1, le=32, description="Copies of each partition; 3 where it matters."
    )


class Stream(Branch):
    """The worker."""

    clock: Literal["wall", "stream"] = Field(
        "wall", description="`wall`: live. `stream`: imports and tests, time is what events say."
    )
    lateness_s: int = Field(
        604_800, ge=0, le=31_536_000, description="Later events are dead letters, s."
    )
    grace_ms: int = Field(
        2_000, ge=0, le=600_000, description="How long after its instant an idle timer fires, ms."
    )
    max_batch: int = Field(5_000, ge=1, le=100_000, description="Events of one transaction.")
    poll_ms: int = Field(100, ge=1, le=10_000, description="How long one poll waits, ms.")


class Health(Branch):
    """Where /health, /ready and /metrics are served."""

    host: str = Field("127.0.0.1", description="Address to listen on; `0.0.0.0` in a container.")
    port: int = Field(8089, ge=0, le=65_535, description="Port; 0: any free one.")


class Callbacks(Branch):
    """The server that providers and the links in messages lead to."""

    host: str = Field("127.0.0.1", description="Address to listen on; `0.0.0.0` in a container.")
    port: int = Field(8090, ge=0, le=65_535, description="Port; 0: any free one.")
    public_url: str = Field(
        "http://localhost:8090",
        pattern=r"^https?://[^/\s?#@]+(/[^\s?#]*)?$",
        description="What stands before its paths, as providers and people call it.",
    )
    signing_keys: SecretStr | None = Field(
        None,
        description="Sign links: `id:base64` of 32 bytes or more; several with commas,"
        " the newest first.",
    )
    view_d: int = Field(
        30, ge=1, le=400, description="How long a mail with a link to it can be seen, days."
    )


class Inbox(Branch):
    """Who may ask the server of callbacks for the inboxes of people; nobody, if it is not set."""

    keys: SecretStr | None = Field(
        None, description="Of your servers, with commas: 32 characters or more each."
    )
    token_secrets: SecretStr | None = Field(
        None,
        description="Sign the tokens (JWT, HS256) of your people's browsers, with commas:"
        " 32 bytes or more each.",
    )
    origins: tuple[str, ...] = Field(
        (), description='Of pages that may ask, as a JSON list: `["https://shop.example.com"]`.'
    )


class Registry(Branch):
    """Schema registry. None by default: everything is JSON."""

    url: str | None = Field(None, description="Its address; then analysts' topics are Avro.")
    user_info: SecretStr | None = Field(None, description="`user:password`.")
    ca_file: Path | None = Field(None, description="Whom to trust.")


class Log(Branch):
    """Logging."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="From where on."
    )
    format: Literal["auto", "json", "plain"] = Field(
        "auto", description="`auto`: plain on a terminal, else one JSON object a line."
    )


class Settings(BaseSettings):
    """The tree. Every part gets only its own branch."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    slot: str = Field(
        default_factory=socket.gethostname,
        pattern=r"^[A-Za-z0-9._-]{1,100}$",
        description="A name that this process alone has, and has again after a restart.",
    )
    predicates: str = Field(
        "", description="Python modules with custom conditions and models, with commas."
    )
    kafka: Kafka = Kafka()
    topics: Topics = Topics()
    stream: Stream = Stream()
    health: Health = Health()
    callbacks: Callbacks = Callbacks()
    inbox: Inbox = Inbox()
    registry: Registry = Registry()
    database: Database = Database()
    senders: Senders = Senders()
    webhook: Webhook = Webhook()
    mailbox: Mailbox = Mailbox()
    smtp: Smtp = Smtp()
    sendgrid: SendGrid = SendGrid()
    brevo: Brevo = Brevo()
    mailgun: Mailgun = Mailgun()
    ses: Ses = Ses()
    twilio: Twilio = Twilio()
    infobip: Infobip = Infobip()
    brevo_sms: BrevoSms = BrevoSms()
    meta: Meta = Meta()
    google: Google = Google()
    apns: Apns = Apns()
    webpush: WebPush = WebPush()
    slack: Slack = Slack()
    content: Content = Content()
    recommendations: Recommendations = Recommendations()
    log: Log = Log()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file; nothing else is read."""
        sources: tuple[PydanticBaseSettingsSource, ...] = (
            init_settings,
            EnvSettingsSource(settings_cls),
        )
        path = os.environ.get(CONFIG)
        if path:
            sources += (TomlConfigSettingsSource(settings_cls, Path(path)),)
        return sources

    @classmethod
    def from_env(cls) -> "Settings":
        """Returns the settings of this process.

        Raises:
            InvalidSettings: a value is not allowed, a name unknown, or the file unreadable.
        """
        path = os.environ.get(CONFIG)
        if path and not Path(path).is_file():
            raise InvalidSettings(f"{CONFIG}: there is no file {path}")
        unknown = sorted(set(_given()) - {name for name, _ in variables()} - {CONFIG})
        try:
            found = cls()
        except (ValidationError, ValueError) as error:
            raise InvalidSettings(_words(error)) from error
        if unknown:
            raise InvalidSettings(
                "\n".join(f"{name}: there is no such setting" for name in unknown)
            )
        return found


def variables() -> Iterator[tuple[str, Any]]:
    """Gives each setting's name in the environment, with its field."""
    for name, field in Settings.model_fields.items():
        branch = field.annotation
        if isinstance(branch, type) and issubclass(branch, Branch):
            for inner, leaf in branch.model_fields.items():
                yield f"{PREFIX}{name}__{inner}".upper(), leaf
        else:
            yield f"{PREFIX}{name}".upper(), field


def table() -> str:
    """Returns all settings as a table for people; docs/settings.md has this one."""
    lines = ["| variable | default | what it says |", "|---|---|---|"]
    lines += [
        f"| `{name}` | {_default(field)} | {field.description} |" for name, field in variables()
    ]
    return "\n".join(lines) + "\n"


def several(value: str | SecretStr | None) -> list[str]:
    """Returns what a setting names with commas.

    >>> several("ses, brevo,")
    ['ses', 'brevo']
    """
    shown = value.get_secret_value() if isinstance(value, SecretStr) else value
    return [each.strip() for each in (shown or "").split(",") if each.strip()]


def _default(field: Any) -> str:
    if field.default_factory is not None:
        return "host name"
    if field.default is None:
        return ""
    if field.default in ("", {}):
        return ""
    shown = list(field.default) if isinstance(field.default, tuple) else field.default
    if isinstance(shown, SecretStr):
        shown = shown.get_secret_value()
    return f"`{str(shown).lower() if isinstance(shown, bool) else shown}`"


def _given() -> list[str]:
    """Returns the names of ours in the environment, but those of the tests."""
    return [
        name
        for name in os.environ
        if name.startswith(PREFIX) and not name.startswith((f"{PREFIX}TEST_", f"{PREFIX}BENCH_"))
    ]


def _words(error: ValidationError | ValueError) -> str:
    """Returns what is wrong, without the values: they may be secrets."""
    if not isinstance(error, ValidationError):
        return str(error)
    lines = []
    for each in error.errors(include_url=False, include_input=False, include_context=False):
        name = PREFIX + "__".join(str(part) for part in each["loc"]).upper()
        lines.append(f"{name}: {each['msg']}")
    return "\n".join(lines)
