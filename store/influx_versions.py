"""Which version rows are written as, so that a write that arrives late never undoes a later one.

A request that timed out may still be under way, and reach the server after what was written since. So
rows that are written again and again carry a version in the nanoseconds of their time, and readers
take the greatest. Whoever computes into the store takes a new version when it starts and after each
write that it cannot know the end of; all that was in doubt is written again as that.
"""

from __future__ import annotations

from contracts.errors import InvariantError
from contracts.units import NS_PER_S
from store.influx_flux import TIMELESS, keep, source
from store.influx_http import InfluxServer
from store.influx_lines import BASE_NS


class Versions:
    """The version in use. StoreError where the server cannot say or keep it."""

    def __init__(self, server: InfluxServer, *, read: str, write: str) -> None:
        """``read`` and ``write`` are the names of the bucket of what is kept."""
        self._server = server
        self._read = read
        self._write = write
        self._number: int | None = None
        self._alone = False

    def current(self) -> int:
        """The version to write as."""
        if self._number is None:
            self._number = self.begin() if self._alone else max(self._last(), 1)
        return self._number

    def begin(self) -> int:
        """Take a version that nobody has written as: for whoever has claimed the store."""
        number = self._last() + 1
        if number >= NS_PER_S:
            raise InvariantError("the store is out of versions.")
        self._server.write(self._write, [f"version number={number}i {BASE_NS}"])
        self._number, self._alone = number, True
        return number

    def doubt(self) -> None:
        """A write has failed that may yet arrive."""
        self._number = None

    def _last(self) -> int:
        rows = source(self._read, *TIMELESS, _measurement="version", _field="number")
        found = self._server.ask(rows + keep("_value"))
        return max(map(int, found.get("_value", [])), default=0)
