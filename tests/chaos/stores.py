"""Where a site stores: a SQLite file, or buckets of a real InfluxDB that is broken like any other part."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from contracts.errors import PlumblineError
from plumbline.lifeline import Lifeline
from store import open_series
from store.ports import SeriesStore
from tests.chaos.parts import Part
from tests.influx import InfluxServer

_Answer = TypeVar("_Answer")


class StoreKind(StrEnum):
    """The kinds of store that a site may have."""

    SQLITE = "sqlite"
    INFLUX = "influx"


class StoreServer:
    """A round's own InfluxDB with everything it keeps in ``folder``: ``part`` runs while it is entered."""

    def __init__(self, program: Path, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._server = InfluxServer(program, folder)
        self._lifeline = Lifeline()
        environment = os.environ | {"HOME": "/nowhere"}
        log = folder / "influxd.log"
        self.part = Part("server", self._server.command(), log, environment, self._lifeline)

    async def __aenter__(self) -> Self:
        try:
            await asyncio.to_thread(self._server.start)  # sets it up
        finally:
            await asyncio.to_thread(self._server.stop)
        self.part.start()
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.part.held += 1
        await asyncio.to_thread(self.part.stop)
        self._lifeline.close()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.port

    def url(self, buckets: str, port: int | None = None) -> str:
        """The address of the store in ``buckets``; ``port``: of a proxy before the server."""
        return self._server.url(buckets, port=port)


class Reader:
    """Reads a store in threads, so that whoever asks goes on; it may be away at any moment."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._store: SeriesStore | None = None
        self._lock = threading.Lock()

    async def ask(self, question: Callable[[SeriesStore], _Answer]) -> _Answer | None:
        """The answer; None where the store cannot give one now."""
        return await asyncio.to_thread(self._ask, question)

    def close(self) -> None:
        """Let go of the store, once the question under way is answered."""
        with self._lock:
            if self._store is not None:
                self._store.close()
            self._store = None

    def _ask(self, question: Callable[[SeriesStore], _Answer]) -> _Answer | None:
        with self._lock, contextlib.suppress(PlumblineError):
            if self._store is None:
                self._store = open_series(self._url, read_only=True)
            return question(self._store)
        return None
