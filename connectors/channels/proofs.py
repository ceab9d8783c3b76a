"""Proofs in the addresses that we give to services which sign nothing: who calls them knows us.

An address carries the id of its command and an HMAC of that: it is good for the reports of this
one message, and it holds no secret that a log could give away.
"""

import hashlib
import hmac
from urllib.parse import urlencode, urlsplit

from connectors.channels import posts
from schemas.messages import CallbackRequest

COMMAND = "command_id"
PROOF = "proof"


def address(base: str, command_id: str, secret: bytes | None = None) -> str:
    """Returns where a service is to report about one command.

    Args:
        base: the address of the service's callbacks.
        command_id: goes along as `command_id`.
        secret: proves the address; None: the service signs what it posts.
    """
    query = {COMMAND: command_id}
    if secret is not None:
        query[PROOF] = prove(command_id, secret)
    return f"{base}{'&' if urlsplit(base).query else '?'}{urlencode(query)}"


def prove(command_id: str, secret: bytes) -> str:
    """Returns the proof of an address."""
    return hmac.new(secret, f"callback:{command_id}".encode(), hashlib.sha256).hexdigest()


def proven(request: CallbackRequest, secret: bytes) -> str:
    """Returns the command that a report is about.

    Raises:
        Forged: the address is none that was given out.
    """
    command_id = request.query.get(COMMAND, "")
    given = request.query.get(PROOF, "")
    posts.check_same(given, prove(command_id, secret))
    return command_id
