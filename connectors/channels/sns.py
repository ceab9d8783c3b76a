"""Believes messages of Amazon SNS: their signature, and the certificate that it is checked by.

Between a post of SNS and what it carries. The certificate's address is part of the post, so it is
fetched only from SNS's own hosts, over HTTPS, and only for topics that we know.
Source: docs.aws.amazon.com/sns/latest/dg: sns-verify-signature-of-message and
sns-message-and-json-formats.
"""

import asyncio
import binascii
import re
from base64 import b64decode
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm

from connectors.channels import posts
from connectors.http import Client
from schemas.errors import BadRecord, Forged
from schemas.messages import CallbackRequest

HOST = re.compile(r"sns\.[a-z]{2}(-[a-z]+)+-\d+\.amazonaws\.com(\.cn)?")
CERTIFICATE = re.compile(r"/SimpleNotificationService-[0-9a-zA-Z]{8,64}\.pem")
MAX_URL_CHARS = 2_048
MAX_CERTIFICATES = 16
WINDOW_MS = 75 * 60_000
"""SNS repeats what was not answered for an hour."""
SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message",
        "MessageId",
        "SubscribeURL",
        "Timestamp",
        "Token",
        "TopicArn",
        "Type",
    ),
}
SIGNED["UnsubscribeConfirmation"] = SIGNED["SubscriptionConfirmation"]
HASHES: dict[str, Callable[[], HashAlgorithm]] = {"1": SHA1, "2": SHA256}
"""By SignatureVersion. SHA-1 is what topics sign with that were not told otherwise."""


class Notifications:
    """Reads what SNS posts for some topics.

    Guarantees:
        Nothing is fetched for a topic that is not ours, and nothing but from SNS.
    """

    def __init__(self, client: Client, topics: Sequence[str]) -> None:
        """Fetches nothing yet.

        Args:
            client: to fetch certificates with.
            topics: ARNs of those whose messages are believed.
        """
        self._client = client
        self._topics = frozenset(topics)
        self._certificates: OrderedDict[str, x509.Certificate] = OrderedDict()
        self._fetching = asyncio.Lock()

    async def prepare(self, request: CallbackRequest) -> None:
        """Fetches the certificate that `read` needs, and confirms a subscription of our topics.

        Never raises for what the other side does: `read` says what is wrong.
        """
        try:
            post = self._post(request)
            await self._fetch(str(post["SigningCertURL"]))
            self._check(post, request.at)
        except (Forged, BadRecord):
            return
        url = str(post.get("SubscribeURL"))
        if post["Type"] == "SubscriptionConfirmation" and is_sns(url):
            await self._client.ask("GET", url, headers={})

    def read(self, request: CallbackRequest) -> dict[str, Any] | None:
        """Returns a notification with all of SNS's fields; None where a post is none.

        Raises:
            schemas.errors.Forged: it is not signed by SNS for a topic of ours, or too old.
            schemas.errors.BadRecord: it is not of SNS's shape.
        """
        post = self._post(request)
        self._check(post, request.at)
        return post if post["Type"] == "Notification" else None

    def _post(self, request: CallbackRequest) -> dict[str, Any]:
        post = posts.decoded(request.body)
        if not isinstance(post, dict):
            raise BadRecord("callback-invalid", "a callback is no object")
        if post.get("Type") not in SIGNED or post.get("TopicArn") not in self._topics:
            raise Forged("the topic is not one of ours")
        if not is_certificate(str(post.get("SigningCertURL"))):
            raise Forged("the certificate is not one of SNS")
        return post

    async def _fetch(self, url: str) -> None:
        async with self._fetching:
            if url in self._certificates:
                return
            attempt = await self._client.ask("GET", url, headers={})
            if not attempt.sent:
                return
            try:
                self._certificates[url] = x509.load_pem_x509_certificate(attempt.body)
            except ValueError:
                return
            if len(self._certificates) > MAX_CERTIFICATES:
                self._certificates.popitem(last=False)

    def _check(self, post: dict[str, Any], now_ms: int) -> None:
        at = posts.at_ms(post.get("Timestamp"))
        certificate = self._certificates.get(str(post["SigningCertURL"]))
        algorithm = HASHES.get(str(post.get("SignatureVersion")))
        if at is None or certificate is None or algorithm is None:
            raise Forged("the signature can not be checked")
        if not _is_valid(certificate, now_ms):
            raise Forged("the certificate is not valid now")
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey):
            raise Forged("the certificate is not one of SNS")
        try:
            signature = b64decode(str(post.get("Signature")), validate=True)
            key.verify(signature, signed(post), PKCS1v15(), algorithm())
        except (binascii.Error, ValueError, InvalidSignature) as error:
            raise Forged("the signature is wrong") from error
        posts.check_age(at, now_ms, window_ms=WINDOW_MS)


def signed(post: dict[str, Any]) -> bytes:
    """Returns what SNS signs of a message: names and values, each on a line of its own."""
    names = [name for name in SIGNED[post["Type"]] if name != "Subject" or post.get("Subject")]
    return "".join(f"{name}\n{post.get(name, '')}\n" for name in names).encode(
        "utf-8", "surrogatepass"
    )


def is_sns(url: str) -> bool:
    """Returns whether an address is one of SNS's own, over HTTPS.

    >>> is_sns("https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription")
    True
    >>> is_sns("https://sns.eu-west-1.amazonaws.com.evil.example/")
    False
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return (
        len(url) <= MAX_URL_CHARS
        and parts.scheme == "https"
        and port in (None, 443)
        and "@" not in parts.netloc
        and HOST.fullmatch(parts.hostname or "") is not None
    )


def is_certificate(url: str) -> bool:
    """Returns whether an address is one where SNS has its certificates."""
    return is_sns(url) and CERTIFICATE.fullmatch(urlsplit(url).path) is not None


def _is_valid(certificate: x509.Certificate, now_ms: int) -> bool:
    begins_s = certificate.not_valid_before_utc.timestamp()
    ends_s = certificate.not_valid_after_utc.timestamp()
    return begins_s <= now_ms / 1000 <= ends_s
