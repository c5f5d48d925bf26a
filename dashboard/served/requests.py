"""What a request says: where it comes from, where it goes on to, what its form holds. Capped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from contracts.errors import AccessError, Reason
from contracts.units import NS_PER_S
from dashboard.entry import door

MAX_FORM_BYTES: Final = 8_192
MAX_FIELDS: Final = 8
MAX_NEXT: Final = 512
_FORM: Final = "application/x-www-form-urlencoded"
_SAME: Final = ("same-origin", "none")
#: Where nobody is sent on to: they would be sent round in a circle.
_NOT_NEXT: Final = ("/sign-in", "/sign-out", "/password", "/auth/", "/oauth2callback")


def token_of(request: HTTPConnection) -> str:
    """The token of the browser's sign-in; empty where it has none."""
    return request.cookies.get(door.COOKIE, "")[:128]


def secure(request: HTTPConnection) -> bool:
    """Whether it came by https, as the server says that speaks it (docs/deploy.md)."""
    return request.url.scheme in ("https", "wss")


def keep_token(request: HTTPConnection, response: Response, token: str) -> None:
    """Give the browser its token: for no script, for no other site, over https only where that is spoken."""
    response.set_cookie(
        door.COOKIE,
        token,
        max_age=door.SIGN_IN_NS // NS_PER_S,
        path="/",
        secure=secure(request),
        httponly=True,
        samesite="strict",
    )


def drop_token(request: HTTPConnection, response: Response) -> None:
    """Take it from the browser again."""
    response.delete_cookie(
        door.COOKIE, path="/", secure=secure(request), httponly=True, samesite="strict"
    )


def local_path(text: str) -> str:
    """A path of this server with its query, or ``/`` where ``text`` is anything else."""
    text = text[: MAX_NEXT + 1]
    try:
        parts = urlsplit(text)
    except ValueError:
        return "/"
    good = (
        text.startswith("/")
        and not text.startswith(("//", "/\\"))
        and not (parts.scheme or parts.netloc)
        and text.isprintable()
        and "\\" not in text
        and len(text) <= MAX_NEXT
        and not text.startswith(_NOT_NEXT)
    )
    return text if good else "/"


def path_of(request: HTTPConnection) -> str:
    """The path and query of a request, to come back to."""
    query = f"?{request.url.query}" if request.url.query else ""
    return local_path(request.url.path + query)


def check_same_site(headers: Mapping[str, str]) -> None:
    """AccessError where a browser says that another site makes this request.

    Every browser says so for what changes something; a program that is none sends neither header.
    """
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if origin is not None:
        mine = urlsplit(origin).netloc == headers.get("host") and origin != "null"
    else:
        mine = site is None or site in _SAME
    if not mine:
        raise AccessError(
            Reason.NOT_ALLOWED,
            "This came from another site.",
            hint="Open Plumbline itself and do it there.",
        )


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form. AccessError for one that is too long or none."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            break
    fields = None
    if kind == _FORM and len(body) <= MAX_FORM_BYTES:
        fields = _fields(bytes(body))
    if fields is None:
        raise AccessError(
            Reason.MALFORMED,
            "This form cannot be read.",
            hint="Open the page again and fill it in.",
        )
    return fields


def _fields(body: bytes) -> dict[str, str] | None:
    try:
        text = body.decode("ascii")
        return dict(
            parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="replace")
        )
    except ValueError:
        return None
