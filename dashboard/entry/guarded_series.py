"""The measured data as a page gets it: each question is checked at the gate before it is asked."""

from __future__ import annotations

from collections.abc import Collection

from contracts.records import CalibrationOutcome, Episode, FrameBlock, Nudge, Rollup, SensorHealth
from dashboard.entry.gate import Gate
from dashboard.reading.queries import Reading
from store.ports import Registry, WearerSummary


class GuardedSeries:
    """:class:`dashboard.reading.queries.Reading` for one page: only of wearers whose data it may read."""

    def __init__(self, series: Reading, registry: Registry, gate: Gate) -> None:
        self._series = series
        self._registry = registry
        self._gate = gate

    def wearers(self) -> list[WearerSummary]:
        seen = self._gate.seen()
        return [summary for summary in self._series.wearers() if summary.wearer in seen]

    def frames(self, wearer: str, start_ns: int, end_ns: int) -> FrameBlock:
        self._check(wearer)
        return self._series.frames(wearer, start_ns, end_ns)

    def latest_frame(self, wearer: str) -> FrameBlock:
        self._check(wearer)
        return self._series.latest_frame(wearer)

    def latest_frames(self, wearers: Collection[str]) -> dict[str, FrameBlock]:
        self._check_all(wearers)
        return self._series.latest_frames(wearers)

    def ahead(self, wearer: str) -> FrameBlock:
        self._check(wearer)
        return self._series.ahead(wearer)

    def minutes(self, wearer: str, start_ns: int, end_ns: int) -> list[Rollup]:
        self._check(wearer)
        return self._series.minutes(wearer, start_ns, end_ns)

    def days(self, wearer: str, start_ns: int, end_ns: int) -> list[Rollup]:
        self._check(wearer)
        return self._series.days(wearer, start_ns, end_ns)

    def days_of(
        self, wearers: Collection[str], start_ns: int, end_ns: int
    ) -> dict[str, list[Rollup]]:
        self._check_all(wearers)
        return self._series.days_of(wearers, start_ns, end_ns)

    def episodes(self, wearer: str, start_ns: int, end_ns: int) -> list[Episode]:
        self._check(wearer)
        return self._series.episodes(wearer, start_ns, end_ns)

    def nudges(self, wearer: str, start_ns: int, end_ns: int) -> list[Nudge]:
        self._check(wearer)
        return self._series.nudges(wearer, start_ns, end_ns)

    def calibrations(self, wearer: str) -> list[CalibrationOutcome]:
        self._check(wearer)
        return self._series.calibrations(wearer)

    def calibrations_of(self, wearers: Collection[str]) -> dict[str, list[CalibrationOutcome]]:
        self._check_all(wearers)
        return self._series.calibrations_of(wearers)

    def health(self) -> list[SensorHealth]:
        """Of sensors that wearers it may read about wear, and of those that nobody wears.

        It tells how whoever has the sensor now moves: nothing for who had it before.
        """
        seen, worn = self._gate.seen(), self._registry.assignments()
        others = {a.sensor for a in worn if a.end_ns is None and a.wearer not in seen}
        return [word for word in self._series.health() if word.sensor not in others]

    def close(self) -> None:
        """Nothing to let go of: the page does not own the store."""

    def _check(self, wearer: str) -> None:
        self._gate.look_at(wearer)

    def _check_all(self, wearers: Collection[str]) -> None:
        """Each of them, in one look at what the page may see."""
        for wearer in set(wearers) - self._gate.seen():
            self._check(wearer)
