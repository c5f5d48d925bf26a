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
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from contracts.errors import PlumblineError
from contracts.records import CalibrationOutcome, Episode, FrameBlock, Nudge, Rollup, SensorHealth
from dashboard.reading.kept_rows import (
    Answer,
    Key,
    Look,
    Row,
    Rows,
    Whole,
    Window,
    kept_under,
    part_of,
    rollup_end_ns,
)
from dashboard.reading.queries import Reading
from store.ports import WearerSummary

#: Parts of a page, and pages, that look within this share one look.
FRESH_S: Final = 1.0
#: Who there is changes seldom, and is asked of all rows there are.
WEARERS_FRESH_S: Final = 5.0
#: Days of many people, which are many rows; and what is over, where only a backlog can change anything.
MANY_FRESH_S: Final = 5.0
PAST_FRESH_S: Final = 60.0
#: A store that failed is asked again after this; until it answers nobody waits for it.
RETRY_S: Final = 3.0
#: Days of rows, and wearers' frames, that are kept; the one not looked at for longest goes.
MAX_DAYS: Final = 64
MAX_WINDOWS: Final = 16
#: Other answers that are kept, and days in those of many people together: some 50 MB.
MAX_ANSWERS: Final = 256
MAX_DAYS_OF_MANY: Final = 50_000

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the store cannot be read, and since when (UTC ns)."""

    error: PlumblineError
    since_ns: int


class KeptSeries:
    """:class:`dashboard.reading.queries.Reading` over ``series``; may be used from several threads.

    Gives what ``series`` would, at most ``FRESH_S`` old; days of many people, and reminders of a time that
    is over, ``MANY_FRESH_S`` and ``PAST_FRESH_S``. PlumblineError where the store fails and what
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
        self._wearers = Whole(series.wearers)
        self._health = Whole(series.health)
        self._rows: OrderedDict[Key, Look] = OrderedDict()
        self._windows: OrderedDict[Key, Look] = OrderedDict()
        self._answers: OrderedDict[Key, Whole[Any]] = OrderedDict()
        self._many: OrderedDict[Key, Whole[Any]] = OrderedDict()

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
        def make() -> Rows[Rollup]:
            return Rows(
                lambda from_ns: self._series.minutes(wearer, from_ns, end_ns),
                start_ns,
                rollup_end_ns,
            )

        return self._rows_of((wearer, "minutes", start_ns, end_ns), make)

    def days(self, wearer: str, start_ns: int, end_ns: int) -> list[Rollup]:
        def make() -> Rows[Rollup]:
            return Rows(
                lambda from_ns: self._series.days(wearer, from_ns, end_ns), start_ns, rollup_end_ns
            )

        return self._rows_of((wearer, "days", start_ns, end_ns), make)

    def days_of(
        self, wearers: Collection[str], start_ns: int, end_ns: int
    ) -> dict[str, list[Rollup]]:
        names = frozenset(wearers)
        found = self._of_many(
            (names, start_ns, end_ns),
            lambda: self._series.days_of(names, start_ns, end_ns),
            self._fresh_s(end_ns),
        )
        return {wearer: list(days) for wearer, days in found.items()}

    def nudges(self, wearer: str, start_ns: int, end_ns: int) -> list[Nudge]:
        return self._answer(
            (wearer, "nudges", start_ns, end_ns),
            lambda: self._series.nudges(wearer, start_ns, end_ns),
            self._fresh_s(end_ns),
        )

    def calibrations(self, wearer: str) -> list[CalibrationOutcome]:
        return self._answer(
            (wearer, "calibrations"), lambda: self._series.calibrations(wearer), FRESH_S
        )

    def ahead(self, wearer: str) -> FrameBlock:
        def ask() -> list[FrameBlock]:
            return [self._series.ahead(wearer)]

        return FrameBlock.concat(self._answer((wearer, "ahead"), ask, FRESH_S))

    def latest_frames(self, wearers: Collection[str]) -> dict[str, FrameBlock]:
        names = frozenset(wearers)
        return self._of_many((names, "latest"), lambda: self._series.latest_frames(names))

    def calibrations_of(self, wearers: Collection[str]) -> dict[str, list[CalibrationOutcome]]:
        names = frozenset(wearers)
        found = self._of_many((names, "calibrations"), lambda: self._series.calibrations_of(names))
        return {wearer: list(outcomes) for wearer, outcomes in found.items()}

    def episodes(self, wearer: str, start_ns: int, end_ns: int) -> list[Episode]:
        def make() -> Rows[Episode]:
            return Rows(
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
            return part_of(block, max(0, len(block) - 1), len(block))

    def close(self) -> None:
        """Let go of the store."""
        self._series.close()

    def _forget(self, wearer: str) -> None:
        places: Sequence[OrderedDict[Key, Any]] = (self._rows, self._windows, self._answers)
        for kept in places:
            for key in [key for key in kept if key[0] == wearer]:
                del kept[key]
        self._many.clear()

    def _rows_of(self, key: Key, make: Callable[[], Rows[Row]]) -> list[Row]:
        with self._lock:
            rows = kept_under(self._rows, key, make, MAX_DAYS)
            self._renew(rows)
            return rows.in_order()

    def _answer(self, key: Key, ask: Callable[[], list[Item]], fresh_s: float) -> list[Item]:
        with self._lock:
            whole = kept_under(self._answers, key, lambda: Whole(ask), MAX_ANSWERS)
            self._renew(whole, fresh_s)
            return list(whole.answer or [])

    def _fresh_s(self, end_ns: int) -> float:
        return PAST_FRESH_S if end_ns <= self._clock_ns() else FRESH_S

    def _of_many(
        self, key: Key, ask: Callable[[], dict[str, Item]], fresh_s: float = 0.0
    ) -> dict[str, Item]:
        with self._lock:
            whole = kept_under(self._many, key, lambda: Whole(ask), MAX_ANSWERS)
            self._renew(whole, max(MANY_FRESH_S, fresh_s))
            self._bound_many()
            return dict(whole.answer or {})

    def _bound_many(self) -> None:
        """Let the oldest answers about many people go where all together are too many rows."""
        sizes = [sum(map(len, (whole.answer or {}).values())) for whole in self._many.values()]
        total = sum(sizes)
        for size in sizes[:-1]:
            if total <= MAX_DAYS_OF_MANY:
                return
            self._many.popitem(last=False)
            total -= size

    def _window(self, wearer: str) -> Window:
        window = kept_under(
            self._windows, (wearer,), lambda: Window(self._series, wearer), MAX_WINDOWS
        )
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
