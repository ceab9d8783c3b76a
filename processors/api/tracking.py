"""What the addresses in messages lead to: the pixel, the clicks, unsubscribing, preferences.

All of them believe a token and nothing else (no cookie, no address, no id in the open). A GET
changes nothing that a person would have to decide. Whoever shows a wrong token learns nothing.
"""

import asyncio
import base64
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from litestar import HttpMethod, Request, Response, Router, route
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler

from processors.api import pages
from processors.api.pages import Page
from processors.delivery import consents, links, machines, postings
from processors.delivery.notes import Notebook
from processors.delivery.registers import Register
from processors.delivery.tokens import Claims, Keyring, Purpose
from processors.delivery.topics import Topic
from processors.metrics import Counter, Metrics
from processors.ports import Views
from schemas.messages import Report
from schemas.outcomes import Result
from schemas.postings import OWN, Posting, Sent

PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
"""A transparent picture of one point."""
MAX_BODY_BYTES = 65_536
MAX_FIELDS = 500
BODY_S = 10.0

GET = (HttpMethod.GET, HttpMethod.HEAD)
BOTH = (HttpMethod.GET, HttpMethod.HEAD, HttpMethod.POST)
HTML = "text/html"

logger = logging.getLogger(__name__)

AnyRequest = Request[Any, Any, Any]
AnyResponse = Response[bytes]
Work = Callable[[Claims, AnyRequest], Awaitable[Page]]
"""Does what a form is for, and returns the page to show."""


class Parts(NamedTuple):
    """What the routes work with."""

    keyring: Keyring
    register: Register
    notebook: Notebook
    topics: Callable[[], Sequence[Topic]]
    """Those that people can choose, as published."""
    public_url: str
    now_ms: Callable[[], int]
    metrics: Metrics
    views: Views


def router(parts: Parts) -> Router:
    """Returns the routes of our own tracking; a collector may mount them as well."""
    desk = _Desk(parts)

    @route(f"/{links.PATHS['open']}/{{token:str}}", http_method=GET, status_code=200)
    async def opened(request: AnyRequest) -> AnyResponse:
        desk.note("open", "opened", request)
        return Response(PIXEL, media_type="image/gif")

    @route(f"/{links.PATHS['click']}/{{token:str}}", http_method=GET, status_code=302)
    async def clicked(request: AnyRequest) -> AnyResponse:
        claims = desk.note("click", "clicked", request)
        if claims is None or claims.url is None:
            return desk.missing(request)
        return Response(b"", status_code=302, headers={"Location": links.encoded(claims.url)})

    @route(f"/{links.PATHS['view']}/{{token:str}}", http_method=GET, status_code=200)
    async def viewed(request: AnyRequest) -> AnyResponse:
        return await desk.view(request)

    forms = [
        _form(desk, "unsubscribe", desk.ask, desk.unsubscribe),
        _form(desk, "preferences", desk.show, desk.save),
        _form(desk, "confirm", desk.ask_to_confirm, desk.confirm),
    ]
    return Router(
        f"/{links.ROOT}",
        route_handlers=[opened, clicked, viewed, *forms],
        request_max_body_size=MAX_BODY_BYTES,
    )


def _form(desk: "_Desk", purpose: Purpose, show: Work, change: Work) -> HTTPRouteHandler:
    """Returns the route of a page with a form: GET shows it, POST does what it says."""

    @route(f"/{links.PATHS[purpose]}/{{token:str}}", http_method=BOTH, status_code=200)
    async def form(request: AnyRequest) -> AnyResponse:
        claims = desk.read(purpose, request)
        if claims is None:
            return desk.missing(request)
        work = change if request.method == "POST" else show
        return await desk.answer(request, work(claims, request))

    return form


