"""Rows that pages have read, kept between two looks, so that only what is new is asked for.

A page looks every few seconds at a day that grows by a row a second. What analytics writes goes on in
time: a new frame begins after the last one, a minute or an episode that is written again is the last
one or still under way. So a look asks from the last row on that the look *before* the last had seen (a
commit that was half to be seen then is whole by now). Everything is read anew once a minute, when one
of the rows asked for is gone, and when a wearer's first frame is not what it was, as after erasing.

While the store cannot be read what is kept is shown, and :attr:`KeptSeries.trouble` says why. Whether it
serves again is asked beside the pages: one that hangs takes long to say that it does not.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Final, Generic, Protocol, TypeVar

import numpy as np

from contracts.errors import PlumblineError
from contracts.records import Episode, FrameBlock, Rollup, SensorHealth
from contracts.units import NS_PER_S
from dashboard.queries import Reading
from store.ports import WearerSummary

#: Parts of a page, and pages, that look within this share one look.
FRESH_S: Final = 1.0
#: Who there is changes seldom, and is asked of all rows there are.
WEARERS_FRESH_S: Final = 5.0
#: So often all of it is read, whatever was seen.
WHOLE_EVERY_S: Final = 60.0
#: A store that failed is asked again after this; until it answers nobody waits for it.
RETRY_S: Final = 3.0
#: Frames of a wearer that are kept, before the last: a day of 25 hours.
MAX_FRAMES_NS: Final = 25 * 3600 * NS_PER_S
#: Days of rows, and wearers' frames, that are kept; the one not looked at for longest goes.
MAX_DAYS: Final = 64
MAX_WINDOWS: Final = 16
_END_NS: Final = 2**62


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the store cannot be read, and since when (UTC ns)."""

    error: PlumblineError
    since_ns: int


class Look(Protocol):
    """Something that is kept and can be brought up to date; unchanged where that fails."""

    read_at_s: float | None

    def renew(self, now_s: float) -> None: ...


Row = TypeVar("Row", bound=Rollup | Episode)
Answer = TypeVar("Answer")
Key = tuple[object, ...]
L = TypeVar("L", bound=Look)


