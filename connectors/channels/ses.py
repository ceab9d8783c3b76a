"""Sends mail through Amazon SES, and reads the events that it publishes by SNS.

Promise: none. SendEmail takes no idempotency token, and a message is found afterwards only by the
id that the lost answer would have had. Events need a configuration set that publishes to SNS.
Source: docs.aws.amazon.com/ses/latest: APIReference-V2/API_SendEmail and CommonErrors,
dg/event-publishing-retrieving-sns-contents; that Apple's proxy calls itself `Mozilla/5.0` and
nothing else: mailgun.com/blog/product/bot-detection.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec

from connectors.channels import mails, posts, replies, sigv4
from connectors.channels.mails import Mail
from connectors.channels.replies import Codes
from connectors.channels.sns import Notifications
from connectors.errors import BadSetting
from connectors.http import Attempt, Client
from schemas.errors import BadRecord, Unsendable
from schemas.messages import CallbackRequest, Message, Promise, Reply, Report
from schemas.outcomes import Kind, Result

PATH = "/v2/email/outbound-emails"
REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d+")
TAG = re.compile(r"[A-Za-z0-9_.@-]{1,256}")
APPLE = "Mozilla/5.0"
OUT = frozenset({"optout", "opt-out"})

CODES = Codes(
    passing=frozenset(
        {
            "TooManyRequestsException",
            "LimitExceededException",
            "ThrottlingException",
            "Throttling",
            "SendingPausedException",
            "AccountSuspendedException",
            "MailFromDomainNotVerifiedException",
            "NotFoundException",
            "RequestExpired",
        }
    ),
    refused=frozenset({"MessageRejected", "BadRequestException", "ValidationException"}),
)
"""Most of what is about the account has the status 400, like what is about the message."""

RESULTS: dict[str, Result] = {
    "Delivery": "delivered",
    "Bounce": "bounced",
    "Complaint": "complained",
    "Open": "opened",
    "Click": "clicked",
    "Reject": "failed",
    "Rendering Failure": "failed",
    "Subscription": "unsubscribed",
}
"""By event. `Send` and `DeliveryDelay` tell of what goes on, not of what came of it."""
PARTS = {"Rendering Failure": "failure"}
"""Where an event's own part is not its name in lower case."""


class SesProvider:
    """Sends mail by the API v2, a `Provider` by shape."""

    name = "ses"
    channels = ("email",)
    promise: Promise = "none"

    def __init__(
        self,
        client: Client,
        credentials: sigv4.Credentials,
        *,
        sender: str,
        now_ms: Callable[[], int],
        configuration_set: str | None = None,
        base_url: str | None = None,
    ) -> None:
        """Checks the credentials; asks nothing yet.

        Args:
            client: closed with the provider.
            credentials: of somebody who may `ses:SendEmail`; their service is `ses`.
            sender: whom mails are from that say nothing else.
            now_ms: the wall clock; AWS refuses what is signed more than five minutes off.
            configuration_set: whose events are published; None: the identity's own.
            base_url: of the API; None: the region's.

        Raises:
            BadSetting: the region or the credentials can not be one.
        """
        if REGION.fullmatch(credentials.region) is None:
            raise BadSetting("the region must be one such as eu-west-1")
        replies.key(credentials.key_id, "the key's id")
        replies.key(credentials.secret, "the secret key")
        self._client = client
        self._credentials = credentials
        self._sender = sender
        self._now_ms = now_ms
        self._configuration_set = configuration_set
        base = base_url or f"https://email.{credentials.region}.amazonaws.com"
        self._url = base.rstrip("/") + PATH

    async def send(self, message: Message) -> Reply:
        """Returns what came of one request."""
        try:
            mail = mails.mail(message, self._sender)
        except Unsendable as error:
            return replies.refused(error.reason)
        content = body(message, mail, self._configuration_set)
        attempt = await self._client.ask("POST", self._url, content, headers=self._headers(content))
        return replies.judge(
            attempt,
            CODES,
            self._now_ms(),
            code=None if attempt.sent else _code(attempt),
            provider_id=replies.text(replies.fields(attempt.body), "MessageId", limit=200),
        )

    async def look_up(self, message: Message) -> Reply | None:
        """Returns None: without the id of the answer that was lost, it can not be asked for."""
        return None

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()

    def _headers(self, content: bytes) -> dict[str, str]:
        headers = {
            "Host": urlsplit(self._url).netloc,
            "X-Amz-Date": sigv4.stamp(self._now_ms()),
            "Content-Type": "application/json",
        }
        if self._credentials.token is not None:
            headers["X-Amz-Security-Token"] = self._credentials.token
        signed = sigv4.authorization(
            self._credentials, "POST", PATH, headers=headers, content=content
        )
        return {**headers, "Authorization": signed}


