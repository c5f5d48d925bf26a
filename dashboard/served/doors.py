"""Signing in and out, and a new password: requests in, pages and cookies out."""

from __future__ import annotations

from functools import partial
from typing import Final

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from contracts.errors import AccessError, PlumblineError, Reason, SettingError, StoreError
from dashboard.entry.access import Viewer
from dashboard.entry.door import MAX_HASHING
from dashboard.served import html as web_html
from dashboard.served.oidc import Provider
from dashboard.served.requests import drop_token, form_of, keep_token, local_path, token_of
from dashboard.served.stores import Stores

#: People who wait while others' passwords are looked at; one more is asked to come again.
MAX_WAITING: Final = 32
SIGNED_OUT: Final = "You are signed out."


class Doors:
    """The handlers of /sign-in, /sign-out and /password."""

    def __init__(self, stores: Stores, provider: Provider | None = None) -> None:
        self._stores = stores
        self._provider = provider
        #: Whoever hashes waits here, not in a thread that others need.
        self._hashing = CapacityLimiter(MAX_HASHING)
        self._inhabited = False

    def routes(self) -> list[Route]:
        """Their places on the server."""
        return [
            Route("/sign-in", self.sign_in, methods=["GET", "POST"]),
            Route("/sign-in/provider", self.to_provider),
            Route("/sign-out", self.sign_out, methods=["GET", "POST"]),
            Route("/password", self.password, methods=["GET", "POST"]),
        ]

    async def sign_in(self, request: Request) -> Response:
        """The form, or in."""
        try:
            if request.method == "POST":
                return await self._let_in(request)
            onward = local_path(request.query_params.get("next", "/"))
            if await self._viewer(request) is not None:
                return RedirectResponse(onward, 303)
            said = SIGNED_OUT if "out" in request.query_params else ""
            return await self._form(onward, said=said)
        except StoreError as error:
            return web_html.trouble(error)
        except PlumblineError as error:
            return web_html.message(400, "This did not work", error, back="/sign-in")

    async def to_provider(self, request: Request) -> Response:
        """On to the provider, where there is one."""
        where = "/sign-in" if self._provider is None else self._provider.address()
        return RedirectResponse(where, 303)

    async def sign_out(self, request: Request) -> Response:
        """Asked for once more, or out."""
        try:
            viewer = await self._viewer(request)
            if request.method != "POST" and viewer is not None:
                return web_html.sign_out(viewer.name)
            token = token_of(request)
            await to_thread.run_sync(lambda: self._stores.entrance().door.sign_out(token))
        except PlumblineError as error:
            return web_html.trouble(error)
        response = RedirectResponse("/sign-in?out", 303)
        drop_token(request, response)
        return response

    async def password(self, request: Request) -> Response:
        """The form for a new password, or the new password."""
        try:
            viewer = await self._viewer(request)
            if viewer is None:
                return RedirectResponse("/sign-in", 303)
            login = await to_thread.run_sync(partial(self._login_of, viewer))
            if request.method != "POST":
                return web_html.password(login=login, must_change=viewer.must_change)
            return await self._change(request, viewer, login)
        except StoreError as error:
            return web_html.trouble(error)
        except PlumblineError as error:
            return web_html.message(400, "This did not work", error)

    async def _let_in(self, request: Request) -> Response:
        form = await form_of(request)
        login, onward = form.get("login", ""), local_path(form.get("next", "/"))
        try:
            self._check_room()
            enter = partial(self._enter, login, form.get("password", ""))
            token = await to_thread.run_sync(enter, limiter=self._hashing)
        except AccessError as error:
            return await self._form(onward, login=login, error=error)
        response = RedirectResponse(onward, 303)
        keep_token(request, response, token)
        return response

    async def _change(self, request: Request, viewer: Viewer, login: str) -> Response:
        form = await form_of(request)
        old, new = form.get("old", ""), form.get("new", "")
        try:
            _check_same(new, form.get("again", ""))
            self._check_room()
            door = self._stores.entrance().door
            change = partial(door.change_password, token_of(request), old, new)
            token = await to_thread.run_sync(change, limiter=self._hashing)
        except (AccessError, SettingError) as error:
            return web_html.password(login=login, must_change=viewer.must_change, error=error)
        response = RedirectResponse("/", 303)
        keep_token(request, response, token)
        return response

    async def _form(
        self, onward: str, *, login: str = "", error: AccessError | None = None, said: str = ""
    ) -> Response:
        if not self._inhabited:
            self._inhabited = await to_thread.run_sync(self._anybody)
        return web_html.sign_in(
            onward=onward,
            login=login,
            error=error,
            said=said,
            empty=not self._inhabited,
            provider="" if self._provider is None else self._provider.name,
        )

    def _enter(self, login: str, password: str) -> str:
        return self._stores.entrance().door.sign_in(login, password)

    def _anybody(self) -> bool:
        return bool(self._stores.entrance().registry.people.accounts())

    def _login_of(self, viewer: Viewer) -> str:
        account = self._stores.entrance().registry.people.account(viewer.account)
        return "" if account is None else account.login

    async def _viewer(self, request: Request) -> Viewer | None:
        token = token_of(request)
        return await to_thread.run_sync(lambda: self._stores.entrance().door.viewer(token))

    def _check_room(self) -> None:
        if self._hashing.statistics().tasks_waiting >= MAX_WAITING:
            raise AccessError(
                Reason.NOT_ALLOWED,
                "Too many people are signing in at this moment.",
                hint="Try again in a few seconds.",
            )


def _check_same(new: str, again: str) -> None:
    if new != again:
        raise SettingError(
            Reason.BAD_SETTING, "The two new passwords differ.", hint="Type both once more."
        )
