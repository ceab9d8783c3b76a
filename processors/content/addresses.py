"""Where a message goes: addresses of mails, numbers and devices out of a person's traits.

An address is one address: what could be read as two, or as a header, is refused.
"""

from collections.abc import Mapping, Sequence
from email.utils import quote
from typing import Any

import msgspec
import phonenumbers
from email_validator import EmailNotValidError, validate_email

from schemas.errors import Unsendable
from schemas.headers import has_controls
from schemas.mailboxes import is_plain

MAX_EMAIL_CHARS = 320
MAX_PHONE_CHARS = 32
MAX_TOKEN_CHARS = 4_096
MAX_TOKENS = 20
"""Devices of one person."""
MAX_NAME_CHARS = 200
PLATFORMS = ("fcm", "apns", "web")
_SPECIAL = frozenset('()<>[]:;@\\,."')


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where one message goes."""

    to: str
    platform: str | None = None
    """Of a device: fcm, apns or web."""


def find(
    channel: str, profile_id: str, traits: Mapping[str, Any], region: str | None
) -> list[Address]:
    """Returns where messages on a channel go for a person.

    Args:
        channel: as commands have it.
        profile_id: the address where the product shows messages itself.
        traits: `email`, `phone`, `whatsapp`, `slack_id`, `push_tokens`, `device_token`, `country`.
        region: of numbers without a country's prefix, where the person has no `country`.

    Raises:
        Unsendable: there is none, or it is none.
    """
    match channel:
        case "email":
            return [Address(to=email(_needed(traits, "email")))]
        case "sms":
            return [Address(to=phone(_needed(traits, "phone"), _region(traits, region)))]
        case "whatsapp":
            said = traits.get("whatsapp") or _needed(traits, "phone")
            return [Address(to=phone(said, _region(traits, region)))]
        case "push":
            return devices(traits)
        case "slack":
            said = traits.get("slack_id")
            return [Address(to=_word(said, "slack_id") if said is not None else "")]
    return [Address(to=profile_id)]


def email(value: Any) -> str:
    """Returns the address of a mail, with its domain in lower case; nobody is asked over the net.

    Raises:
        Unsendable: it is none, or more than one.

    Source: RFC 5321, 5322 and 6531: one addr-spec, no comment, no quoted part, no literal.
    """
    if not isinstance(value, str) or len(value) > MAX_EMAIL_CHARS or has_controls(value):
        raise Unsendable("address-invalid", "email")
    if is_plain(value):
        return value
    try:
        return validate_email(value.strip(" "), strict=True, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise Unsendable("address-invalid", "email") from error


def mailbox(value: str, field: str) -> str:
    """Returns an address with or without a name before it: `Shop <news@shop.example>`.

    Raises:
        Unsendable: it is none, or the name could be read as something else.
    """
    if has_controls(value):
        raise Unsendable("header-invalid", field)
    name, bracket, rest = value.strip().rpartition("<")
    if not bracket:
        return email(value.strip())
    name = name.strip().removeprefix('"').removesuffix('"').strip()
    address, closed, behind = rest.partition(">")
    if not closed or behind or len(name) > MAX_NAME_CHARS:
        raise Unsendable("address-invalid", field)
    if _SPECIAL & set(name):
        name = f'"{quote(name)}"'
    return f"{name} <{email(address)}>" if name else email(address)


def phone(value: Any, region: str | None) -> str:
    """Returns a number as E.164 has it: `+4915112345678`.

    Args:
        value: with a country's prefix, or as it is dialled in the region.
        region: two letters; None: only numbers with a prefix.

    Raises:
        Unsendable: it is none.
    """
    if not isinstance(value, str) or len(value) > MAX_PHONE_CHARS or has_controls(value):
        raise Unsendable("address-invalid", "phone")
    try:
        found = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException as error:
        raise Unsendable("address-invalid", "phone") from error
    if found.extension or not phonenumbers.is_possible_number(found):
        raise Unsendable("address-invalid", "phone")
    return str(phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164))


def devices(traits: Mapping[str, Any]) -> list[Address]:
    """Returns a person's devices, each once, the first twenty.

    Raises:
        Unsendable: there is none, or one is no device.
    """
    said = traits.get("push_tokens")
    if said is None or said == []:
        token = _word(_needed(traits, "device_token"), "device_token")
        return [Address(to=token, platform="fcm")]
    if not isinstance(said, Sequence) or isinstance(said, str):
        raise Unsendable("address-invalid", "push_tokens")
    found = dict.fromkeys(_device(each) for each in said)
    return list(found)[:MAX_TOKENS]


def _device(value: Any) -> Address:
    platform = value.get("platform") if isinstance(value, Mapping) else None
    if platform not in PLATFORMS:
        raise Unsendable("address-invalid", "push_tokens")
    if platform != "web":
        return Address(to=_word(value.get("token"), "push_tokens"), platform=platform)
    subscription = value.get("subscription")
    if not isinstance(subscription, Mapping) or not isinstance(subscription.get("endpoint"), str):
        raise Unsendable("address-invalid", "push_tokens")
    written = msgspec.json.encode(subscription, order="sorted").decode()
    return Address(to=_word(written, "push_tokens"), platform="web")


def _word(value: Any, name: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TOKEN_CHARS or has_controls(value):
        raise Unsendable("address-invalid", name)
    return value


def _needed(traits: Mapping[str, Any], name: str) -> Any:
    found = traits.get(name)
    if found is None or found == "":
        raise Unsendable("address-missing", name)
    return found


def _region(traits: Mapping[str, Any], region: str | None) -> str | None:
    said = traits.get("country")
    address = traits.get("address")
    if said is None and isinstance(address, Mapping):
        said = address.get("country")
    if isinstance(said, str) and said.upper() in phonenumbers.SUPPORTED_REGIONS:
        return said.upper()
    return region
