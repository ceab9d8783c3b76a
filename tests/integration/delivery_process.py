"""A sender with a ledger as a process of its own, for tests that stop or kill it.

Usage: python -m tests.integration.delivery_process URL PROMISE CHANNEL, settings from the
environment. Prints `ready` once it has its partitions.
"""

import asyncio
import sys
import threading
import time
from typing import cast

from connectors import http
from processors import app, logs, sending
from processors.ports import Provider
from processors.settings import Settings
from schemas.messages import Promise
from tests.postboxes import Postbox

BOUNDS = http.Options(
    allow_http=True, allow_private=True, ports=frozenset(), attempt_timeout_ms=1_000
)


def main(url: str, promise: str, channel: str) -> int:
    settings = Settings.from_env()
    logs.configure(settings.log.level, "plain")

    def make(_: Settings) -> Provider:
        client = http.Client(BOUNDS)
        return Postbox(client, url, promise=cast("Promise", promise))

    role = sending.delivering(settings, channel, {"postbox": make})

    def tell() -> None:
        while role.status().state != "running":
            time.sleep(0.02)
        sys.stdout.write("ready\n")
        sys.stdout.flush()

    threading.Thread(target=tell, daemon=True).start()
    return asyncio.run(app.serve(role))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
