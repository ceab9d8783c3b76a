"""Who opened or clicked: a person, or a program that looks at mail before them.

Mail services fetch pictures for all their people, and scanners follow each link before a message is
shown. What they do is told, and marked, so that it can be left out of what people did.
"""

import re
from collections.abc import Mapping

SOON_MS = 1_000
"""Nobody reads a message this soon after it was sent."""
BURST_MS = 2_000
"""Nobody follows two links of one message within this."""

_PROGRAMS = re.compile(
    r"GoogleImageProxy|YahooMailProxy|^Mozilla/5\.0$"  # the last one is Apple's privacy proxy
    r"|bot\b|bot/|crawler|spider|scanner|preview|prefetch|headless|phantomjs"
    r"|barracuda|proofpoint|mimecast|safelinks|symantec|trendmicro|fireeye|forcepoint|cloudmark"
    r"|facebookexternalhit|skypeuripreview|whatsapp/|bitdefender|urlscan|virustotal"
    r"|^(?:curl|wget|python|java|go-http-client|okhttp|axios|node-fetch|libwww|ruby)\b",
    re.IGNORECASE,
)
_PREFETCH = ("purpose", "sec-purpose", "x-purpose", "x-moz")
TELLING = ("user-agent", *_PREFETCH)
"""The headers that are looked at."""


def is_machine(method: str, headers: Mapping[str, str]) -> bool:
    """Returns whether a request tells by itself that no person made it.

    Args:
        method: HTTP's; a HEAD shows nobody anything.
        headers: by lower-case name.

    >>> is_machine("GET", {"user-agent": "Mozilla/5.0"})
    True
    """
    agent = headers.get("user-agent", "")
    return (
        method == "HEAD"
        or not agent
        or _PROGRAMS.search(agent) is not None
        or any("pre" in headers.get(name, "").lower() for name in _PREFETCH)
    )


def is_too_soon(at_ms: int, sent_ms: int | None) -> bool:
    """Returns whether something happened before a person could have done it.

    Args:
        at_ms: when, ms since the epoch.
        sent_ms: when the message was sent; None: not known.
    """
    return sent_ms is not None and at_ms < sent_ms + SOON_MS
