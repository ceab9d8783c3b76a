"""What Amazon SNS posts, and a network that stands for its hosts, which can not be had here."""

import base64
import json
import time
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from connectors.channels import sns
from connectors.http import Attempt, Client
from schemas.messages import CallbackRequest

TOPIC = "arn:aws:sns:eu-west-1:123456789012:mail"
HOST = "https://sns.eu-west-1.amazonaws.com"
CERTIFICATE = f"{HOST}/SimpleNotificationService-9c6465fa7f48f5cacd23014631ec1136.pem"
CONFIRM = f"{HOST}/?Action=ConfirmSubscription&Token=abc"
PRIVATE = rsa.generate_private_key(65_537, 2_048)


class Web(Client):
    """Stands for the network: SNS's hosts can not be had here."""

    def __init__(self, pages: dict[str, Attempt]) -> None:
        self.pages = pages
        self.asked: list[str] = []

    async def ask(self, method: str, url: str, content: bytes = b"", *, headers: Any) -> Attempt:
        self.asked.append(url)
        return self.pages.get(url, Attempt("http-404", 404))


def now_ms() -> int:
    return int(time.time() * 1000)  # certificates of the tests are valid now


def message(kind: str = "Notification", **changes: Any) -> dict[str, Any]:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    found = {
        "Type": kind,
        "MessageId": "da41e39f-ea4d-435a-b922-c6aae3915ebe",
        "TopicArn": TOPIC,
        "Subject": "Amazon SES Email Event Notification",
        "Message": '{"eventType":"Send"}\n',
        "Timestamp": stamp,
        "SignatureVersion": "2",
        "SigningCertURL": CERTIFICATE,
        **changes,
    }
    if kind != "Notification":
        del found["Subject"]
        found = {"Token": "abc", "SubscribeURL": CONFIRM, **found}
    return {name: value for name, value in found.items() if value is not None}


def signed(found: dict[str, Any], **after: Any) -> CallbackRequest:
    """Returns a post as SNS signs it; `after` changes it once it is signed."""
    algorithm = hashes.SHA1() if found["SignatureVersion"] == "1" else hashes.SHA256()
    signature = PRIVATE.sign(sns.signed(found), padding.PKCS1v15(), algorithm)
    content = {**found, "Signature": base64.b64encode(signature).decode(), **after}
    return post(json.dumps(content).encode())


def post(body: bytes) -> CallbackRequest:
    return CallbackRequest(
        method="POST", url="https://example.com/callbacks/ses", body=body, at=now_ms()
    )
