"""When the wearer should be reminded: of a rounded posture held on, and of a break."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analytics.core.focus import SEATED
from analytics.core.results import NudgeDecision, NudgeKind
from analytics.core.runs import follows, run_length
from contracts.settings import PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import ACTIVITIES, Activity

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
_QUIET: Final = np.array([activity in NO_NUDGE for activity in ACTIVITIES])
_SEATED: Final = np.array([activity in SEATED for activity in ACTIVITIES])


class NudgeDetector:
    """Seconds in, decisions out: one a rounded run, one a break that is due."""

    def __init__(self, settings: PostureSettings) -> None:
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
        allowed = ~_QUIET[activity]
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
