"""The inbox of a person, as their product shows it: `/inbox/…`.

Limits, then who asks, then the database. A person is named by a token or a header, never in the
address: addresses are logged on the way. Messages of others are as if they were not there. What is
read for the first time is told as `inbox.opened` before it is marked: once, and it is never lost.
"""

import asyncio
import base64
import logging
import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec
from litestar import HttpMethod, Request, Response, Router, route
from litestar.exceptions import HTTPException

from processors.api.access import Access
from processors.delivery import postings
from processors.delivery.registers import Register
from processors.metrics import Counter, Metrics
from schemas.postings import Sent

PERSON = "beckon-person"
"""The header by which a server names a person."""
MAX_BODY_BYTES = 1_024
MAX_QUERY_CHARS = 512
MAX_LISTED = 200
MAX_ID_CHARS = 64
MAX_AT_ONCE = 64
"""Requests; more are asked to come again."""
BODY_S = 10.0
PREFLIGHT_S = 600
"""How long a browser may keep what it was told of an origin."""

logger = logging.getLogger(__name__)

AnyRequest = Request[Any, Any, Any]
AnyResponse = Response[bytes]
Place = tuple[int, str]
"""`at` and `id` of a message: where a page ends."""


class Shown(Protocol):
    """One message, as it is shown."""

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def at(self) -> int:
        """When it came, ms since the epoch."""
        ...


class Messages(Protocol):
    """The messages of people.

    Raises:
        OSError: they can not be asked for now.
    """

    async def listed(self, person: str, *, limit: int, before: Place | None) -> Sequence[Shown]:
        """Returns a person's messages from a place on, the latest first."""
        ...

    async def unread(self, person: str) -> int:
        """Returns how many a person has not read."""
        ...

    async def read(self, person: str, id: str) -> bool:
        """Marks one as read; returns whether there is one."""
        ...

    async def unread_ids(self, person: str, id: str | None = None) -> Sequence[str]:
        """Returns some of what a person has not read; of one id, if it is given."""
        ...

    async def mark(self, person: str, ids: Collection[str]) -> int:
        """Marks these as read; returns how many were not."""
        ...

    async def delete(self, person: str, id: str) -> bool:
        """Takes one off for good; returns whether there was one."""
        ...


class Parts(NamedTuple):
    """What the routes work with."""

    access: Access
    messages: Messages
    register: Register
    now_ms: Callable[[], int]
    metrics: Metrics


def router(parts: Parts) -> Router:
    """Returns the routes."""
    desk = _Desk(parts)

    @route("/messages", http_method=_OPEN[HttpMethod.GET], status_code=200)
    async def messages(request: AnyRequest) -> AnyResponse:
        return await desk.answer(request, desk.list)

    @route("/messages/{id:str}", http_method=_OPEN[HttpMethod.DELETE], status_code=200)
    async def message(request: AnyRequest) -> AnyResponse:
        return await desk.answer(request, desk.delete)

    @route("/messages/{id:str}/read", http_method=_OPEN[HttpMethod.POST], status_code=200)
    async def read(request: AnyRequest) -> AnyResponse:
        return await desk.answer(request, desk.read)

    @route("/read", http_method=_OPEN[HttpMethod.POST], status_code=200)
    async def read_all(request: AnyRequest) -> AnyResponse:
        return await desk.answer(request, desk.read_all)

    @route("/unread", http_method=_OPEN[HttpMethod.GET], status_code=200)
    async def unread(request: AnyRequest) -> AnyResponse:
        return await desk.answer(request, desk.unread)

    return Router(
        "/inbox",
        route_handlers=[messages, message, read, read_all, unread],
        request_max_body_size=MAX_BODY_BYTES,
    )


_OPEN = {each: (each, HttpMethod.OPTIONS) for each in HttpMethod}
"""Browsers ask by OPTIONS first."""


