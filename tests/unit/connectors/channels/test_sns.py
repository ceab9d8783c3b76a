"""Messages of SNS are believed by their signature, and nothing is fetched but from SNS."""

import asyncio
from typing import Any

import pytest

from connectors.channels import sns
from connectors.http import Attempt
from schemas.errors import BadRecord, Forged
from schemas.messages import CallbackRequest
from tests.certificates import Authority
from tests.providers.notifications import (
    CERTIFICATE,
    CONFIRM,
    HOST,
    PRIVATE,
    TOPIC,
    Web,
    message,
    post,
    signed,
)


@pytest.fixture
def web(authority: Authority) -> Web:
    return Web({CERTIFICATE: Attempt("http-200", 200, authority.for_signing(PRIVATE))})


def read(web: Web, request: CallbackRequest) -> dict[str, Any] | None:
    notifications = sns.Notifications(web, [TOPIC])
    asyncio.run(notifications.prepare(request))
    return notifications.read(request)


def test_what_is_signed_is_names_and_values_in_their_order() -> None:
    found = {"Type": "Notification", "Message": "M", "MessageId": "I", "TopicArn": "T"}

    assert sns.signed({**found, "Timestamp": "S"}) == (
        b"Message\nM\nMessageId\nI\nTimestamp\nS\nTopicArn\nT\nType\nNotification\n"
    )
    assert b"Subject\nU\n" in sns.signed({**found, "Timestamp": "S", "Subject": "U"})


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("subject", ["About", None])
def test_signed_message_is_believed(web: Web, version: str, subject: str | None) -> None:
    found = read(web, signed(message(SignatureVersion=version, Subject=subject)))

    assert found is not None
    assert found["Message"] == '{"eventType":"Send"}\n'


def test_certificate_is_fetched_once(web: Web) -> None:
    async def several() -> None:
        notifications = sns.Notifications(web, [TOPIC])
        request = signed(message())
        await asyncio.gather(*(notifications.prepare(request) for _ in range(5)))
        notifications.read(request)

    asyncio.run(several())
    assert web.asked == [CERTIFICATE]


def test_message_whose_certificate_was_not_fetched_is_not_believed(web: Web) -> None:
    with pytest.raises(Forged):
        sns.Notifications(web, [TOPIC]).read(signed(message()))


def test_subscription_of_our_topic_is_confirmed(web: Web) -> None:
    assert read(web, signed(message("SubscriptionConfirmation"))) is None
    assert web.asked == [CERTIFICATE, CONFIRM]


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription",
        "https://sns.eu-west-1.amazonaws.com.evil.example/",
        "https://evil.example/?sns.eu-west-1.amazonaws.com",
        "https://eve@sns.eu-west-1.amazonaws.com/",
        "https://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
    ],
)
def test_subscription_is_confirmed_nowhere_else(web: Web, url: str) -> None:
    read(web, signed(message("SubscriptionConfirmation", SubscribeURL=url)))

    assert web.asked == [CERTIFICATE]


def test_end_of_a_subscription_is_not_undone(web: Web) -> None:
    assert read(web, signed(message("UnsubscribeConfirmation"))) is None
    assert web.asked == [CERTIFICATE]


def test_forged_confirmation_is_not_followed(web: Web) -> None:
    request = signed(message("SubscriptionConfirmation"), Token="another")

    with pytest.raises(Forged):
        read(web, request)
    assert web.asked == [CERTIFICATE]


@pytest.mark.parametrize(
    "after",
    [
        {"Message": "{}"},
        {"Subject": "Another"},
        {"MessageId": "another"},
        {"Signature": ""},
        {"Signature": "not base64!"},
        {"Signature": None},
        {"SignatureVersion": "3"},
        {"SignatureVersion": "1"},
        {"Timestamp": "soon"},
        {"Type": "SubscriptionConfirmation"},
    ],
)
def test_changed_message_is_refused(web: Web, after: dict[str, Any]) -> None:
    with pytest.raises(Forged):
        read(web, signed(message(), **after))


@pytest.mark.parametrize(
    "changes",
    [
        {"TopicArn": "arn:aws:sns:eu-west-1:999999999999:theirs"},
        {"SigningCertURL": "https://evil.example/SimpleNotificationService-12345678.pem"},
        {"SigningCertURL": CERTIFICATE.replace("https", "http")},
        {"SigningCertURL": CERTIFICATE.replace(".com/", ".com:8443/")},
        {"SigningCertURL": CERTIFICATE.replace(".com/", ".com:x/")},
        {"SigningCertURL": CERTIFICATE.replace("sns.", "s3.")},
        {"SigningCertURL": f"{HOST}/../SimpleNotificationService-12345678.pem"},
        {"SigningCertURL": f"{HOST}/bucket/theirs.pem"},
    ],
)
def test_strange_topic_or_certificate_is_not_even_fetched(
    web: Web, changes: dict[str, Any]
) -> None:
    with pytest.raises(Forged):
        read(web, signed(message(**changes)))
    assert web.asked == []


@pytest.mark.parametrize("stamp", ["2024-05-01T12:34:56.000Z", "2999-05-01T12:34:56.000Z"])
def test_old_message_is_refused(web: Web, stamp: str) -> None:
    with pytest.raises(Forged, match="too old"):
        read(web, signed(message(Timestamp=stamp)))


def test_certificate_that_has_ended_is_refused(web: Web, authority: Authority) -> None:
    web.pages[CERTIFICATE] = Attempt("http-200", 200, authority.for_signing(PRIVATE, days=-1))

    with pytest.raises(Forged, match="not valid now"):
        read(web, signed(message()))


@pytest.mark.parametrize("attempt", [Attempt("time-out"), Attempt("http-200", 200, b"no PEM")])
def test_certificate_that_can_not_be_had_is_refused(web: Web, attempt: Attempt) -> None:
    web.pages[CERTIFICATE] = attempt

    with pytest.raises(Forged):
        read(web, signed(message()))


def test_certificate_of_another_kind_is_refused(web: Web, authority: Authority) -> None:
    web.pages[CERTIFICATE] = Attempt("http-200", 200, authority.itself())

    with pytest.raises(Forged, match="not one of SNS"):
        read(web, signed(message()))


def test_few_certificates_are_kept(web: Web) -> None:
    page = web.pages[CERTIFICATE]
    urls = [f"{HOST}/SimpleNotificationService-{number:08}.pem" for number in range(20)]
    web.pages.update(dict.fromkeys(urls, page))

    async def several() -> sns.Notifications:
        notifications = sns.Notifications(web, [TOPIC])
        for url in urls:
            await notifications.prepare(signed(message(SigningCertURL=url)))
        return notifications

    notifications = asyncio.run(several())
    notifications.read(signed(message(SigningCertURL=urls[-1])))
    with pytest.raises(Forged):
        notifications.read(signed(message(SigningCertURL=urls[0])))


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"5"])
def test_body_that_can_not_be_read_is_told(web: Web, body: bytes) -> None:
    with pytest.raises(BadRecord):
        read(web, post(body))
