"""What a person takes away, as a download: checked, audited, made aside, sent in pieces."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial
from typing import IO, Final
from urllib.parse import quote

from anyio import CapacityLimiter, to_thread
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from contracts.errors import AccessError, PlumblineError, Reason, SettingError
from dashboard.entry.access import Viewer
from dashboard.entry.gate import Gate
from dashboard.entry.visit import make_visit
from dashboard.exports import kinds as exports
from dashboard.served import html as web_html
from dashboard.served.requests import token_of
from dashboard.served.stores import Stores

#: Exports made at once: typesetting and packing take a core each.
MAX_MAKING: Final = 2
#: What is larger waits on the disk, not in memory.
IN_MEMORY: Final = 8 * 2**20
PIECE: Final = 2**18
MAX_WORD: Final = 64


class Exports:
    """The handler of /export/WEARER/KIND?week=2026-W47&named=0."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._making = CapacityLimiter(MAX_MAKING)

    def routes(self) -> list[Route]:
        """Its place on the server."""
        return [Route("/export/{wearer}/{kind}", self.export)]

    async def export(self, request: Request) -> Response:
        """The file, or in words why not."""
        token, path, query = token_of(request), request.path_params, request.query_params
        wanted = (
            path["wearer"][:MAX_WORD],
            path["kind"][:MAX_WORD],
            query.get("week", "")[:MAX_WORD],
        )
        named = query.get("named") != "0"
        try:
            make = partial(self._make, token, *wanted, named=named)
            name, media_type, file = await to_thread.run_sync(make, limiter=self._making)
        except AccessError as error:
            return web_html.message(403, "This is not yours to take", error)
        except SettingError as error:
            return web_html.message(404, "There is no such export", error)
        except PlumblineError as error:
            return web_html.message(503, "This cannot be made just now", error)
        return StreamingResponse(
            _pieces(file),
            media_type=media_type,
            headers={
                "Content-Disposition": f"attachment; filename*=utf-8''{quote(name)}",
                "Cache-Control": "no-store",
            },
            background=BackgroundTask(file.close),
        )

    def _make(
        self, token: str, wearer: str, kind: str, week: str, *, named: bool
    ) -> tuple[str, str, IO[bytes]]:
        entrance, found = self._stores.entrance(), self._stores.sources()
        act, media_type = exports.kind_of(kind).act, exports.kind_of(kind).media_type

        def who() -> Viewer:
            viewer = entrance.door.viewer(token)
            if viewer is None or viewer.must_change:
                raise AccessError(Reason.SIGNED_OUT, "You are signed out.", hint="Sign in first.")
            return viewer

        gate = Gate(act, who, entrance.audit)
        gate.look(wearer)
        visit = make_visit(found, gate, wearer, self._stores.clock_ns)
        if visit.person is None:
            raise SettingError(Reason.MISSING, "Nothing is kept of this person.", hint="Go back.")
        gate.change(act, wearer, f"{kind} {week}".strip())
        file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - closed when sent
        try:
            exports.write(kind, visit, week or None, file, named=named)  # type: ignore[arg-type]
        except BaseException:
            file.close()
            raise
        file.seek(0)
        return exports.file_name(kind, visit, week or None), media_type, file


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(PIECE):
        yield piece
