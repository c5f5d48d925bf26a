"""Before every answer of the server: nobody who is not signed in, nothing that another site asks for."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import partial
from importlib.resources import files
from typing import Final
from urllib.parse import urlencode

from anyio import CapacityLimiter, to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.errors import AccessError, PlumblineError
from dashboard.entry.access import Viewer
from dashboard.served import html as web_html
from dashboard.served.oidc import Provider
from dashboard.served.requests import check_same_site, path_of, token_of
from dashboard.served.stores import Stores

#: What anyone may have: whether the server is well, its icon, the program that every page is, and
#: the receipt of an erasure whose number they know.
OPEN: Final = ("/_stcore/health", "/favicon.png")
OPEN_BELOW: Final = ("/static/", "/receipt/")
#: Pages of our own that look after themselves.
OWN: Final = ("/sign-in", "/sign-in/provider", "/sign-out", "/password")
#: The way to a provider and back, where one is configured.
PROVIDERS: Final = ("/auth/login", "/oauth2callback")
#: Ways into Streamlit that no page of ours needs.
CLOSED_BELOW: Final = (
    "/_stcore/agent",
    "/_stcore/metrics",
    "/_stcore/upload_file",
    "/auth/logout",
)
#: Where :class:`Guard` puts the viewer.
VIEWER: Final = "plumbline.viewer"
#: Questions to the registry at once; they are short.
_ASKING: Final = 8

_INLINE: Final = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_SAFE: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: with that, a browser hides from us that its forms come from us.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def streamlit_policy() -> str:
    """What Streamlit's own pages may load: this server alone.

    Vega compiles expressions, hence unsafe-eval; styles are written into the page; what a page draws
    on the fly is a blob or data.
    """
    page = files("streamlit").joinpath("static/index.html").read_text(encoding="utf-8")
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for text in _INLINE.findall(page)
    )
    return (
        f"default-src 'self'; script-src 'self' 'unsafe-eval' blob: {hashes}; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
        "connect-src 'self'; worker-src 'self' blob:; frame-src 'self' blob: data:; "
        "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    )


class Guard:
    """The outermost middleware. What it lets through has a viewer in ``scope[VIEWER]``, or is open."""

    def __init__(self, app: ASGIApp, *, stores: Stores, provider: Provider | None = None) -> None:
        self._app = app
        self._stores = stores
        self._provider = provider
        self._policy = streamlit_policy()
        self._asking = CapacityLimiter(_ASKING)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, partial(self._with_headers, send))
        elif scope["type"] == "websocket" and not await self._admits(scope):
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "not signed in"})
        else:
            await self._app(scope, receive, send)

    async def _admits(self, scope: Scope) -> bool:
        """Whether a page's connection may be opened: by ourselves, for somebody who is signed in."""
        try:
            check_same_site(Headers(scope=scope))
            viewer = await self._viewer(HTTPConnection(scope))
        except PlumblineError:
            return False
        return viewer is not None and not viewer.must_change

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._answer(Request(scope))
        await (answer or self._app)(scope, receive, send)

    async def _answer(self, request: Request) -> Response | None:
        """What is answered instead; None where the request may go on."""
        path = request.url.path
        if request.method not in ("GET", "HEAD", "OPTIONS"):
            try:
                check_same_site(request.headers)
            except AccessError as error:
                return web_html.message(403, "Not from here", error)
        if path.startswith(CLOSED_BELOW):
            return PlainTextResponse("There is nothing here.", 404)
        if path in OPEN or path.startswith(OPEN_BELOW) or path in OWN:
            return None
        if path in PROVIDERS and self._provider is not None:
            return None
        try:
            return await self._signed_in(request)
        except PlumblineError as error:
            return web_html.trouble(error) if _wants_page(request) else _words(503, error)

    async def _signed_in(self, request: Request) -> Response | None:
        viewer = await self._viewer(request)
        page = _wants_page(request)
        if viewer is None:
            return await self._stranger(request) if page else PlainTextResponse("Sign in.", 401)
        if viewer.must_change:
            return (
                RedirectResponse("/password", 303) if page else PlainTextResponse("Sign in.", 403)
            )
        request.scope[VIEWER] = viewer
        if page:
            door = self._stores.entrance().door
            await to_thread.run_sync(door.touch, token_of(request), limiter=self._asking)
        return None

    async def _stranger(self, request: Request) -> Response:
        if self._provider is not None:
            welcome = partial(self._provider.welcome, request, self._stores)
            welcomed = await to_thread.run_sync(welcome, limiter=self._asking)
            if welcomed is not None:
                return welcomed
        onward = path_of(request)
        if request.headers.get("sec-fetch-site") == "cross-site":
            return web_html.onward(onward)
        query = "" if onward == "/" else "?" + urlencode({"next": onward})
        return RedirectResponse(f"/sign-in{query}", 303)

    async def _viewer(self, connection: HTTPConnection) -> Viewer | None:
        token = token_of(connection)
        if not token:
            return None

        def ask() -> Viewer | None:
            return self._stores.entrance().door.viewer(token)

        return await to_thread.run_sync(ask, limiter=self._asking)

    async def _with_headers(self, send: Send, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("Content-Security-Policy", self._policy)
            for name, value in _SAFE.items():
                headers.setdefault(name, value)
        await send(message)


def _wants_page(request: Request) -> bool:
    """Whether a person's browser asks for a page, not a page's program for something."""
    return request.method in ("GET", "HEAD") and "text/html" in request.headers.get("accept", "")


def _words(status: int, error: PlumblineError) -> Response:
    return PlainTextResponse(str(error), status)
