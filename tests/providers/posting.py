"""Posts of the services that send mail, signed as they sign: whatever is in them."""

import asyncio
import base64
import hashlib
import hmac
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from connectors.channels.brevo import BrevoCallbacks
from connectors.channels.mailgun import MailgunCallbacks
from connectors.channels.sendgrid import SIGNATURE, TIMESTAMP, SendGridCallbacks
from connectors.channels.ses import SesCallbacks
from connectors.http import Attempt
from processors.ports import Callbacks
from schemas.messages import CallbackRequest
from tests.certificates import Authority
from tests.providers import notifications

SECRET = "a-secret-of-ours"
NOW_MS = 1_714_566_896_789
NUMBERS = itertools.count(1)
ELLIPTIC = ec.generate_private_key(ec.SECP256R1())


@dataclass
class Case:
    """Callbacks, and how their service posts."""

    make: Callable[[], Callbacks]
    post: Callable[[Any], CallbackRequest]
    """A post that tells this, well signed."""
    tells: Any
    """Of a delivery to the command c-1."""


def request(body: bytes, headers: Mapping[str, str] | None = None) -> CallbackRequest:
    return CallbackRequest(method="POST", url="", headers=headers or {}, body=body, at=NOW_MS)


def sendgrid(content: Any) -> CallbackRequest:
    body, stamp = json.dumps(content).encode(), str(NOW_MS // 1000)
    signature = ELLIPTIC.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    shown = base64.b64encode(signature).decode()
    return request(body, {TIMESTAMP: stamp, SIGNATURE: shown})


def brevo(content: Any) -> CallbackRequest:
    return request(json.dumps(content).encode(), {"authorization": f"Bearer {SECRET}"})


def mailgun(content: Any) -> CallbackRequest:
    stamp, token = str(NOW_MS // 1000), f"{next(NUMBERS):050}"
    digest = hmac.new(SECRET.encode(), (stamp + token).encode(), hashlib.sha256).hexdigest()
    signature = {"timestamp": stamp, "token": token, "signature": digest}
    return request(json.dumps({"signature": signature, "event-data": content}).encode())


def ses(content: Any) -> CallbackRequest:
    return notifications.signed(notifications.message(Message=json.dumps(content)))


def sendgrid_callbacks() -> Callbacks:
    raw = ELLIPTIC.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return SendGridCallbacks(base64.b64encode(raw).decode())


def ses_callbacks() -> Callbacks:
    pem = Authority(Path(mkdtemp())).for_signing(notifications.PRIVATE)
    web = notifications.Web({notifications.CERTIFICATE: Attempt("http-200", 200, pem)})
    found = SesCallbacks(web, [notifications.TOPIC])
    asyncio.run(found.prepare(ses({})))
    return found


CASES: Mapping[str, Case] = {
    "sendgrid": Case(
        sendgrid_callbacks,
        sendgrid,
        [
            {
                "event": "delivered",
                "timestamp": NOW_MS // 1000,
                "sg_event_id": "e-1",
                "sg_message_id": "m-1.filter0001",
                "command_id": "c-1",
            }
        ],
    ),
    "brevo": Case(
        lambda: BrevoCallbacks(SECRET),
        brevo,
        {
            "event": "delivered",
            "ts_epoch": NOW_MS,
            "message-id": "<m-1>",
            "X-Mailin-custom": "command_id=c-1",
        },
    ),
    "mailgun": Case(
        lambda: MailgunCallbacks(SECRET),
        mailgun,
        {
            "event": "delivered",
            "timestamp": NOW_MS / 1000,
            "user-variables": {"command_id": "c-1"},
            "message": {"headers": {"message-id": "m-1"}},
        },
    ),
    "ses": Case(
        ses_callbacks,
        ses,
        {
            "eventType": "Delivery",
            "mail": {"messageId": "m-1", "tags": {"command_id": ["c-1"]}},
            "delivery": {"timestamp": "2024-05-01T12:34:56.789Z"},
        },
    ),
}
