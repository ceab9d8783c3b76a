"""Where providers tell what became of messages: `POST /callbacks/<provider>`.

Limits, then proof, then reading; then one transaction takes all that a request tells, and only then
is it answered with 200. Whatever can not be done now is answered with 503, so that it comes again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from litestar import HttpMethod, Request, Response, Router, route
from litestar.exceptions import ClientException

from processors.delivery import deliverability, postings
from processors.delivery.registers import Challenged, Prepared, Register
from processors.metrics import Counter, Metrics
from processors.ports import Callbacks
from schemas.errors import BadRecord, Forged
from schemas.letters import DeadLetter, Record
from schemas.messages import CallbackRequest, Report
from schemas.postings import Posting, Sent

MAX_BODY_BYTES = 2_097_152
BODY_S = 10.0
"""How long a body may take to come."""
MAX_QUERY_CHARS = 4_096
MAX_QUERY_FIELDS = 50
MAX_REPORTS = 10_000
"""Of one request."""
MAX_AT_ONCE = 64
"""Requests; more are asked to come again."""

EARLY_MS = 60_000
"""How long a report may wait for its message: a provider can be quicker than our own note of the
id that it gave."""
LOOK_AGAIN_S = (0.1, 0.4, 1.0)
"""Waits before the message is looked for again, within the request."""

CONTENT_TYPES = frozenset(
    {
        "",
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "text/plain",  # SNS sends JSON as that
    }
)

logger = logging.getLogger(__name__)

AnyRequest = Request[Any, Any, Any]
Bury = Callable[[DeadLetter], Awaitable[None]]
"""Lays a dead letter; OSError where Kafka does not take it."""


class Refused(Exception):
    """The request is not taken; the reason is a metric's label."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Desk:
    """Takes what providers tell.

    Guarantees:
        What was answered with 200 is in the database, each report once, and in Kafka soon.
    """

    def __init__(
        self,
        known: Mapping[str, Callbacks],
        register: Register,
        *,
        bury: Bury,
        now_ms: Callable[[], int],
        metrics: Metrics,
    ) -> None:
        self._known = known
        self._register = register
        self._bury = bury
        self._now_ms = now_ms
        self._metrics = metrics
        self._at_once = 0

    async def handle(self, provider: str, request: CallbackRequest) -> tuple[int, str]:
        """Returns the status and the text of the answer."""
        found = self._known.get(provider)
        if found is None:
            return self._refused("unknown", Refused(404, "unknown-provider"))
        if self._at_once >= MAX_AT_ONCE:
            return self._refused(provider, Refused(503, "too-many"))
        self._at_once += 1
        try:
            return 200, await self._take(found, request)
        except Refused as refused:
            return self._refused(provider, refused)
        except OSError as error:
            logger.warning(
                "a callback can not be taken now",
                extra={"provider": provider, "error_type": type(error).__name__},
            )
            return self._refused(provider, Refused(503, "away"))
        finally:
            self._at_once -= 1

    async def _take(self, found: Callbacks, request: CallbackRequest) -> str:
        try:
            if request.method == "GET":
                if isinstance(found, Challenged):
                    return found.challenge(request)
                raise Refused(405, "method")
            if isinstance(found, Prepared):
                await found.prepare(request)
            reports = found.read(request)
            if len(reports) > MAX_REPORTS:
                raise BadRecord("too-many", f"more than {MAX_REPORTS} reports in one request")
        except Forged:
            raise Refused(401, "forged") from None
        except BadRecord as bad:
            await self._lay(found.name, request, bad)
            raise Refused(400, "unreadable") from None
        await self._register_all(found.name, reports)
        return ""

    async def _register_all(self, provider: str, reports: Sequence[Report]) -> None:
        known, missing = await self._matched(reports)
        now_ms = self._now_ms()
        made = [postings.tell(report, sent, now_ms=now_ms) for report, sent in known]
        fresh = await self._register.post(made, now_ms=now_ms)
        self._count(provider, made, fresh)
        early = [one for one in missing if _is_early(one, now_ms)]
        if len(missing) > len(early):
            unmatched = len(missing) - len(early)
            self._metrics.add(Counter.REPORTS_LEFT, unmatched, provider, "unmatched")
        if early:
            raise Refused(503, "early")

    async def _matched(
        self, reports: Sequence[Report]
    ) -> tuple[list[tuple[Report, Sent]], list[Report]]:
        """Returns the reports whose message is known, and the others."""
        waits_s = iter(LOOK_AGAIN_S)
        while True:
            found = await self._register.find(reports)
            known = [
                (report, sent)
                for report, sent in zip(reports, found, strict=True)
                if sent is not None and sent.provider in (None, report.provider)
            ]
            met = {id(report) for report, _ in known}
            missing = [report for report in reports if id(report) not in met]
            wait_s = next(waits_s, None)
            now_ms = self._now_ms()
            if wait_s is None or not any(_is_early(one, now_ms) for one in missing):
                return known, missing
            await asyncio.sleep(wait_s)

    def _count(self, provider: str, made: Sequence[Posting], fresh: Sequence[Posting]) -> None:
        for one in fresh:
            assert one.outcome is not None
            told = one.outcome
            self._metrics.add(Counter.REPORTS, 1, provider, told.result)
            arrival = deliverability.told(told.result, told.kind, told.detail)
            deliverability.count(self._metrics, provider, one.domain, arrival)
        if len(made) > len(fresh):
            repeated = len(made) - len(fresh)
            self._metrics.add(Counter.REPORTS_LEFT, repeated, provider, "repeated")

    async def _lay(self, provider: str, request: CallbackRequest, bad: BadRecord) -> None:
        record = Record(f"callbacks.{provider}", 0, 0, None, request.body)
        await self._bury(DeadLetter(record, bad.reason, str(bad)))
        self._metrics.add(Counter.DEAD_LETTERS, 1, bad.reason)
        logger.warning(
            "a callback can not be read", extra={"provider": provider, "reason": bad.reason}
        )

    def _refused(self, provider: str, refused: Refused) -> tuple[int, str]:
        self._metrics.add(Counter.CALLBACKS_REFUSED, 1, provider, refused.reason)
        return refused.status, ""

    def refuse(self, provider: str, refused: Refused) -> None:
        """Counts a request that broke a limit before it came to be read."""
        self._refused(provider if provider in self._known else "unknown", refused)


