"""What is kept of one question to the store, and how it is brought up to date. No locks, no clock."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, Final, Generic, Protocol, TypeVar

import numpy as np

from contracts.records import Episode, FrameBlock, Rollup
from contracts.units import NS_PER_S
from dashboard.reading.queries import Reading

#: So often all of it is read, whatever was seen.
WHOLE_EVERY_S: Final = 60.0
#: Frames of a wearer that are kept, before the last: a day of 25 hours.
MAX_FRAMES_NS: Final = 25 * 3600 * NS_PER_S
_END_NS: Final = 2**62


class Look(Protocol):
    """Something that is kept and can be brought up to date; unchanged where that fails."""

    read_at_s: float | None

    def renew(self, now_s: float) -> None: ...


Row = TypeVar("Row", bound=Rollup | Episode)
Answer = TypeVar("Answer")
Key = tuple[object, ...]
L = TypeVar("L", bound=Look)


class Whole(Generic[Answer]):
    """An answer that is always asked for as a whole."""

    def __init__(self, ask: Callable[[], Answer]) -> None:
        self.read_at_s: float | None = None
        self.answer: Answer | None = None
        self._ask = ask

    def renew(self, now_s: float) -> None:
        self.answer, self.read_at_s = self._ask(), now_s


class Rows(Generic[Row]):
    """Rows from ``start_ns`` on, by their start. ``read`` gives those that reach beyond a time."""

    def __init__(
        self, read: Callable[[int], Sequence[Row]], start_ns: int, end_ns_of: Callable[[Row], int]
    ) -> None:
        self.read_at_s: float | None = None
        self._read = read
        self._start_ns = start_ns
        self._end_ns_of = end_ns_of
        self._rows: dict[int, Row] = {}
        self._whole_at_s = float("-inf")
        self._last_ns = self._before_ns = start_ns  # the next look asks from before, then from last

    def in_order(self) -> list[Row]:
        """All of them, in time order."""
        return [self._rows[start_ns] for start_ns in sorted(self._rows)]

    def renew(self, now_s: float) -> None:
        """Read what is new, or all of it."""
        if now_s - self._whole_at_s >= WHOLE_EVERY_S or not self._read_on():
            self._rows = {row.start_ns: row for row in self._read(self._start_ns)}
            self._whole_at_s = now_s
        self.read_at_s = now_s
        self._before_ns, self._last_ns = self._last_ns, self._reached_ns()

    def _read_on(self) -> bool:
        """Read from where the look before the last had come; False where a row has gone since."""
        from_ns = self._before_ns
        found = {row.start_ns: row for row in self._read(from_ns)}
        there = {start_ns for start_ns, row in self._rows.items() if self._end_ns_of(row) > from_ns}
        if not there or not there <= found.keys():
            return False
        self._rows |= found
        return True

    def _reached_ns(self) -> int:
        """The last row reaches beyond this, and so does whatever is new: an episode never gets shorter."""
        ends_ns = map(self._end_ns_of, self._rows.values())
        return max(max(ends_ns, default=0) - 1, self._start_ns)


class Window:
    """A wearer's frames from a time on up to the last: it grows at its end, and backwards on demand."""

    def __init__(self, series: Reading, wearer: str) -> None:
        self.read_at_s: float | None = None
        self.block = FrameBlock.concat([])
        self._series = series
        self._wearer = wearer
        self._from_ns = _END_NS
        self._whole_at_s = float("-inf")
        self._last_ns = self._before_ns = _END_NS

    def reaches(self, start_ns: int) -> bool:
        """Whether all frames from ``start_ns`` on are here; without any frame they are."""
        return not len(self.block) or start_ns >= self._from_ns

    def frames(self, start_ns: int, end_ns: int) -> FrameBlock:
        """Frames in the interval, of those that are here."""
        first, stop = np.searchsorted(self.block.start_ns, (start_ns, end_ns))
        return part_of(self.block, int(first), max(int(first), int(stop)))

    def reach(self, start_ns: int, end_ns: int) -> FrameBlock:
        """Frames in an interval that begins before the window, which grows for it if it may."""
        if self._last_ns - start_ns > MAX_FRAMES_NS:
            return self._series.frames(self._wearer, start_ns, end_ns)
        older = self._series.frames(self._wearer, start_ns, self._from_ns)
        self.block, self._from_ns = FrameBlock.concat([older, self.block]), start_ns
        return self.frames(start_ns, end_ns)

    def renew(self, now_s: float) -> None:
        """Read what is new, or all of it."""
        if now_s - self._whole_at_s >= WHOLE_EVERY_S or not self._read_on():
            self._read_whole()
            self._whole_at_s = now_s
        self.read_at_s = now_s
        if not len(self.block):
            self._from_ns = self._last_ns = self._before_ns = _END_NS
            return
        first_ns, last_ns = int(self.block.start_ns[0]), int(self.block.start_ns[-1])
        seen_ns = first_ns if self._last_ns == _END_NS else min(self._last_ns, last_ns)
        self._before_ns, self._last_ns = seen_ns, last_ns
        self._let_go(last_ns - MAX_FRAMES_NS)

    def _read_on(self) -> bool:
        from_ns = self._before_ns
        found = self._series.frames(self._wearer, from_ns, _END_NS)
        if not len(found) or found.start_ns[0] != from_ns:
            return False
        stop = int(np.searchsorted(self.block.start_ns, from_ns))
        self.block = FrameBlock.concat([part_of(self.block, 0, stop), found])
        return True

    def _read_whole(self) -> None:
        latest = self._series.latest_frame(self._wearer)
        if not len(latest):
            self.block = latest
            return
        from_ns = min(self._from_ns, int(latest.start_ns[0]))
        self.block = self._series.frames(self._wearer, from_ns, _END_NS)
        self._from_ns = from_ns

    def _let_go(self, before_ns: int) -> None:
        if self._from_ns < before_ns:
            stop = int(np.searchsorted(self.block.start_ns, before_ns))
            self.block, self._from_ns = part_of(self.block, stop, len(self.block)), before_ns


def kept_under(places: OrderedDict[Key, Any], key: Key, make: Callable[[], L], most: int) -> L:
    """What is kept under the key, made where nothing is; the one longest not asked for may go.

    The key says of which kind it is.
    """
    found: L | None = places.get(key)
    if found is None:
        found = places[key] = make()
        if len(places) > most:
            places.popitem(last=False)
    places.move_to_end(key)
    return found


def part_of(block: FrameBlock, first: int, stop: int) -> FrameBlock:
    """Frames [first, stop) of a block."""
    return FrameBlock(**{f.name: getattr(block, f.name)[first:stop] for f in fields(FrameBlock)})


def rollup_end_ns(rollup: Rollup) -> int:
    """Just behind its start: the last one is read again, for it may still be under way."""
    return rollup.start_ns + 1