def body(message: Message, mail: Mail, configuration_set: str | None) -> bytes:
    """Returns the request that sends a mail; a repeat has the same bytes."""
    parts = [("Text", mail.text), ("Html", mail.html)]
    simple: dict[str, Any] = {
        "Subject": _utf8(mail.subject),
        "Body": {name: _utf8(part) for name, part in parts if part is not None},
    }
    if mail.headers:
        simple["Headers"] = [{"Name": name, "Value": value} for name, value in mail.headers.items()]
    content: dict[str, Any] = {
        "FromEmailAddress": mail.sender.header,
        "Destination": {"ToAddresses": [mail.to.header]},
        "Content": {"Simple": simple},
    }
    if mail.reply_to is not None:
        content["ReplyToAddresses"] = [mail.reply_to.header]
    if configuration_set is not None:
        content["ConfigurationSetName"] = configuration_set
    if TAG.fullmatch(message.id):
        content["EmailTags"] = [{"Name": "command_id", "Value": message.id}]
    return msgspec.json.encode(content)


def _utf8(text: str) -> dict[str, str]:
    return {"Data": text, "Charset": "UTF-8"}


def _code(attempt: Attempt) -> str | None:
    """Returns the error's name: of a header, else of the answer, without what surrounds it."""
    answer = replies.fields(attempt.body)
    found = attempt.headers.get("x-amzn-errortype") or answer.get("__type") or answer.get("code")
    named = replies.text(found, limit=300)
    return None if named is None else named.partition(":")[0].rpartition("#")[2]


class SesCallbacks:
    """Reads events that come by SNS, `Callbacks` by shape.

    `prepare` is to be awaited before `read`: it fetches what the signature is checked by.
    """

    name = "ses"

    def __init__(self, client: Client, topics: Sequence[str]) -> None:
        """Fetches nothing yet.

        Args:
            client: to fetch certificates with.
            topics: ARNs of the SNS topics that SES publishes to.

        Raises:
            BadSetting: there is no topic.
        """
        if not topics:
            raise BadSetting("the events of SES need the ARN of their topic")
        self._notifications = Notifications(client, topics)

    async def prepare(self, request: CallbackRequest) -> None:
        """Fetches the certificate, and confirms the subscription of a topic of ours."""
        await self._notifications.prepare(request)

    def read(self, request: CallbackRequest) -> Sequence[Report]:
        """Returns what it tells."""
        post = self._notifications.read(request)
        if post is None:
            return []
        event = replies.fields(str(post.get("Message")).encode("utf-8", "replace"))
        if not event:
            raise BadRecord("callback-invalid", "a notification of SES is no object")
        return _reports(event, str(post["MessageId"]))


def _reports(event: dict[str, Any], known: str) -> list[Report]:
    name = str(event.get("eventType") or event.get("notificationType"))
    result = RESULTS.get(name)
    part = event.get(PARTS.get(name, name.lower()))
    at = posts.at_ms(replies.part(part, "timestamp"))
    at = at or posts.at_ms(replies.part(event, "mail", "timestamp"))
    if result is None or at is None or not isinstance(part, dict):
        return []
    report = Report(
        id=known,
        provider="ses",
        result=result,
        at=at,
        command_id=replies.text(event, "mail", "tags", "command_id", 0, limit=200),
        provider_id=replies.text(event, "mail", "messageId", limit=200),
        kind=_kind(part) if result == "bounced" else None,
        detail=_detail(part),
        url=replies.text(part, "link", limit=2_048) if result == "clicked" else None,
        machine=result == "opened" and part.get("userAgent") == APPLE,
    )
    return _unsubscribed(report, part) if result == "unsubscribed" else [report]


def _kind(bounce: dict[str, Any]) -> Kind:
    """`Transient` and `Undetermined` may pass."""
    return "hard" if bounce.get("bounceType") == "Permanent" else "soft"


def _detail(part: dict[str, Any]) -> str:
    names = ("bounceSubType", "complaintFeedbackType", "reason")
    return next((found for name in names if (found := posts.word(part.get(name)))), "")


def _unsubscribed(report: Report, part: dict[str, Any]) -> list[Report]:
    """Returns what somebody has left: everything, or each topic that they had not left before."""
    now = part.get("newTopicPreferences")
    if replies.part(now, "unsubscribeAll") is True:
        return [report]
    before = _left(part.get("oldTopicPreferences"))
    return [
        msgspec.structs.replace(report, id=posts.derived(report.id, topic), topic=topic)
        for topic in _left(now)
        if topic not in before
    ]


def _left(preferences: object) -> list[str]:
    several = replies.part(preferences, "topicSubscriptionStatus")
    return [
        str(one.get("topicName"))
        for one in (several if isinstance(several, list) else [])
        if isinstance(one, dict) and posts.word(one.get("subscriptionStatus")) in OUT
    ]
