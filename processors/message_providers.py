"""What sends all but mail, and reads what is told of it, as the settings say.

A part of the composition root, beside `providers`.
"""

from collections.abc import Callable, Mapping

from connectors import google, http, http2
from connectors.channels import apns, webpush
from connectors.channels.audiences import Audiences
from connectors.channels.brevo_sms import BrevoSms, BrevoSmsCallbacks
from connectors.channels.devices import Devices, Service
from connectors.channels.fcm import SCOPE, Fcm
from connectors.channels.google_audience import SCOPE as ADS_SCOPE
from connectors.channels.google_audience import GoogleAudience
from connectors.channels.inbox import Inbox
from connectors.channels.infobip import Infobip, InfobipCallbacks
from connectors.channels.meta import Meta, MetaCallbacks
from connectors.channels.meta_audience import MetaAudience
from connectors.channels.recorder import Recorder
from connectors.channels.slack import Slack, SlackWebhook
from connectors.channels.task import Tasks
from connectors.channels.twilio import Account, Twilio, TwilioCallbacks
from connectors.channels.webhook import WebhookProvider, checked
from connectors.stores.engines import Database
from processors.clock import WallClock
from processors.ports import Callbacks, Provider
from processors.provided import bounds, client_for, given, made
from processors.provider_settings import BrevoSms as BrevoSmsBranch
from processors.provider_settings import Infobip as InfobipBranch
from processors.settings import PREFIX, InvalidSettings, Settings, several

MIN_SECRET_BYTES = 16
NOW_MS = WallClock().now_ms


def webhook(settings: Settings) -> Provider:
    """Returns what posts webhooks: to addresses that marketers write, so with the guard on."""
    chosen = settings.webhook
    options = http.Options(
        allow_http=chosen.allow_http,
        allow_private=chosen.allow_private,
        ports=frozenset(chosen.ports),
    )
    secrets = several(chosen.secrets)
    client = http.Client(options)
    shown = {name: value.get_secret_value() for name, value in chosen.named_secrets.items()}
    named = made("WEBHOOK__NAMED_SECRETS", lambda: checked(shown))
    return made("WEBHOOK__SECRETS", lambda: WebhookProvider(client, secrets, named, now_ms=NOW_MS))


def twilio(settings: Settings) -> Provider:
    """Returns what sends text messages and WhatsApp through Twilio."""
    chosen = settings.twilio
    sid = given(chosen.account_sid, "TWILIO__ACCOUNT_SID")
    if chosen.api_key is None:
        account = Account(sid, sid, given(chosen.auth_token, "TWILIO__AUTH_TOKEN"))
    else:
        account = Account(sid, chosen.api_key, given(chosen.api_secret, "TWILIO__API_SECRET"))
    return Twilio(
        client_for(chosen.url),
        account,
        sender=given(chosen.sender, "TWILIO__SENDER"),
        callback_url=chosen.callback_url,
        now_ms=NOW_MS,
        url=chosen.url,
    )


def infobip(settings: Settings) -> Provider:
    """Returns what sends text messages and WhatsApp through Infobip."""
    chosen = settings.infobip
    url = given(chosen.url, "INFOBIP__URL")
    return Infobip(
        client_for(url),
        url,
        key=given(chosen.key, "INFOBIP__KEY"),
        sender=given(chosen.sender, "INFOBIP__SENDER"),
        callbacks=_proven(chosen, "INFOBIP"),
        now_ms=NOW_MS,
    )


def brevo_sms(settings: Settings) -> Provider:
    """Returns what sends text messages through Brevo."""
    chosen = settings.brevo_sms
    return BrevoSms(
        client_for(chosen.url),
        given(chosen.key, "BREVO_SMS__KEY"),
        sender=given(chosen.sender, "BREVO_SMS__SENDER"),
        callbacks=_proven(chosen, "BREVO_SMS"),
        now_ms=NOW_MS,
        url=chosen.url,
    )


def meta(settings: Settings) -> Provider:
    """Returns what sends WhatsApp messages through Meta."""
    chosen = settings.meta
    return Meta(
        client_for(chosen.url),
        given(chosen.phone_number_id, "META__PHONE_NUMBER_ID"),
        token=given(chosen.token, "META__TOKEN"),
        now_ms=NOW_MS,
        url=chosen.url,
    )


