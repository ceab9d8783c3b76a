"""The sender of webhooks as a process of its own, for tests that stop or kill it.

Usage: python -m tests.integration.sender_process, settings from the environment.
Prints `ready` once it has its partitions.
"""

import asyncio
import sys

from processors import app, logs, sending
from processors.settings import Settings


def main() -> int:
    logs.configure("warning", "plain")
    role = sending.delivering(Settings.from_env(), "webhook")
    told = role.ready

    def ready(is_ready: bool) -> None:
        told(is_ready)
        if is_ready:
            sys.stdout.write("ready\n")
            sys.stdout.flush()

    role.ready = ready
    return asyncio.run(app.serve(role))


if __name__ == "__main__":
    sys.exit(main())
