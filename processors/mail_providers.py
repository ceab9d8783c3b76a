"""What sends mail and reads what is told of it, as the settings say: wiring."""

import ssl
from collections.abc import Callable, Mapping

from connectors import http
from connectors.channels import sigv4
from connectors.channels.brevo import BrevoCallbacks, BrevoProvider
from connectors.channels.mailbox import FOLDER, MailboxProvider
from connectors.channels.mailgun import MailgunCallbacks, MailgunProvider
from connectors.channels.sendgrid import SendGridCallbacks, SendGridProvider
from connectors.channels.ses import SesCallbacks, SesProvider
from connectors.channels.smtp import Options, SmtpProvider
from processors.clock import WallClock
from processors.ports import Callbacks, Provider
from processors.provided import client_for, given, made
from processors.settings import PREFIX, InvalidSettings, Settings


def smtp(settings: Settings) -> Provider:
    """Returns what sends mail over SMTP.

    Raises:
        InvalidSettings: no relay, no sender, a file that can not be read, or no TLS.
    """
    chosen = settings.smtp
    options = Options(
        host=given(chosen.host, "SMTP__HOST"),
        port=chosen.port,
        security=chosen.security,
        allow_plain=chosen.allow_plain,
        username=chosen.username,
        password=None if chosen.password is None else chosen.password.get_secret_value(),
        sender=given(chosen.sender, "SMTP__SENDER"),
        connections=chosen.connections,
        lifetime_ms=chosen.lifetime_s * 1000,
        messages=chosen.messages,
        ssl_context=_trust(settings),
    )
    return made("SMTP", lambda: SmtpProvider(options, now_ms=WallClock().now_ms))


def mailbox(settings: Settings) -> Provider:
    """Returns what lays mails into a folder of this machine.

    Raises:
        InvalidSettings: the folder can not be made, or the sender is no address.
    """
    chosen, now_ms = settings.mailbox, WallClock().now_ms
    folder = chosen.folder / FOLDER
    return made("MAILBOX", lambda: MailboxProvider(folder, chosen.sender, now_ms=now_ms))


def sendgrid(settings: Settings) -> Provider:
    """Returns what sends mail through SendGrid.

    Raises:
        InvalidSettings: no key or no sender.
    """
    chosen = settings.sendgrid
    key = given(chosen.key, "SENDGRID__KEY")
    sender = given(chosen.sender, "SENDGRID__SENDER")
    now_ms = WallClock().now_ms
    return made(
        "SENDGRID",
        lambda: SendGridProvider(
            client_for(chosen.url),
            key=key,
            sender=sender,
            now_ms=now_ms,
            base_url=chosen.url,
        ),
    )


def brevo(settings: Settings) -> Provider:
    """Returns what sends mail through Brevo.

    Raises:
        InvalidSettings: no key or no sender.
    """
    key = given(settings.brevo.key, "BREVO__KEY")
    sender = given(settings.brevo.sender, "BREVO__SENDER")
    now_ms = WallClock().now_ms
    return made("BREVO", lambda: BrevoProvider(_client(), key=key, sender=sender, now_ms=now_ms))


def mailgun(settings: Settings) -> Provider:
    """Returns what sends mail through Mailgun.

    Raises:
        InvalidSettings: no key, no domain or no sender.
    """
    chosen = settings.mailgun
    key = given(chosen.key, "MAILGUN__KEY")
    domain = given(chosen.domain, "MAILGUN__DOMAIN")
    sender = given(chosen.sender, "MAILGUN__SENDER")
    now_ms = WallClock().now_ms
    return made(
        "MAILGUN",
        lambda: MailgunProvider(
            client_for(chosen.url),
            key=key,
            domain=domain,
            sender=sender,
            now_ms=now_ms,
            base_url=chosen.url,
        ),
    )


def ses(settings: Settings) -> Provider:
    """Returns what sends mail through Amazon SES.

    Raises:
        InvalidSettings: no credentials, no sender, or a region that is none.
    """
    chosen = settings.ses
    credentials = sigv4.Credentials(
        key_id=given(chosen.key_id, "SES__KEY_ID"),
        secret=given(chosen.secret, "SES__SECRET"),
        token=None if chosen.token is None else chosen.token.get_secret_value(),
        region=chosen.region,
        service="ses",
    )
    sender = given(chosen.sender, "SES__SENDER")
    return made(
        "SES",
        lambda: SesProvider(
            _client(),
            credentials,
            sender=sender,
            now_ms=WallClock().now_ms,
            configuration_set=chosen.configuration_set,
        ),
    )


MAKERS: Mapping[str, Callable[[Settings], Provider]] = {
    "mailbox": mailbox,
    "smtp": smtp,
    "sendgrid": sendgrid,
    "brevo": brevo,
    "mailgun": mailgun,
    "ses": ses,
}
"""By the name that settings, ledger and outcomes know a provider by."""


def callbacks(settings: Settings) -> list[Callbacks]:
    """Returns what reads the callbacks of those providers whose proof is in the settings.

    Raises:
        InvalidSettings: a proof can not be one.
    """
    found: list[Callbacks] = []
    key = settings.sendgrid.verification_key
    if key is not None:
        found.append(made("SENDGRID__VERIFICATION_KEY", lambda: SendGridCallbacks(key)))
    token = settings.brevo.webhook_token
    if token is not None:
        shown = token.get_secret_value()
        found.append(made("BREVO__WEBHOOK_TOKEN", lambda: BrevoCallbacks(shown)))
    signing = settings.mailgun.signing_key
    if signing is not None:
        signs = signing.get_secret_value()
        found.append(made("MAILGUN__SIGNING_KEY", lambda: MailgunCallbacks(signs)))
    if settings.ses.topics:
        topics = settings.ses.topics
        found.append(made("SES__TOPICS", lambda: SesCallbacks(_client(), topics)))
    return found


def _client() -> http.Client:
    return http.Client(http.Options())


def _trust(settings: Settings) -> ssl.SSLContext | None:
    path = settings.smtp.ca_file
    if path is None:
        return None
    try:
        return ssl.create_default_context(cafile=str(path))
    except OSError as error:
        raise InvalidSettings(f"{PREFIX}SMTP__CA_FILE: can not be read") from error