class KeptSeries:
    """:class:`dashboard.queries.Reading` over ``series``; may be used from several threads.

    Gives what ``series`` would, at most ``FRESH_S`` old. PlumblineError where the store fails and what
    is asked was never read. ``clock_s`` is monotonic, ``clock_ns`` UTC; ``beside`` runs something that may
    take long, and is not waited for.
    """

    def __init__(
        self,
        series: Reading,
        *,
        clock_s: Callable[[], float],
        clock_ns: Callable[[], int],
        beside: Callable[[Callable[[], None]], None],
    ) -> None:
        self.trouble: Trouble | None = None
        self._series = series
        self._clock_s = clock_s
        self._clock_ns = clock_ns
        self._lock = threading.RLock()
        self._beside = beside
        self._retry_at_s: float | None = None  # None while it is asked whether it serves again
        self._wearers = _Whole(series.wearers)
        self._health = _Whole(series.health)
        self._rows: OrderedDict[Key, Look] = OrderedDict()
        self._windows: OrderedDict[Key, Look] = OrderedDict()

    def wearers(self) -> list[WearerSummary]:
        with self._lock:
            before = {summary.wearer: summary.first_ns for summary in self._wearers.answer or []}
            self._renew(self._wearers, WEARERS_FRESH_S)
            found = self._wearers.answer or []
            firsts_ns = {summary.wearer: summary.first_ns for summary in found}
            for wearer, first_ns in before.items():
                if firsts_ns.get(wearer) != first_ns:
                    self._forget(wearer)
            return found

    def health(self) -> list[SensorHealth]:
        with self._lock:
            self._renew(self._health)
            return self._health.answer or []

    def minutes(self, wearer: str, start_ns: int, end_ns: int) -> list[Rollup]:
        def make() -> _Rows[Rollup]:
            return _Rows(
                lambda from_ns: self._series.minutes(wearer, from_ns, end_ns), start_ns, _minute_end
            )

        return self._rows_of((wearer, "minutes", start_ns, end_ns), make)

    def episodes(self, wearer: str, start_ns: int, end_ns: int) -> list[Episode]:
        def make() -> _Rows[Episode]:
            return _Rows(
                lambda from_ns: self._series.episodes(wearer, from_ns, end_ns),
                start_ns,
                lambda episode: episode.end_ns,
            )

        return self._rows_of((wearer, "episodes", start_ns, end_ns), make)

    def frames(self, wearer: str, start_ns: int, end_ns: int) -> FrameBlock:
        with self._lock:
            window = self._window(wearer)
            if window.reaches(start_ns):
                return window.frames(start_ns, end_ns)
            return self._asked(lambda: window.reach(start_ns, end_ns))

    def latest_frame(self, wearer: str) -> FrameBlock:
        with self._lock:
            block = self._window(wearer).block
            return _part(block, max(0, len(block) - 1), len(block))

    def close(self) -> None:
        """Let go of the store."""
        self._series.close()

    def _forget(self, wearer: str) -> None:
        for places in (self._rows, self._windows):
            for key in [key for key in places if key[0] == wearer]:
                del places[key]

    def _rows_of(self, key: Key, make: Callable[[], _Rows[Row]]) -> list[Row]:
        with self._lock:
            rows = _kept(self._rows, key, make, MAX_DAYS)
            self._renew(rows)
            return rows.in_order()

    def _window(self, wearer: str) -> _Window:
        window = _kept(self._windows, (wearer,), lambda: _Window(self._series, wearer), MAX_WINDOWS)
        self._renew(window)
        return window

    def _renew(self, look: Look, fresh_s: float = FRESH_S) -> None:
        now_s = self._clock_s()
        if look.read_at_s is not None and now_s - look.read_at_s < fresh_s:
            return
        try:
            self._asked(lambda: look.renew(now_s))
        except PlumblineError:
            if look.read_at_s is None:
                raise

    def _asked(self, ask: Callable[[], Answer]) -> Answer:
        self._look_after()
        trouble = self.trouble
        if trouble is not None:
            raise trouble.error
        try:
            return ask()
        except PlumblineError as error:
            self._failed(error)
            raise

    def _look_after(self) -> None:
        due = self._retry_at_s is not None and self._clock_s() >= self._retry_at_s
        if self.trouble is not None and due:
            self._retry_at_s = None
            self._beside(self._try_again)

    def _try_again(self) -> None:
        try:
            self._series.health()
        except PlumblineError as error:
            self._failed(error)
        else:
            self.trouble = None
        finally:
            self._retry_at_s = self._clock_s() + RETRY_S

    def _failed(self, error: PlumblineError) -> None:
        since_ns = self._clock_ns() if self.trouble is None else self.trouble.since_ns
        self.trouble = Trouble(error, since_ns)
        self._retry_at_s = self._clock_s() + RETRY_S


class _Whole(Generic[Answer]):
    """An answer that is always asked for as a whole."""

    def __init__(self, ask: Callable[[], Answer]) -> None:
        self.read_at_s: float | None = None
        self.answer: Answer | None = None
        self._ask = ask

    def renew(self, now_s: float) -> None:
        self.answer, self.read_at_s = self._ask(), now_s


class _Rows(Generic[Row]):
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


class _Window:
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
        return _part(self.block, int(first), max(int(first), int(stop)))

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
        self.block = FrameBlock.concat([_part(self.block, 0, stop), found])
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
            self.block, self._from_ns = _part(self.block, stop, len(self.block)), before_ns


def _kept(places: OrderedDict[Key, Look], key: Key, make: Callable[[], L], most: int) -> L:
    """What is kept under the key, made where nothing is; the one longest not asked for may go."""
    found = places.get(key)
    if found is None:
        found = places[key] = make()
        if len(places) > most:
            places.popitem(last=False)
    places.move_to_end(key)
    return found  # type: ignore[return-value]  # a key says of which kind


def _part(block: FrameBlock, first: int, stop: int) -> FrameBlock:
    """Frames [first, stop) of a block."""
    return FrameBlock(**{f.name: getattr(block, f.name)[first:stop] for f in fields(FrameBlock)})


def _minute_end(minute: Rollup) -> int:
    return minute.start_ns + 1
