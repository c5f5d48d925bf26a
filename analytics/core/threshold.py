"""Seconds told by one angle and one mark: what a day would look like at another mark. Pure.

The angle is the trunk's flexion where two sensors give it, else the upper trunk's. A second is rounded from
the mark on, and until ``hysteresis_deg`` below it. Dwell, bridging, episodes and days are those of live
analysis, in the same code. An unknown angle is unknown: it is not rounded and ends a run as any other second
does. Who lies or wears nothing has no posture, as live. By angle alone there is no doubt: every run is sure.
"""

from __future__ import annotations

from dataclasses import fields
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.core.episodes import EpisodeDetector, RoundedSeconds
from analytics.core.focus import FocusTable
from analytics.core.patterns import PATTERNS
from analytics.core.rollups import CountedSeconds, RollupCounter
from analytics.core.runs import follows, hysteresis
from contracts.records import FrameBlock, Rollup
from contracts.settings import PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import ACTIVITIES, POSTURES, Activity, Pattern, Posture

_ROUNDED: Final = POSTURES.index(Posture.ROUNDED)
_UNKNOWN: Final = POSTURES.index(Posture.UNKNOWN)
_NO_POSTURE: Final = np.array([a in (Activity.LYING, Activity.NOT_WORN) for a in ACTIVITIES])
_UNSPECIFIED: Final = PATTERNS.index(Pattern.UNSPECIFIED)
_SURE_C: Final = 100


class ThresholdReplay:
    """Frames in, cut anywhere; days of ``timezone`` out. ``mark_deg`` stands for the first mark."""

    def __init__(self, mark_deg: float, settings: PostureSettings, timezone: str) -> None:
        self._enter_deg = mark_deg
        self._leave_deg = mark_deg - settings.hysteresis_deg
        self._episodes = EpisodeDetector(settings, FocusTable())
        self._rollups = RollupCounter(timezone)
        self._rounded = False
        self._previous_s = -1
        self._days: dict[int, Rollup] = {}

    def update(self, frames: FrameBlock) -> None:
        """Take frames that come after those before."""
        if not len(frames):
            return
        second = frames.start_ns // NS_PER_S
        flexion_deg = _flexion_deg(frames)
        connected = follows(second, self._previous_s)
        rounded = self._rounded_at(flexion_deg, _NO_POSTURE[frames.activity], connected)
        seconds = _seconds(frames, second, rounded, flexion_deg)
        edges = [0, *(np.flatnonzero(~connected[1:]) + 1).tolist(), second.size]
        for first, last in pairwise(edges):
            if not connected[first]:
                self._end()  # in the day in which the frames stop
            self._take(_part(seconds, first, last))
        self._rounded, self._previous_s = bool(rounded[-1]), int(second[-1])

    def _take(self, seconds: RoundedSeconds) -> None:
        said, _ = self._episodes.update(seconds)
        nothing = np.zeros(seconds.second.size, np.int64)
        _, days = self._rollups.update(
            CountedSeconds(
                seconds.second,
                np.where(seconds.rounded, _ROUNDED, _UNKNOWN).astype(np.uint8),
                seconds.activity,
                nothing,
                nothing.astype(np.bool_),
            ),
            said,
        )
        self._keep(days)

    def _end(self) -> None:
        self._keep(self._rollups.finish(self._episodes.end())[1])

    def days(self) -> list[Rollup]:
        """The days with frames so far, by start, an episode under way included; at the end, once.

        Of a rollup's fields only ``worn_s``, the rounded seconds and the episodes mean anything here.
        """
        self._end()
        return [self._days[start_ns] for start_ns in sorted(self._days)]

    def _rounded_at(
        self,
        flexion_deg: NDArray[np.float64],
        no_posture: NDArray[np.bool_],
        connected: NDArray[np.bool_],
    ) -> NDArray[np.bool_]:
        unknown = np.isnan(flexion_deg) | no_posture
        enter = ~unknown & (flexion_deg >= self._enter_deg)
        leave = unknown | (flexion_deg < self._leave_deg)
        return hysteresis(enter, leave, connected, self._rounded)

    def _keep(self, days: list[Rollup]) -> None:
        self._days.update((day.start_ns, day) for day in days)


def _flexion_deg(frames: FrameBlock) -> NDArray[np.float64]:
    trunk_deg = frames.trunk_flexion_deg
    return np.where(np.isnan(trunk_deg), frames.thorax_flexion_deg, trunk_deg)


def _seconds(
    frames: FrameBlock,
    second: NDArray[np.int64],
    rounded: NDArray[np.bool_],
    flexion_deg: NDArray[np.float64],
) -> RoundedSeconds:
    size = second.size
    return RoundedSeconds(
        second=second,
        rounded=rounded,
        flexion_cdeg=np.rint(np.where(rounded, flexion_deg, 0.0) * 100).astype(np.int64),
        confidence_c=np.full(size, _SURE_C, np.int64),
        sure_c=np.zeros(size, np.int64),
        possible=np.zeros(size, np.bool_),
        activity=frames.activity,
        pattern=np.full(size, _UNSPECIFIED, np.uint8),
    )


def _part(seconds: RoundedSeconds, first: int, last: int) -> RoundedSeconds:
    return RoundedSeconds(
        **{f.name: getattr(seconds, f.name)[first:last] for f in fields(RoundedSeconds)}
    )