def router(desk: Desk, *, public_url: str, now_ms: Callable[[], int]) -> Router:
    """Returns the routes of all providers.

    Args:
        desk: takes what is told.
        public_url: what stands before the path, as providers call it: what proxies say of that is
            not asked for.
        now_ms: the wall clock.
    """

    @route(
        "/{provider:str}",
        http_method=[HttpMethod.GET, HttpMethod.POST],
        request_max_body_size=MAX_BODY_BYTES,
        status_code=200,
    )
    async def callback(request: AnyRequest) -> Response[str]:
        provider = request.path_params["provider"]
        try:
            read = await _read(request, public_url, now_ms())
        except Refused as refused:
            desk.refuse(provider, refused)
            return Response("", status_code=refused.status, media_type="text/plain")
        status, text = await desk.handle(provider, read)
        headers = {"Retry-After": "5"} if status == 503 else {}
        return Response(text, status_code=status, media_type="text/plain", headers=headers)

    return Router("/callbacks", route_handlers=[callback])


def _is_early(report: Report, now_ms: int) -> bool:
    """Returns whether the message of a report may be known soon.

    A message is in the ledger before its provider is asked, but the provider's id of it is not.
    """
    return report.command_id is None and now_ms - EARLY_MS < report.at <= now_ms + EARLY_MS


async def _read(request: AnyRequest, public_url: str, at: int) -> CallbackRequest:
    """Returns a request as providers' callbacks take it.

    Raises:
        Refused: it breaks a limit.
    """
    headers: dict[str, str] = {}
    for name, value in request.scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in CONTENT_TYPES or headers.get("content-encoding", "identity") != "identity":
        raise Refused(415, "content-type")
    query = request.scope["query_string"].decode("latin-1")
    if len(query) > MAX_QUERY_CHARS:
        raise Refused(414, "query")
    try:
        fields = dict(parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS))
        async with asyncio.timeout(BODY_S):
            body = await request.body()
    except ValueError:
        raise Refused(400, "query") from None
    except TimeoutError:
        raise Refused(408, "slow") from None
    except ClientException as error:
        raise Refused(error.status_code, "body") from None
    path = request.scope["raw_path"].decode("latin-1").partition("?")[0]
    return CallbackRequest(
        method=request.method,
        url=f"{public_url.rstrip('/')}{path}" + (f"?{query}" if query else ""),
        query=fields,
        headers=headers,
        body=body,
        at=at,
    )
