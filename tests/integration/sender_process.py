"""A sender service as a process of its own, for tests that stop or kill it.

Usage: python -m tests.integration.sender_process BOOTSTRAP PREFIX SECRET [GRACE_MS]
Prints `ready` once it has its partitions.
"""

import logging
import sys

from connectors import http
from connectors.channels.webhook import WebhookSender
from processors import logs
from processors.agents import apps, senders
from processors.clock import WallClock
from processors.metrics import Metrics


def main(bootstrap: str, prefix: str, secret: str, grace_ms: str = "5000") -> int:
    logs.configure("info", "json")
    logging.getLogger("processors").setLevel(logging.INFO)
    clock = WallClock()
    bounds = http.Options(
        allow_http=True, allow_private=True, ports=frozenset(), backoff_ms=10, attempts=3
    )
    sender = WebhookSender(http.Client(bounds, clock.now_ms), [secret], now_ms=clock.now_ms)
    options = senders.Options(
        prefix=prefix, channels=("webhook",), grace_ms=int(grace_ms), retry_ms=50
    )
    kafka = apps.Options(
        bootstrap=bootstrap, group=f"{prefix}sender-webhook", session_timeout_ms=3_000
    )
    app = apps.build(kafka)
    senders.build(app, sender, options=options, metrics=Metrics(), clock=clock)
    running = apps.Running(topics=senders.topics(options), patience_ms=20_000)
    return apps.run(app, running, ready=tell)


def tell(is_ready: bool) -> None:
    if is_ready:
        sys.stdout.write("ready\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
