"""Signing in with an OpenID provider, by Streamlit's own login; who that is here is decided here.

Streamlit speaks with the provider and leaves what it was told in a signed cookie. That cookie is
exchanged once for a sign-in of ours, so that everything after that is as with a password. Only
accounts that an administrator made are let in. docs/decisions/14-sign-in.md says why.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from streamlit import auth_util
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import (
    TOKENS_COOKIE_NAME,
    USER_COOKIE_NAME,
)

from contracts.errors import AccessError, Reason, SettingError
from contracts.units import NS_PER_S
from dashboard.served import html as web_html
from dashboard.served.requests import keep_token
from dashboard.served.stores import Stores
from store.people_ports import Account, People

METADATA_URL: Final = "PLUMBLINE_OIDC_URL"
CLIENT_ID: Final = "PLUMBLINE_OIDC_CLIENT_ID"
CLIENT_SECRET: Final = "PLUMBLINE_OIDC_CLIENT_SECRET"  # noqa: S105 - a variable's name
NAME: Final = "PLUMBLINE_OIDC_NAME"
PUBLIC_URL: Final = "PLUMBLINE_PUBLIC_URL"

CALLBACK: Final = "/oauth2callback"
#: How long after the provider's word it is taken for a sign-in; their clock may be as far from ours.
FRESH_S: Final = 300
MAX_SUBJECT: Final = 400
_STREAMLITS_NAME: Final = "default"
_SECRET_BYTES: Final = 32
#: Authlib speaks with the provider by one of these.
_TALKS_HTTP: Final = ("httpx2", "httpx")


@dataclass(frozen=True, slots=True)
class Provider:
    """An OpenID provider. ``name`` is on the button; ``public_url`` is where browsers find us."""

    metadata_url: str
    client_id: str
    client_secret: str
    public_url: str
    name: str = "OpenID"

    def __post_init__(self) -> None:
        for what, url in (("provider", self.metadata_url), ("dashboard", self.public_url)):
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.netloc:
                raise SettingError(
                    Reason.BAD_SETTING,
                    f"The address of the {what} is no http or https address.",
                    hint=f"Set {METADATA_URL} to the provider's /.well-known/openid-configuration and "
                    f"{PUBLIC_URL} to where browsers open the dashboard.",
                )
        if not self.client_id or not self.client_secret:
            raise SettingError(
                Reason.BAD_SETTING,
                "The OpenID provider's client id or its secret is missing.",
                hint=f"Set {CLIENT_ID} and {CLIENT_SECRET}, as the provider gave them.",
            )
        if not (auth_util.is_authlib_installed() and any(map(find_spec, _TALKS_HTTP))):
            raise SettingError(
                Reason.MISSING,
                "Signing in with an OpenID provider needs Authlib and httpx, which are not installed.",
                hint="Install it with: pip install 'plumbline[oidc]'",
            )

    @property
    def origin(self) -> str:
        """Scheme and host of the dashboard, as Streamlit notes it in its cookie."""
        parts = urlsplit(self.public_url)
        return f"{parts.scheme}://{parts.netloc}"

    def secrets(self) -> dict[str, Any]:
        """Streamlit's ``[auth]``. The cookie is signed with a key of this process alone."""
        return {
            "auth": {
                "redirect_uri": self.origin + CALLBACK,
                "cookie_secret": secrets.token_hex(_SECRET_BYTES),
                "client_id": self.client_id,
                "client_secret": self.client_secret,
                "server_metadata_url": self.metadata_url,
            }
        }

    def address(self) -> str:
        """Where signing in with the provider begins; good for two minutes."""
        return f"/auth/login?provider={auth_util.encode_provider_token(_STREAMLITS_NAME)}"

    def welcome(self, request: Request, stores: Stores) -> Response | None:
        """What somebody gets who comes back from the provider; None where nobody does."""
        claims = _claims(request)
        if claims is None or claims.get("origin") != self.origin:
            return None
        entrance = stores.entrance()
        people, door = entrance.registry.people, entrance.door
        try:
            account = known_as(people, claims, now_ns=stores.clock_ns())
            token = door.let_in(account)
        except AccessError as error:
            door.refuse("not known here, says the provider's word")
            response: Response = web_html.message(
                403, "You cannot sign in this way", error, back="/sign-in"
            )
        else:
            response = web_html.onward("/")
            keep_token(request, response, token)
        for name in request.cookies:
            if name.startswith((USER_COOKIE_NAME, TOKENS_COOKIE_NAME)):
                response.delete_cookie(name, path="/")
        return response


def from_environment(environment: Mapping[str, str]) -> Provider | None:
    """The provider that the settings name; None where they name none. SettingError for half of one."""
    if not environment.get(METADATA_URL):
        return None
    return Provider(
        metadata_url=environment[METADATA_URL],
        client_id=environment.get(CLIENT_ID, ""),
        client_secret=environment.get(CLIENT_SECRET, ""),
        public_url=environment.get(PUBLIC_URL, ""),
        name=environment.get(NAME) or "OpenID",
    )


def known_as(people: People, claims: Mapping[str, Any], *, now_ns: int) -> Account:
    """The account of the person that the provider vouches for. AccessError where there is none.

    That is whose subject it is; or, once, whose login is the e-mail address that the provider says it
    has verified. A password that somebody else had made for that account and nobody had used is void
    from then on.
    """
    issuer, person, issued_s = (claims.get(name) for name in ("iss", "sub", "iat"))
    subject = f"{issuer} {person}"
    if not (isinstance(issuer, str) and isinstance(person, str) and issuer and person):
        raise _unknown()
    if len(subject) > MAX_SUBJECT or not isinstance(issued_s, (int, float)):
        raise _unknown()
    if abs(now_ns / NS_PER_S - issued_s) > FRESH_S:
        raise AccessError(
            Reason.SIGNED_OUT, "The provider's word is too old.", hint="Sign in once more."
        )
    account = people.account_of_subject(subject) or _link(people, claims, subject)
    if account is None or account.disabled:
        raise _unknown()
    return account


def _link(people: People, claims: Mapping[str, Any], subject: str) -> Account | None:
    email = claims.get("email")
    if not isinstance(email, str) or claims.get("email_verified") is not True:
        return None
    account = people.account_of_login(email)
    # The registry folds more letters into one than a mail server does.
    if (
        account is None
        or account.subject
        or account.disabled
        or account.login.lower() != email.lower()
    ):
        return None
    linked = replace(account, subject=subject, must_change=False)
    if account.must_change:
        people.set_password_hash(account.account, "")
    people.put_account(linked)
    return linked


def _claims(request: Request) -> dict[str, Any] | None:
    """What Streamlit's cookie says that the provider said, or None: no cookie, or not ours."""
    secret = get_cookie_secret()

    def part(name: str) -> bytes | None:
        value = request.cookies.get(name)
        return None if value is None else decode_signed_value(secret, name, value.encode("latin-1"))

    try:
        raw = auth_util.get_cookie_with_chunks(part, USER_COOKIE_NAME)
        claims = json.loads(raw) if raw else None
    except (ValueError, UnicodeError):
        return None
    return claims if isinstance(claims, dict) and claims.get("is_logged_in") is True else None


def _unknown() -> AccessError:
    return AccessError(
        Reason.NOT_ALLOWED,
        "The provider knows you, and there is no account of yours here.",
        hint="Ask an administrator for an account under your e-mail address.",
    )
