"""The few pages that are not Streamlit's: signing in and out, a new password, a refusal. No script."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from starlette.responses import HTMLResponse

from contracts.errors import PlumblineError
from dashboard.entry import door

_CSS: Final = files("dashboard.served").joinpath("templates/door.css").read_text(encoding="utf-8")
_CSS_HASH: Final = base64.b64encode(hashlib.sha256(_CSS.encode()).digest()).decode()
#: Nothing but our own style and icon is loaded, forms go to ourselves, no page frames it.
POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_CSS_HASH}'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_RETRY_S: Final = 4
_TEMPLATES: Final = Environment(
    loader=PackageLoader("dashboard.served", "templates"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def _page(template: str, status: int, headers: dict[str, str], **words: object) -> HTMLResponse:
    text = _TEMPLATES.get_template(template).render(
        # The hash of the policy is of the very text, which is ours: it is not escaped.
        css=Markup(_CSS),  # noqa: S704
        max_login=door.MAX_LOGIN,
        max_password=door.MAX_PASSWORD,
        min_password=door.MIN_PASSWORD,
        **words,
    )
    return HTMLResponse(
        text,
        status_code=status,
        headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-store", **headers},
    )


def sign_in(
    *,
    onward: str,
    login: str = "",
    error: PlumblineError | None = None,
    said: str = "",
    empty: bool = False,
    provider: str = "",
) -> HTMLResponse:
    """The form; 401 with an error in words, 429 where the name has to wait."""
    waits = error.wait_s if isinstance(error, door.TooManyAttempts) else 0
    return _page(
        "sign_in.html",
        429 if waits else 401 if error else 200,
        {"Retry-After": str(waits)} if waits else {},
        next=onward,
        login=login,
        error=error,
        said=said,
        empty=empty,
        provider=provider,
    )


def password(*, login: str, must_change: bool, error: PlumblineError | None = None) -> HTMLResponse:
    """The form for a new password."""
    waits = error.wait_s if isinstance(error, door.TooManyAttempts) else 0
    return _page(
        "password.html",
        429 if waits else 400 if error else 200,
        {"Retry-After": str(waits)} if waits else {},
        login=login,
        must_change=must_change,
        error=error,
    )


def sign_out(name: str) -> HTMLResponse:
    """Asks before it signs out: whoever follows a link has not decided yet."""
    return _page("sign_out.html", 200, {}, name=name)


def onward(to: str) -> HTMLResponse:
    """A page that opens another of ours by itself.

    A cookie of SameSite=Strict does not come with a request that began on another site, and does with
    the one that this page begins.
    """
    return _page("onward.html", 200, {}, to=to)


def message(
    status: int, title: str, error: PlumblineError, *, back: str = "/", back_words: str = "Back"
) -> HTMLResponse:
    """Something that cannot be, in words, and the way back."""
    return _message(status, title, error, back, back_words, None)


def receipt(
    status: int,
    title: str,
    lines: tuple[str, ...],
    rows: tuple[tuple[str, str], ...],
    refresh_s: int | None,
) -> HTMLResponse:
    """What an erasure removed, or that it is under way."""
    return _page(
        "receipt.html", status, {}, title=title, lines=lines, rows=rows, refresh_s=refresh_s
    )


def trouble(error: PlumblineError) -> HTMLResponse:
    """The registry cannot be asked who is there. It tries again by itself."""
    return _message(503, "The data cannot be read just now", error, "", "", _RETRY_S)


def _message(
    status: int, title: str, error: PlumblineError, back: str, back_words: str, retry_s: int | None
) -> HTMLResponse:
    return _page(
        "message.html",
        status,
        {},
        title=title,
        message=error.message,
        hint=error.hint,
        back=back,
        back_words=back_words,
        refresh_s=retry_s,
    )
