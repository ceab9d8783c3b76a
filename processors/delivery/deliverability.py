"""How mails arrive: counted by provider, by who keeps the recipient's mailbox, and what came of it.

Beside the desk, which knows where a mail goes, and the callbacks, which hear of it later. A
mailbox's keeper is one of a few names, so that no count is of a person.
"""

import re
from collections.abc import Mapping
from typing import Literal, get_args

from processors.metrics import Counter, Metrics
from schemas.intents import Entry
from schemas.outcomes import Kind, Result

Arrival = Literal["sent", "delivered", "hard-bounce", "soft-bounce", "blocked", "complaint"]
ARRIVALS: tuple[Arrival, ...] = get_args(Arrival)

OTHER = "other"
_NAMES: Mapping[str, tuple[str, ...]] = {
    "163.com": ("126.com", "yeah.net"),
    "comcast.net": (),
    "free.fr": (),
    "gmail.com": ("googlemail.com",),
    "gmx.net": ("web.de", "mail.com"),
    "icloud.com": ("me.com", "mac.com"),
    "libero.it": (),
    "mail.ru": ("bk.ru", "inbox.ru", "list.ru"),
    "naver.com": (),
    "orange.fr": ("wanadoo.fr",),
    "outlook.com": ("msn.com",),
    "proton.me": ("protonmail.com", "pm.me"),
    "qq.com": ("foxmail.com",),
    "t-online.de": (),
    "yahoo.com": ("aol.com", "ymail.com", "rocketmail.com"),
    "yandex.ru": ("ya.ru", "yandex.com"),
}
DOMAINS: Mapping[str, str] = {
    each: name for name, others in _NAMES.items() for each in (name, *others)
}
"""The large mail services, each by one domain of its own; the domains of firms are `other`, also
where one of these keeps their mail."""
_COUNTRIES = re.compile(r"(gmx|hotmail|live|outlook|yahoo)\.(?:com|net|(?:com?\.)?[a-z]{2})")
_FAMILIES = {"gmx": "gmx.net", "yahoo": "yahoo.com"}
"""Those that have a domain in many countries; the others are Microsoft's."""

_POLICY = re.compile(r"(?:smtp-\d{3}-)?[45]\.7\.\d{1,3}")
"""A status that is about the sender and not the mailbox. Source: RFC 3463, 3.8."""
_BLOCKED = frozenset({"blocked", "contentrejected", "espblock"})
"""What Brevo and SendGrid, SES and Mailgun say of it."""


def domain(channel: str, to: str) -> str | None:
    """Returns who keeps the mailbox of an address, as a label of metrics; None: it is no mail.

    >>> domain("email", "Ada <ada@GoogleMail.com>"), domain("email", "a@hotmail.co.uk")
    ('gmail.com', 'outlook.com')
    >>> domain("email", "ada@example.com"), domain("sms", "+4930123456")
    ('other', None)
    """
    if channel != "email":
        return None
    name = to.rpartition("@")[2].strip().rstrip(">.").lower()
    found = _COUNTRIES.fullmatch(name)
    if found is not None:
        return _FAMILIES.get(found[1], "outlook.com")
    return DOMAINS.get(name, OTHER)


def sent(entry: Entry, suppresses: str | None) -> Arrival | None:
    """Returns what is counted of a mail when its provider has answered; None: nothing yet.

    Args:
        entry: how it ended.
        suppresses: why the provider says that the recipient is to get nothing more.
    """
    if entry.state == "sent":
        return "sent"
    if entry.state != "failed":
        return None
    if suppresses == "hard-bounce":
        return "hard-bounce"
    return "blocked" if is_block(entry.detail) else None


def told(result: Result, kind: Kind | None, detail: str) -> Arrival | None:
    """Returns what is counted of a report; None: it is not about how a mail arrived."""
    if result in ("bounced", "failed") and is_block(detail):
        return "blocked"
    if result == "bounced":
        return "hard-bounce" if kind == "hard" else "soft-bounce"
    if result == "complained":
        return "complaint"
    return "delivered" if result == "delivered" else None


def is_block(detail: str) -> bool:
    """Returns whether a mailbox's keeper refused us, and not the address."""
    return detail.lower() in _BLOCKED or _POLICY.fullmatch(detail) is not None


def count(
    metrics: Metrics, provider: str | None, domain: str | None, arrival: Arrival | None
) -> None:
    """Counts one mail; of the other arrivals there is a 0 then, from which they can rise."""
    if provider is None or domain is None or arrival is None:
        return
    if not metrics.has(Counter.MAILS, provider, domain, arrival):
        for each in ARRIVALS:
            metrics.add(Counter.MAILS, 0, provider, domain, each)
    metrics.add(Counter.MAILS, 1, provider, domain, arrival)
