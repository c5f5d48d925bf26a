"""A series store that is opened anew where its file is another one by now, or turned out to be damaged.

An open file goes on being read after it was moved away or a copy was put in its place: what came in since would
never be shown, and what was damaged would stay so after it was mended.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import TypeVar

from contracts.errors import PlumblineError, Reason, StoreError
from contracts.records import CalibrationOutcome, Episode, FrameBlock, Nudge, Rollup, SensorHealth
from dashboard.reading.queries import Reading
from store.ports import WearerSummary

Answer = TypeVar("Answer")


class FollowedSeries:
    """:class:`dashboard.reading.queries.Reading` over what ``opening`` gives; may be used from several threads.

    ``stamp`` says which file the address names now. PlumblineError where it cannot be opened, or asked.
    """

    def __init__(self, opening: Callable[[], Reading], stamp: Callable[[], object]) -> None:
        self._opening = opening
        self._stamp = stamp
        self._lock = threading.Lock()
        self._damaged = False
        self._opened_at = stamp()
        self._series = opening()

    def wearers(self) -> list[WearerSummary]:
        return self._asked(lambda series: series.wearers())

    def frames(self, wearer: str, start_ns: int, end_ns: int) -> FrameBlock:
        return self._asked(lambda series: series.frames(wearer, start_ns, end_ns))

    def latest_frame(self, wearer: str) -> FrameBlock:
        return self._asked(lambda series: series.latest_frame(wearer))

    def latest_frames(self, wearers: Collection[str]) -> dict[str, FrameBlock]:
        return self._asked(lambda series: series.latest_frames(wearers))

    def ahead(self, wearer: str) -> FrameBlock:
        return self._asked(lambda series: series.ahead(wearer))

    def minutes(self, wearer: str, start_ns: int, end_ns: int) -> list[Rollup]:
        return self._asked(lambda series: series.minutes(wearer, start_ns, end_ns))

    def days(self, wearer: str, start_ns: int, end_ns: int) -> list[Rollup]:
        return self._asked(lambda series: series.days(wearer, start_ns, end_ns))

    def days_of(
        self, wearers: Collection[str], start_ns: int, end_ns: int
    ) -> dict[str, list[Rollup]]:
        return self._asked(lambda series: series.days_of(wearers, start_ns, end_ns))

    def episodes(self, wearer: str, start_ns: int, end_ns: int) -> list[Episode]:
        return self._asked(lambda series: series.episodes(wearer, start_ns, end_ns))

    def nudges(self, wearer: str, start_ns: int, end_ns: int) -> list[Nudge]:
        return self._asked(lambda series: series.nudges(wearer, start_ns, end_ns))

    def calibrations(self, wearer: str) -> list[CalibrationOutcome]:
        return self._asked(lambda series: series.calibrations(wearer))

    def calibrations_of(self, wearers: Collection[str]) -> dict[str, list[CalibrationOutcome]]:
        return self._asked(lambda series: series.calibrations_of(wearers))

    def health(self) -> list[SensorHealth]:
        return self._asked(lambda series: series.health())

    def close(self) -> None:
        """Let go of the store."""
        self._series.close()

    def _asked(self, ask: Callable[[Reading], Answer]) -> Answer:
        try:
            return ask(self._as_it_is_now())
        except StoreError as error:
            self._damaged = self._damaged or error.reason is Reason.STORE_CORRUPT
            raise

    def _as_it_is_now(self) -> Reading:
        with self._lock:
            stamp = self._stamp()
            if self._damaged or stamp != self._opened_at:
                before, self._series = self._series, self._opening()
                self._damaged, self._opened_at = False, stamp
                with suppress(PlumblineError):  # what is damaged may not even close
                    before.close()
            return self._series
