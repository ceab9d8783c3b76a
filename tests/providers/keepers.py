"""Audiences of advertisers, and what is kept in the senders' database."""

import contextlib
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from connectors import http
from connectors.channels.google_audience import SCOPE as ADS
from connectors.channels.google_audience import GoogleAudience
from connectors.channels.inbox import Inbox
from connectors.channels.meta_audience import MetaAudience
from connectors.channels.task import Tasks
from connectors.stores import tables
from connectors.stores.engines import Database
from processors.ports import Provider
from schemas.messages import Message
from tests.providers.cases import Case, Cases
from tests.providers.messengers import KEY, NOW, NUMBERS, case, message, of
from tests.providers.pushers import TokenService, tokens
from tests.providers.servers import Answer, Request, answer, serving


class Advertiser:
    """What Meta's and Google's audiences have in common: they know people by a hash."""

    KEYS: Mapping[str, str] = {
        hashlib.sha256(f"c-{number}@example.com".encode()).hexdigest(): f"c-{number}"
        for number in range(100)
    }


class MetaAudienceService(Advertiser):
    """POST and DELETE /v25.0/<audience>/users, a form with a payload in JSON."""

    def taken(self, request: Request) -> str:
        payload = json.loads(request.form["payload"])
        assert payload["schema"] == ["EMAIL"]
        return self.KEYS[payload["data"][0][0]]

    def wrong(self, request: Request) -> Answer | None:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return answer(401, {"error": {"code": 190}})
        return None if request.path == "/v25.0/2385/users" else self.refuse()

    def accept(self, request: Request, known: bool) -> Answer:
        return answer(200, {"audience_id": "2385", "num_received": 1, "num_invalid_entries": 0})

    def refuse(self) -> Answer:
        return answer(400, {"error": {"code": 100, "error_subcode": 1713230}})


class GoogleAudienceService(Advertiser):
    """POST /v1/audienceMembers:ingest and :remove with a token."""

    def taken(self, request: Request) -> str:
        [member] = request.json["audienceMembers"]
        [identifier] = member["compositeData"]["userData"]["userIdentifiers"]
        return self.KEYS[identifier["emailAddress"]]

    def wrong(self, request: Request) -> Answer | None:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return answer(401, {"error": {"status": "UNAUTHENTICATED"}})
        [destination] = request.json["destinations"]
        is_right = destination["operatingAccount"]["accountId"] == "123"
        return None if is_right and request.json["encoding"] == "HEX" else self.refuse()

    def accept(self, request: Request, known: bool) -> Answer:
        return answer(200, {"requestId": f"r-{next(NUMBERS)}"})

    def refuse(self) -> Answer:
        return answer(400, {"error": {"code": 400, "status": "INVALID_ARGUMENT"}})


def meta_audience(one: http.Client, url: str) -> MetaAudience:
    return MetaAudience(one, KEY, now_ms=NOW, url=url)


@contextlib.contextmanager
def google_audience_case() -> Iterator[Case]:
    with (
        serving(TokenService(ADS)) as bank,
        serving(GoogleAudienceService(), has_keys=True) as fake,
    ):

        def make(one: http.Client, url: str) -> GoogleAudience:
            return GoogleAudience(one, tokens(one, bank.url, ADS), "123", now_ms=NOW, url=url)

        yield of(make, fake, member)


def member(key: str) -> Message:
    data = {"operation": "add", "audience": "2385"}
    return message("audience", key, to=f"{key}@example.com", data=data)


@dataclass
class Kept:
    """A table of the senders' database, and the ids in it."""

    database: Database
    table: Any

    def ids(self) -> list[str]:
        rows = self.database.run_now(lambda one: one.execute(select(self.table.c.id)).all())
        return [row[0] for row in rows]


def store_case(make: Callable[[Database], Provider], table: Any, **changes: Any) -> Any:
    """Returns what yields the case of a provider that keeps messages in the database."""

    @contextlib.contextmanager
    def found() -> Iterator[Case]:
        away = Database("postgresql://nobody:secret@127.0.0.1:1/none")
        with tempfile.TemporaryDirectory() as folder:
            kept = Kept(Database(f"sqlite:///{Path(folder) / 'senders.db'}"), table)
            tables.METADATA.create_all(kept.database.engine)
            yield Case(
                make=lambda _: make(kept.database),
                message=lambda key: message("store", key, **changes),
                effects=kept.ids,
                fail=lambda fault: None,
                secrets=("secret",),
                away=lambda: make(away),
                fates={},
            )
            kept.database.close()
            away.close()

    return found


CASES: Cases = {
    "meta_audience": case(meta_audience, MetaAudienceService, member, has_keys=True),
    "google_audience": google_audience_case,
    "inbox": store_case(lambda one: Inbox(one, now_ms=NOW), tables.INBOX),
    "task": store_case(lambda one: Tasks(one, now_ms=NOW), tables.TASKS, data={"title": "Call"}),
}