class _Desk:
    """What the routes do."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def read(self, purpose: Purpose, request: AnyRequest) -> Claims | None:
        """Returns what the token in the path says, if it counts."""
        claims = self._parts.keyring.read(
            purpose, request.path_params["token"], now_ms=self._parts.now_ms()
        )
        if claims is None:
            self._parts.metrics.add(Counter.TOKENS_REFUSED, 1, purpose)
        return claims

    def note(self, purpose: Purpose, result: Result, request: AnyRequest) -> Claims | None:
        """Notes an open or a click, if its token counts."""
        claims = self.read(purpose, request)
        if claims is None:
            return None
        at = self._parts.now_ms()
        headers = {name: request.headers.get(name, "") for name in machines.TELLING}
        machine = machines.is_machine(request.method, headers)
        words = [claims.command_id, result, claims.url or "", str(at // 1_000), str(machine)]
        report = Report(
            id=postings.derived(words),
            provider=OWN,
            result=result,
            at=at,
            command_id=claims.command_id,
            detail="own-link",
            url=claims.url,
            machine=machine,
        )
        self._parts.notebook.take(report, _sent(claims))
        return claims

    async def ask(self, claims: Claims, request: AnyRequest) -> Page:
        """Asks, whoever looks: a scanner that follows the link changes nothing."""
        return pages.unsubscribe(
            _said(request), claims.channel, self._name(claims.topic), self._preferences(claims)
        )

    async def unsubscribe(self, claims: Claims, request: AnyRequest) -> Page:
        """Unsubscribes from the topic of the message, else from the channel.

        Whatever the body says: RFC 8058 wants one field, and clients leave it out or add others.
        """
        await _body(request)
        sent = await self._found(claims)
        now_ms = self._parts.now_ms()
        made = consents.unsubscribed(claims, sent, now_ms=now_ms)
        await self._post([made], now_ms)
        said = _said(request)
        link = (self._preferences(claims), said.preferences_link)
        return Page(said.unsubscribed_title, (said.unsubscribed,), link=link)

    async def show(self, claims: Claims, request: AnyRequest) -> Page:
        """Shows what a person gets."""
        return await self._settings(claims, request, saved=False)

    async def save(self, claims: Claims, request: AnyRequest) -> Page:
        """Takes what a person wants."""
        wanted = consents.Wanted.of(await _fields(request))
        sent = await self._found(claims)
        standing = await self._parts.register.standing(claims.profile_id)
        now_ms = self._parts.now_ms()
        shown = pages.shown(claims.channel, self._parts.topics(), standing)
        made = consents.preferred(claims, sent, shown, wanted, now_ms=now_ms)
        await self._post(made, now_ms)
        return await self._settings(claims, request, saved=True, wanted=wanted)

    async def ask_to_confirm(self, claims: Claims, request: AnyRequest) -> Page:
        """Asks to confirm."""
        return pages.confirm(_said(request), claims.channel, self._name(claims.topic))

    async def confirm(self, claims: Claims, request: AnyRequest) -> Page:
        """Confirms what was agreed."""
        await _body(request)
        now_ms = self._parts.now_ms()
        await self._post([consents.confirmed(claims, now_ms=now_ms)], now_ms)
        said = _said(request)
        return Page(said.confirmed_title, (said.confirmed,))

    async def view(self, request: AnyRequest) -> AnyResponse:
        """Answers with a mail as it was sent, in which nothing runs."""
        claims = self.read("view", request)
        if claims is None:
            return self.missing(request)
        try:
            html = await self._parts.views.find(claims.command_id, at=self._parts.now_ms())
        except OSError as error:
            return self.away(request, error)
        if html is None:
            return self.missing(request)
        headers = {"Content-Security-Policy": pages.MAIL_POLICY}
        return Response(html.encode(), media_type=HTML, headers=headers)

    async def answer(self, request: AnyRequest, work: Awaitable[Page]) -> AnyResponse:
        """Answers with the page that comes of some work; says so where it can not be done now."""
        try:
            return self.page(request, await work)
        except OSError as error:
            return self.away(request, error)

    def away(self, request: AnyRequest, error: OSError) -> AnyResponse:
        """Answers where the database is away."""
        logger.warning("a page can not be served", extra={"error_type": type(error).__name__})
        said = _said(request)
        answer = self.page(request, Page(said.away_title, (said.away,)), status=503)
        answer.headers["Retry-After"] = "60"
        return answer

    def missing(self, request: AnyRequest) -> AnyResponse:
        """Answers a token that does not count: one answer for all of them."""
        said = _said(request)
        return self.page(request, Page(said.missing_title, (said.missing,)), status=404)

    def page(self, request: AnyRequest, page: Page, *, status: int = 200) -> AnyResponse:
        """Answers with a page."""
        return Response(
            pages.render(page, _code(request)),
            status_code=status,
            media_type=HTML,
            headers={"Content-Security-Policy": pages.POLICY, "Vary": "Accept-Language"},
        )

    async def _settings(
        self,
        claims: Claims,
        request: AnyRequest,
        *,
        saved: bool,
        wanted: consents.Wanted | None = None,
    ) -> Page:
        standing = await self._parts.register.standing(claims.profile_id)
        shown = pages.shown(claims.channel, self._parts.topics(), standing)
        if wanted is not None:
            shown = consents.after(shown, wanted)
        return pages.preferences(_said(request), shown, saved=saved)

    async def _found(self, claims: Claims) -> Sent:
        """Returns what the ledger knows of the message; what the token says where it is gone."""
        asked = Report(
            id="", provider=OWN, result="unsubscribed", at=0, command_id=claims.command_id
        )
        (found,) = await self._parts.register.find([asked])
        return found or _sent(claims)

    async def _post(self, made: Sequence[Posting], now_ms: int) -> None:
        for one in await self._parts.register.post(made, now_ms=now_ms):
            if one.outcome is not None:
                self._parts.metrics.add(Counter.TRACKED, 1, one.outcome.result, "no")

    def _preferences(self, claims: Claims) -> str:
        return links.address(self._parts.keyring, self._parts.public_url, "preferences", claims)

    def _name(self, topic: str | None) -> str | None:
        names = {one.id: one.name for one in self._parts.topics()}
        return None if topic is None else names.get(topic, topic)


def _sent(claims: Claims) -> Sent:
    return Sent(
        command_id=claims.command_id,
        message_id=claims.command_id,
        profile_id=claims.profile_id,
        channel=claims.channel,
        topic=claims.topic,
        definition_id=claims.definition_id,
        step=claims.step,
    )


def _code(request: AnyRequest) -> str:
    return pages.language(request.headers.get("accept-language", ""))


def _said(request: AnyRequest) -> pages.Language:
    return pages.languages()[_code(request)]


async def _body(request: AnyRequest) -> bytes:
    """Returns the body, within its bounds.

    Raises:
        HTTPException: it is too large, or too slow.
    """
    try:
        async with asyncio.timeout(BODY_S):
            return await request.body()
    except TimeoutError as error:
        raise HTTPException(status_code=408) from error


async def _fields(request: AnyRequest) -> list[tuple[str, str]]:
    """Returns the fields of a form that our own page posts.

    Raises:
        HTTPException: it is none.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(status_code=415)
    try:
        text = (await _body(request)).decode("ascii")
        return parse_qsl(text, max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise HTTPException(status_code=400) from error
