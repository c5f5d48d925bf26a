"""When the wearer should be reminded: of a rounded posture held on, and of a break."""

from __future__ import annotations

import math
from datetime import UTC, tzinfo
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analytics.core.focus import SEATED
from analytics.core.results import NudgeDecision
from analytics.core.runs import follows, run_length
from analytics.core.zones import minutes_of_day
from contracts.settings import PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import ACTIVITIES, Activity, NudgeKind

#: Buzzing then helps nobody, or is dangerous.
NO_NUDGE: Final = frozenset(
    {
        Activity.DRIVING,
        Activity.WALKING,
        Activity.STAIRS,
        Activity.CARRYING,
        Activity.LYING,
        Activity.NOT_WORN,
    }
)
#: Getting up for less is no break.
MIN_BREAK_S: Final = 60
_SEATED: Final = np.array([activity in SEATED for activity in ACTIVITIES])


class NudgeDetector:
    """Seconds in, decisions out: one a rounded run, one a break that is due.

    ``zone``: the wearer's, in which the quiet hours are. A rounded run that lasts beyond what kept a
    nudge back, such as quiet hours, is nudged then; a break prompt is not made up for.
    """

    def __init__(self, settings: PostureSettings, zone: tzinfo = UTC) -> None:
        self._settings = settings
        self._zone = zone
        quiet = NO_NUDGE - {Activity.DRIVING} if settings.nudge_driving else NO_NUDGE
        self._allowed = np.array([settings.nudges and a not in quiet for a in ACTIVITIES])
        self._nudge_after_s = math.ceil(settings.nudge_after_s)
        self._break_after_s = math.ceil(settings.break_after_s)
        self._nudged_run_s = -1  # start of the run that was nudged last
        self._seated_s = 0  # without a break
        self._away_s = 0  # not seated
        self._previous_s = -1

    def update(
        self,
        second: NDArray[np.int64],
        span_s: NDArray[np.int32],
        activity: NDArray[np.uint8],
    ) -> list[NudgeDecision]:
        """Decisions in a non-empty block; ``span_s`` as the episode detector gives it."""
        connected = follows(second, self._previous_s)
        seated = _SEATED[activity]
        away_s = run_length(~seated, connected, self._away_s)
        seated_s = run_length(away_s < MIN_BREAK_S, connected, self._seated_s)
        self._previous_s = int(second[-1])
        self._seated_s, self._away_s = int(seated_s[-1]), int(away_s[-1])
        allowed = self._allowed[activity]
        if self._settings.quiet_from_min != self._settings.quiet_until_min:
            allowed &= ~self._quiet_hours(second + 1)
        decisions = self._posture(second, span_s, allowed)
        due = allowed & (seated_s > 0) & (seated_s % self._break_after_s == 0)
        decisions += [
            NudgeDecision(
                at_ns=(int(second[i]) + 1) * NS_PER_S,
                kind=NudgeKind.BREAK,
                held_for_s=int(seated_s[i]),
                reason=f"seated for {int(seated_s[i]) // 60} min without a break",
            )
            for i in np.flatnonzero(due)
        ]
        return sorted(decisions, key=lambda d: d.at_ns)

    def _quiet_hours(self, at_s: NDArray[np.int64]) -> NDArray[np.bool_]:
        first, end = self._settings.quiet_from_min, self._settings.quiet_until_min
        minute = minutes_of_day(at_s, self._zone)
        after, before = minute >= first, minute < end
        return after & before if first < end else after | before

    def _posture(
        self, second: NDArray[np.int64], span_s: NDArray[np.int32], allowed: NDArray[np.bool_]
    ) -> list[NudgeDecision]:
        due = np.flatnonzero(allowed & (span_s >= self._nudge_after_s))
        if not due.size:
            return []
        starts, first = np.unique(second[due] + 1 - span_s[due], return_index=True)
        decisions = []
        for start_s, i in zip(starts.tolist(), due[first].tolist(), strict=True):
            if start_s == self._nudged_run_s:
                continue
            self._nudged_run_s = start_s
            decisions.append(
                NudgeDecision(
                    at_ns=(int(second[i]) + 1) * NS_PER_S,
                    kind=NudgeKind.POSTURE,
                    held_for_s=int(span_s[i]),
                    reason=f"rounded for {int(span_s[i])} s",
                )
            )
        return decisions

    def state(self) -> dict[str, Any]:
        """All there is to know to go on, as plain values."""
        return {
            "nudged_run_s": self._nudged_run_s,
            "seated_s": self._seated_s,
            "away_s": self._away_s,
            "previous_s": self._previous_s,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state`."""
        self._nudged_run_s = state["nudged_run_s"]
        self._seated_s = state["seated_s"]
        self._away_s = state["away_s"]
        self._previous_s = state["previous_s"]