def meta_audience(settings: Settings) -> Provider:
    """Returns what keeps custom audiences at Meta."""
    chosen = settings.meta
    token = given(chosen.token, "META__TOKEN")
    return MetaAudience(client_for(chosen.url), token, now_ms=NOW_MS, url=chosen.url)


def fcm(settings: Settings) -> Provider:
    """Returns what sends push messages through FCM."""
    chosen = settings.google
    account = _google(settings)
    project = given(chosen.project_id or account.project_id, "GOOGLE__PROJECT_ID")
    client = client_for(chosen.fcm_url)
    tokens = google.Tokens(client, account, SCOPE, now_ms=NOW_MS)
    return Fcm(client, tokens, project, now_ms=NOW_MS, url=chosen.fcm_url)


def google_audience(settings: Settings) -> Provider:
    """Returns what keeps audiences of Google Ads."""
    chosen = settings.google
    account = _google(settings)
    number = given(chosen.ads_account, "GOOGLE__ADS_ACCOUNT")
    client = client_for(chosen.ads_url)
    tokens = google.Tokens(client, account, ADS_SCOPE, now_ms=NOW_MS)
    return GoogleAudience(client, tokens, number, now_ms=NOW_MS, url=chosen.ads_url)


def apple(settings: Settings) -> Provider:
    """Returns what sends push messages through Apple."""
    chosen = settings.apns
    path = chosen.key_file
    if path is None:
        raise InvalidSettings(f"{PREFIX}APNS__KEY_FILE: is needed")
    id_ = given(chosen.key_id, "APNS__KEY_ID")
    team_id = given(chosen.team_id, "APNS__TEAM_ID")
    try:
        text = path.read_bytes()
    except OSError as error:
        raise InvalidSettings(f"{PREFIX}APNS__KEY_FILE: can not be read") from error
    key = made("APNS__KEY_FILE", lambda: apns.read_key(text, id_=id_, team_id=team_id))
    topic = given(chosen.topic, "APNS__TOPIC")
    client = http2.Client(bounds(chosen.url))
    return apns.Apns(client, key, topic=topic, now_ms=NOW_MS, url=chosen.url)


def browsers(settings: Settings) -> Provider:
    """Returns what sends push messages to browsers: their addresses are people's, guarded so."""
    key = given(settings.webpush.private_key, "WEBPUSH__PRIVATE_KEY")
    subject = given(settings.webpush.subject, "WEBPUSH__SUBJECT")
    vapid = made("WEBPUSH__PRIVATE_KEY", lambda: webpush.read_vapid(key, subject))
    return webpush.WebPush(http.Client(http.Options()), vapid, now_ms=NOW_MS)


def devices(settings: Settings) -> Provider:
    """Returns what sends push messages by all services that the settings have something of.

    Raises:
        InvalidSettings: they have nothing of any, or not all of one.
    """
    found: dict[str, Service] = {}
    if settings.google.account_file is not None:
        found["fcm"] = fcm(settings)
    if settings.apns.key_file is not None:
        found["apns"] = apple(settings)
    if settings.webpush.private_key is not None:
        found["web"] = browsers(settings)
    return Devices(_any(found, "GOOGLE__ACCOUNT_FILE", "APNS__KEY_FILE", "WEBPUSH__PRIVATE_KEY"))


def audiences(settings: Settings) -> Provider:
    """Returns what keeps audiences at all services that the settings have something of.

    Raises:
        InvalidSettings: they have nothing of any, or not all of one.
    """
    found: dict[str, Service] = {}
    if settings.meta.token is not None:
        found["meta"] = meta_audience(settings)
    if settings.google.ads_account is not None:
        found["google"] = google_audience(settings)
    return Audiences(_any(found, "META__TOKEN", "GOOGLE__ADS_ACCOUNT"))


