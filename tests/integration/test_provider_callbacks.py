"""Callbacks of real providers, signed as they sign, posted to the real server."""

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from connectors.channels import proofs, twilio
from connectors.channels.infobip import InfobipCallbacks
from connectors.channels.meta import MetaCallbacks
from connectors.channels.sendgrid import SIGNATURE, TIMESTAMP, SendGridCallbacks
from connectors.channels.twilio import TwilioCallbacks
from connectors.stores import tables
from tests import sites
from tests.builders import T0
from tests.sites import Site

TOKEN = "0123456789abcdef0123456789abcdef"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def test_sendgrid_tells_of_many_messages_at_once(tmp_path: Path) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    public = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    told = [
        {"event": event, "timestamp": T0 // 1000, "sg_event_id": f"{event}-{id_}"}
        | {"command_id": id_, "sg_message_id": f"{id_}.recvd", "email": "ada@example.com"}
        for id_ in ("c-1", "c-2")
        for event in ("delivered", "spamreport")
    ]
    body, stamp = json.dumps(told).encode(), str(T0 // 1000)
    signature = private.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    headers = {
        SIGNATURE: base64.b64encode(signature).decode(),
        TIMESTAMP: stamp,
        "Content-Type": "application/json",
    }

    async def use(site: Site) -> tuple[list[int], list[Any], list[Any]]:
        for id_ in ("c-1", "c-2"):
            await site.sent(id_, provider="sendgrid", profile_id=f"of-{id_}")
        answers = [
            await site.client.post("/callbacks/sendgrid", content=each, headers=headers)
            for each in (body, body + b" ")
        ]
        statuses = [one.status_code for one in answers]
        return statuses, await site.events(), await site.rows(tables.SUPPRESSIONS)

    known = [SendGridCallbacks(base64.b64encode(public).decode())]
    statuses, events, stopped = sites.run(tmp_path, use, known=known)
    assert statuses == [200, 401]
    assert sorted(one["event"] for one in events) == [
        *["email.complained"] * 2,
        *["email.delivered"] * 2,
    ]
    assert [one["profile_id"] for one in stopped] == ["of-c-1", "of-c-2"]
    assert "ada@example.com" not in json.dumps(events)


@pytest.mark.parametrize("changed", ["", "&more=1"])
def test_twilio_signs_the_address_that_it_was_given(tmp_path: Path, changed: str) -> None:
    address = proofs.address("https://mail.shop.example/callbacks/twilio", "c-1")
    form = {"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+49170"}
    signature = twilio.sign(TOKEN.encode(), address, form)

    async def use(site: Site) -> tuple[int, list[str]]:
        await site.sent(provider="twilio", channel="sms")
        headers = {**FORM, "X-Twilio-Signature": signature, "Host": "inside:8090"}
        path = site.path(address) + changed
        answer = await site.client.post(path, content=urlencode(form), headers=headers)
        return answer.status_code, [one["event"] for one in await site.events()]

    found = sites.run(tmp_path, use, known=[TwilioCallbacks(TOKEN)])
    assert found == ((401, []) if changed else (200, ["sms.delivered"]))


@pytest.mark.parametrize(("asked", "status"), [("c-1", 200), ("c-2", 401)])
def test_proof_in_an_address_is_good_for_its_message_alone(
    tmp_path: Path, asked: str, status: int
) -> None:
    secret = TOKEN.encode()
    given = proofs.address("https://mail.shop.example/callbacks/infobip", "c-1", secret)

    async def use(site: Site) -> int:
        for id_ in ("c-1", "c-2"):
            await site.sent(id_, provider="infobip", channel="sms")
        path = site.path(given).replace("c-1", asked)
        return (await site.client.post(path, json={"results": []})).status_code

    assert sites.run(tmp_path, use, known=[InfobipCallbacks(secret)]) == status


def test_meta_tries_the_address_and_signs_what_it_posts(tmp_path: Path) -> None:
    status = {"id": "wamid.1", "status": "delivered", "timestamp": str(T0 // 1000)}
    value = {"messaging_product": "whatsapp", "statuses": [status]}
    entry = {"id": "1", "changes": [{"field": "messages", "value": value}]}
    body = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
    digest = hmac.digest(TOKEN.encode(), body, hashlib.sha256).hex()

    async def use(site: Site) -> tuple[list[httpx2.Response], list[str]]:
        await site.sent(provider="meta", channel="whatsapp", provider_id="wamid.1")
        hub = {"hub.mode": "subscribe", "hub.challenge": "42", "hub.verify_token": "word"}
        answers = [
            await site.client.get("/callbacks/meta", params=hub),
            await site.client.get("/callbacks/meta", params=hub | {"hub.verify_token": "x"}),
            *[
                await site.client.post(
                    "/callbacks/meta",
                    content=body,
                    headers={
                        "X-Hub-Signature-256": f"sha256={each}",
                        "Content-Type": "application/json",
                    },
                )
                for each in (digest, "0" * 64)
            ],
        ]
        return answers, [one["event"] for one in await site.events()]

    answers, events = sites.run(tmp_path, use, known=[MetaCallbacks(TOKEN, verify_token="word")])
    assert [one.status_code for one in answers] == [200, 401, 200, 401]
    assert answers[0].text == "42"
    assert events == ["whatsapp.delivered"]