class _Desk:
    """What the routes do."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._at_once = 0

    async def answer(
        self, request: AnyRequest, work: Callable[[str, AnyRequest], Awaitable[object]]
    ) -> AnyResponse:
        """Answers with what some work returns for the person; None: there is no such thing."""
        headers = self._shared(request)
        if request.method == "OPTIONS":
            return _answered(204, None, headers)
        try:
            found = await self._worked(request, work)
        except HTTPException as error:
            self._parts.metrics.add(Counter.INBOX_REFUSED, 1, str(error.status_code))
            challenge = {"WWW-Authenticate": "Bearer"} if error.status_code == 401 else {}
            again = {"Retry-After": "5"} if error.status_code == 503 else {}
            error.headers = {**headers, **challenge, **again}
            raise
        return _answered(200, found, headers)

    async def _worked(
        self, request: AnyRequest, work: Callable[[str, AnyRequest], Awaitable[object]]
    ) -> object:
        if len(request.scope["query_string"]) > MAX_QUERY_CHARS:
            raise HTTPException(status_code=414)
        if self._at_once >= MAX_AT_ONCE:
            raise HTTPException(status_code=503)
        self._at_once += 1
        try:
            person = self._person(request)
            async with asyncio.timeout(BODY_S):
                await request.body()
            found = await work(person, request)
        except TimeoutError:
            raise HTTPException(status_code=408) from None
        except OSError as error:
            kind = type(error).__name__
            logger.warning("an inbox can not be asked", extra={"error_type": kind})
            raise HTTPException(status_code=503) from None
        finally:
            self._at_once -= 1
        if found is None:
            raise HTTPException(status_code=404)
        return found

    def _person(self, request: AnyRequest) -> str:
        person = self._parts.access.person(
            request.headers.get("authorization", ""),
            request.headers.get(PERSON, ""),
            now_s=self._parts.now_ms() // 1000,
        )
        if person is None:
            raise HTTPException(status_code=401)
        return person

    def _shared(self, request: AnyRequest) -> Mapping[str, str]:
        """Returns what lets a page of another origin read the answer, if it is one of ours."""
        origin = request.headers.get("origin", "")
        if origin not in self._parts.access.origins:
            return {"Vary": "Origin"}
        return {
            "Vary": "Origin",
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": "GET, POST, DELETE",
            "Access-Control-Allow-Headers": "Authorization",
            "Access-Control-Max-Age": str(PREFLIGHT_S),
        }

    async def list(self, person: str, request: AnyRequest) -> object:
        """Returns a page of messages, and where the next one begins."""
        limit, before = _page(request.query_params)
        found = await self._parts.messages.listed(person, limit=limit, before=before)
        cursor = _cursor(found[-1]) if len(found) == limit else None
        return {"messages": found, "next": cursor}

    async def unread(self, person: str, _: AnyRequest) -> object:
        """Returns how many there are to read."""
        return {"unread": await self._parts.messages.unread(person)}

    async def read(self, person: str, request: AnyRequest) -> object:
        """Marks one message."""
        id_ = _id(request)
        await self._tell(person, await self._parts.messages.unread_ids(person, id_))
        return {} if await self._parts.messages.read(person, id_) else None

    async def read_all(self, person: str, _: AnyRequest) -> object:
        """Marks all."""
        count = 0
        while ids := await self._parts.messages.unread_ids(person):
            await self._tell(person, ids)
            count += await self._parts.messages.mark(person, ids)
        return {"read": count}

    async def _tell(self, person: str, ids: Sequence[str]) -> None:
        """Tells that messages are read, each once, whoever else does so at the same time."""
        if not ids:
            return
        parts, now_ms = self._parts, self._parts.now_ms()
        reports = [postings.read(id_, now_ms=now_ms) for id_ in ids]
        made = [
            postings.tell(report, sent or _sent(person, id_), now_ms=now_ms)
            for id_, report, sent in zip(
                ids, reports, await parts.register.find(reports), strict=True
            )
        ]
        for one in await parts.register.post(made, now_ms=now_ms):
            assert one.outcome is not None
            parts.metrics.add(Counter.TRACKED, 1, one.outcome.result, "no")

    async def delete(self, person: str, request: AnyRequest) -> object:
        """Takes one message off."""
        return {} if await self._parts.messages.delete(person, _id(request)) else None


def _sent(person: str, id_: str) -> Sent:
    """Returns what is known of a message that the ledger has forgotten."""
    return Sent(command_id=id_, message_id=id_, profile_id=person, channel="inbox")


def _answered(status: int, found: object, headers: Mapping[str, str]) -> AnyResponse:
    body = b"" if found is None else msgspec.json.encode(found)
    return Response(body, status_code=status, media_type="application/json", headers=dict(headers))


def _id(request: AnyRequest) -> str:
    found = str(request.path_params["id"])
    if len(found) > MAX_ID_CHARS or "\0" in found:
        raise HTTPException(status_code=404)
    return found


def _page(query: Mapping[str, str]) -> tuple[int, Place | None]:
    """Returns how many messages, and from where on.

    Raises:
        HTTPException: that can not be read.
    """
    limit, cursor = query.get("limit", "50"), query.get("cursor")
    if re.fullmatch("[0-9]{1,3}", limit) is None or not 1 <= int(limit) <= MAX_LISTED:
        raise HTTPException(status_code=400)
    try:
        return int(limit), None if cursor is None else _place(cursor)
    except (ValueError, msgspec.DecodeError):
        raise HTTPException(status_code=400) from None


def _cursor(last: Shown) -> str:
    """Returns where a page ended. It is no secret and no proof: what is shown hangs on who asks."""
    return base64.urlsafe_b64encode(msgspec.json.encode([last.at, last.id])).rstrip(b"=").decode()


def _place(cursor: str) -> Place:
    text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    at, id_ = msgspec.json.decode(text, type=Place)
    if not 0 <= at < 2**53 or len(id_) > MAX_ID_CHARS or "\0" in id_:
        raise ValueError("no place")
    return at, id_