def slack(settings: Settings) -> Provider:
    """Returns what posts to Slack as a bot."""
    chosen = settings.slack
    token = given(chosen.token, "SLACK__TOKEN")
    client = client_for(chosen.url)
    return Slack(client, token, channel=chosen.channel, now_ms=NOW_MS, url=chosen.url)


def slack_webhook(settings: Settings) -> Provider:
    """Returns what posts to Slack by an incoming webhook."""
    url = given(settings.slack.webhook_url, "SLACK__WEBHOOK_URL")
    return SlackWebhook(client_for(url), url, now_ms=NOW_MS)


def inbox(settings: Settings) -> Provider:
    """Returns what keeps messages for the product to show."""
    return Inbox(_database(settings), now_ms=NOW_MS)


def recorder(settings: Settings) -> Provider:
    """Returns what lays messages into a folder of this machine."""
    folder = settings.mailbox.folder
    return made("MAILBOX__FOLDER", lambda: Recorder(folder, now_ms=NOW_MS))


def task(settings: Settings) -> Provider:
    """Returns what keeps tasks."""
    return Tasks(_database(settings), now_ms=NOW_MS)


MAKERS: Mapping[str, Callable[[Settings], Provider]] = {
    "apns": apple,
    "audiences": audiences,
    "brevo_sms": brevo_sms,
    "devices": devices,
    "fcm": fcm,
    "google_audience": google_audience,
    "inbox": inbox,
    "infobip": infobip,
    "meta": meta,
    "meta_audience": meta_audience,
    "recorder": recorder,
    "slack": slack,
    "slack_webhook": slack_webhook,
    "task": task,
    "twilio": twilio,
    "webhook": webhook,
    "webpush": browsers,
}
"""By the name that settings, ledger and outcomes know a provider by. Each raises InvalidSettings,
with the variable's name, where something is missing or can not be used."""


def callbacks(settings: Settings) -> list[Callbacks]:
    """Returns what reads the callbacks of those services whose proof is in the settings.

    Raises:
        InvalidSettings: a proof can not be one.
    """
    found: list[Callbacks] = []
    if settings.twilio.auth_token is not None:
        found.append(TwilioCallbacks(settings.twilio.auth_token.get_secret_value()))
    if settings.infobip.callback_secret is not None:
        found.append(InfobipCallbacks(_secret(settings.infobip, "INFOBIP")))
    if settings.brevo_sms.callback_secret is not None:
        found.append(BrevoSmsCallbacks(_secret(settings.brevo_sms, "BREVO_SMS")))
    if settings.meta.app_secret is not None:
        word = given(settings.meta.verify_token, "META__VERIFY_TOKEN")
        secret = settings.meta.app_secret.get_secret_value()
        found.append(MetaCallbacks(secret, verify_token=word))
    return found


def _proven(chosen: InfobipBranch | BrevoSmsBranch, name: str) -> tuple[str, bytes] | None:
    """Returns where a service that signs nothing is to report, and what proves the address."""
    return None if chosen.callback_url is None else (chosen.callback_url, _secret(chosen, name))


def _secret(chosen: InfobipBranch | BrevoSmsBranch, name: str) -> bytes:
    found = given(chosen.callback_secret, f"{name}__CALLBACK_SECRET").encode()
    if len(found) < MIN_SECRET_BYTES:
        said = f"needs {MIN_SECRET_BYTES} characters or more"
        raise InvalidSettings(f"{PREFIX}{name}__CALLBACK_SECRET: {said}")
    return found


def _any(found: Mapping[str, Service], *names: str) -> Mapping[str, Service]:
    """Returns services, if there are some; otherwise tells what may be set."""
    if not found:
        raise InvalidSettings(f"{PREFIX}{f', {PREFIX}'.join(names)}: one of them is needed")
    return found


def _google(settings: Settings) -> google.Account:
    path = settings.google.account_file
    if path is None:
        raise InvalidSettings(f"{PREFIX}GOOGLE__ACCOUNT_FILE: is needed")
    return made("GOOGLE__ACCOUNT_FILE", lambda: google.read_account(path))


def _database(settings: Settings) -> Database:
    chosen = settings.database
    url = chosen.url.get_secret_value()
    return made("DATABASE__URL", lambda: Database(url, connections=chosen.connections))
