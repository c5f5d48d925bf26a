"""The stores as the web server has them: opened when first asked for, and again after they failed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from contracts.errors import PlumblineError
from dashboard.entry.door import Door
from dashboard.entry.gate import Audit
from dashboard.reading.sources import Sources
from store.ports import Registry


@dataclass(frozen=True, slots=True)
class Entrance:
    """The registry and what decides by it."""

    registry: Registry
    door: Door
    audit: Audit


class Stores:
    """The registry for signing in, and the series beside it for exports. Safe to share.

    People can sign in while the series cannot be read; both say what is wrong as a PlumblineError. ``stamp``
    says which file the registry is now: where it is another one than was opened, that one is opened.
    """

    def __init__(
        self,
        open_registry: Callable[[], Registry],
        open_sources: Callable[[], Sources],
        clock_ns: Callable[[], int] = time.time_ns,
        stamp: Callable[[], object] = lambda: None,
    ) -> None:
        self.clock_ns = clock_ns
        self._open_registry = open_registry
        self._open_sources = open_sources
        self._lock = threading.Lock()
        self._stamp = stamp
        self._opened_at: object = None
        self._entrance: Entrance | None = None
        self._sources: Sources | None = None

    def entrance(self) -> Entrance:
        """The registry and the door, opened once."""
        with self._lock:
            self._let_go_of_another()
            if self._entrance is None:
                registry = self._open_registry()
                people = registry.people
                self._entrance = Entrance(
                    registry, Door(people, clock_ns=self.clock_ns), Audit(people, self.clock_ns)
                )
            return self._entrance

    def sources(self) -> Sources:
        """The series and the registry, opened once."""
        with self._lock:
            self._let_go_of_another()
            if self._sources is None:
                self._sources = self._open_sources()
            return self._sources

    def close(self) -> None:
        """Let go of all that is open."""
        with self._lock:
            self._let_go()

    def _let_go_of_another(self) -> None:
        stamp = self._stamp()
        if stamp != self._opened_at:
            self._let_go()
            self._opened_at = stamp

    def _let_go(self) -> None:
        if self._entrance is not None:
            _shut(self._entrance.registry.close)
        if self._sources is not None:
            _shut(self._sources.series.close)
            _shut(self._sources.registry.close)
        self._entrance = self._sources = None


def _shut(close: Callable[[], None]) -> None:
    with suppress(PlumblineError):  # it is the end: nobody is left to tell
        close()
