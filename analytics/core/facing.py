"""Which end of a two-fold placement is its front: learned second by second from how the wearer sits.

A calibration may leave the front and the back of a sensor exchanged (:mod:`analytics.core.forward`). A
back can only do some things: whoever reclines, reclines with the pelvis too, and it never goes forward
as far; whoever leans to a side, leans with all of the back. Each second therefore says something of
which of the two ways is right, against the angles that 29 people had in six postures. Seconds of one
pose say the same again, so that each counts for little; what was learned is bounded, so that better
evidence can overturn it. In a vehicle its acceleration tilts all sensors alike, which tells at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analytics.core.angles import Angles, Degrees
from analytics.core.calibration import Calibration
from contracts.units import NS_PER_S
from contracts.vocabulary import UPPER_PLACEMENTS, Placement

_Row = tuple[float, float, float, float]
_Poses = tuple[_Row, ...]

#: Mean and spread of flexion, then of lateral inclination to the side leant to, in degrees, of poses that
#: were held for 30 s: rounded, upright, forward lean, reclined, leaning to either side.
_T4: Final[_Poses] = ((26, 6, 0, 4), (0, 4, 0, 4), (16, 5, 0, 4), (-18, 11, 0, 4), (23, 9, 13, 8))
_C7: Final[_Poses] = ((22, 9, 0, 4), (-1, 6, 0, 4), (11, 8, 0, 4), (-15, 8, 0, 4), (20, 8, 17, 9))
_T12: Final[_Poses] = ((18, 6, 0, 4), (0, 4, 0, 4), (17, 5, 0, 4), (-30, 9, 0, 4), (17, 9, 12, 7))
_L5: Final[_Poses] = ((4, 10, 0, 4), (-1, 4, 0, 4), (16, 8, 0, 4), (-38, 11, 0, 4), (5, 11, 6, 5))
#: The head has not been recorded and is taken as the neck, the sternum as the upper trunk behind it.
POSES: Final = {
    Placement.HEAD: _C7,
    Placement.C7: _C7,
    Placement.T4: _T4,
    Placement.STERNUM: _T4,
    Placement.T12: _T12,
    Placement.L5: _L5,
}
#: Spread about the wearer's own rounded pose, which says nothing of the front: it looks alike both ways.
OWN_POSE_SPREAD_DEG: Final = 5.0
#: What a second counts for after it, and the most that it, the calibration, and all of them may say.
SECOND_WEIGHT: Final = 0.05
MAX_SECOND_LOG_ODDS: Final = 6.0
MAX_POSE_LOG_ODDS: Final = 3.0
MAX_LOG_ODDS: Final = 8.0
#: Error of the step from one second to the next that a vehicle makes two sensors take together.
STEP_ERROR_DEG: Final = 2.0
MAX_STEP_LOG_ODDS: Final = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Fronts:
    """By two-fold placement: ``chance`` (n,) that its front is where its axes say, from all before the
    second; ``sign`` (n,) 1 or -1 for its angles, the second itself counted too.
    """

    chance: Mapping[Placement, NDArray[np.float64]] = field(default_factory=dict)
    sign: Mapping[Placement, NDArray[np.float64]] = field(default_factory=dict)


class Facing:
    """Seconds in, which way their two-fold placements face out."""

    def __init__(self) -> None:
        self._session_ns = (-1, -1)
        self._log_odds: dict[Placement, float] = {}
        self._last_s = -1
        self._last: dict[Placement, _Row] = {}

    def update(
        self,
        second: NDArray[np.int64],
        angles: Angles,
        calibration: Calibration | None,
        driving: NDArray[np.bool_],
    ) -> Fronts:
        """Of (n,) seconds in time order under one calibration, with the angles that its axes give.

        ``driving`` (n,): in a vehicle, whose acceleration sways all sensors together.
        """
        two_fold = () if calibration is None else calibration.two_fold
        if calibration is None or not two_fold:
            return Fronts()
        if calibration.session_ns != self._session_ns:
            self._begin(calibration)
        said = second * NS_PER_S >= calibration.session_ns[1]
        chance, sign = {}, {}
        for placement in two_fold:
            pair = _Pair(placement, calibration)
            rows = pair.rows(angles)
            evidence = np.where(said, pair.evidence(rows), 0.0)
            steps = np.where(driving, self._steps(placement, second, rows), 0.0)
            before, now = self._follow(placement, evidence, steps)
            chance[placement] = 1.0 / (1.0 + np.exp(-before))
            sign[placement] = np.where(now >= 0.0, 1.0, -1.0)
            last = rows[-1].tolist()
            self._last[placement] = (last[0], last[1], last[2], last[3])
        self._last_s = int(second[-1])
        return Fronts(chance, sign)

    def signs(self, calibration: Calibration) -> Mapping[Placement, int]:
        """1 or -1 by two-fold placement of ``calibration``: which way it likely faces by now."""
        if calibration.session_ns != self._session_ns:
            return {}
        return {p: 1 if self._log_odds[p] >= 0.0 else -1 for p in calibration.two_fold}

    def _begin(self, calibration: Calibration) -> None:
        self._session_ns = calibration.session_ns
        self._log_odds = {p: _Pair(p, calibration).log_odds() for p in calibration.two_fold}
        self._last_s, self._last = -1, {}

    def _steps(
        self, placement: Placement, second: NDArray[np.int64], rows: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """(n,) log odds of steps from second to second: together, or against each other."""
        none = (math.nan,) * 4
        before = np.concatenate([[self._last.get(placement, none)], rows[:-1]])
        after_s = np.concatenate([[self._last_s], second[:-1]])
        step = rows - before
        together = step[:, 0] * step[:, 2] + step[:, 1] * step[:, 3]
        log_odds = 2.0 * together / STEP_ERROR_DEG**2
        log_odds = np.where((second - after_s == 1) & ~np.isnan(log_odds), log_odds, 0.0)
        return np.clip(log_odds, -MAX_STEP_LOG_ODDS, MAX_STEP_LOG_ODDS)

    def _follow(
        self, placement: Placement, evidence: Degrees, steps: Degrees
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(n,) log odds before each second, and with it; one after another, so that cuts are alike."""
        odds = self._log_odds[placement]
        before = np.empty(evidence.size)
        for row, (own, step) in enumerate(zip(evidence.tolist(), steps.tolist(), strict=True)):
            odds = _bounded(odds + step, MAX_LOG_ODDS)
            before[row] = odds
            odds = _bounded(odds + SECOND_WEIGHT * own, MAX_LOG_ODDS)
        self._log_odds[placement] = odds
        return before, before + evidence

    def state(self) -> dict[str, Any]:
        """All there is to know to go on, as plain values."""
        return {
            "session_ns": self._session_ns,
            "log_odds": {p.value: odds for p, odds in self._log_odds.items()},
            "last_s": self._last_s,
            "last": {p.value: row for p, row in self._last.items()},
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state`."""
        self._session_ns = (int(state["session_ns"][0]), int(state["session_ns"][1]))
        self._log_odds = {Placement(p): float(odds) for p, odds in state["log_odds"].items()}
        self._last_s = int(state["last_s"])
        self._last = {Placement(p): _row(row) for p, row in state["last"].items()}


class _Pair:
    """A two-fold placement beside the upper trunk, where one is worn whose front is known."""

    def __init__(self, placement: Placement, calibration: Calibration) -> None:
        self.placement = placement
        self.beside = next(
            (
                p
                for p in UPPER_PLACEMENTS
                if p in calibration.axes and not calibration.axes[p].two_fold
            ),
            None,
        )
        self._axes = calibration.axes[placement]
        rounded = calibration.rounded
        self._own = (math.nan,) * 4
        if rounded is not None and placement in rounded.up:
            usual = POSES[self.beside or Placement.T4][0]
            known = (usual[0], usual[2])
            if self.beside is not None and self.beside in rounded.up:
                known = (rounded.flexion_deg[self.beside], rounded.lateral_deg[self.beside])
            self._own = (*known, rounded.flexion_deg[placement], rounded.lateral_deg[placement])

    def log_odds(self) -> float:
        """What the calibration says: the mounting, and how the wearer's own slump turns the sensor."""
        own = np.array([self._own])
        slump = _likelihood(own, self._classes()[:1], 1.0)
        slump -= _likelihood(own, self._classes()[:1], -1.0)
        said = _bounded(float(slump[0]), MAX_POSE_LOG_ODDS)
        return _bounded(self._axes.front_log_odds + said, MAX_LOG_ODDS)

    def rows(self, angles: Angles) -> NDArray[np.float64]:
        """(n, 4) flexion and lateral inclination of the known placement, then of this one; NaN for none."""
        flexion, lateral = angles.flexion_of, angles.lateral_of
        own = [flexion[self.placement], lateral[self.placement]]
        none = np.full(own[0].size, np.nan)
        if self.beside is None:
            return np.stack([none, none, *own], axis=1)
        known = [flexion.get(self.beside, none), lateral.get(self.beside, none)]
        return np.stack([*known, *own], axis=1)

    def evidence(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n,) bounded log odds that the front is where the axes say, of these angles alone."""
        log_odds = self._likelihood_of_all(rows, 1.0) - self._likelihood_of_all(rows, -1.0)
        return np.clip(log_odds, -MAX_SECOND_LOG_ODDS, MAX_SECOND_LOG_ODDS)

    def _likelihood_of_all(self, rows: NDArray[np.float64], sign: float) -> NDArray[np.float64]:
        """(n,) log likelihood of seconds whose posture is not known; the own slump replaces the usual."""
        classes = self._classes()
        if math.isnan(self._own[2]):
            return _likelihood(rows, classes, sign)
        own = _log_normal(rows, np.array(self._own), np.full(4, OWN_POSE_SPREAD_DEG))
        return np.logaddexp(own, _likelihood(rows, classes[1:], sign))

    def _classes(self) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """(4,) means and spreads of the postures, rounded first, leaning to a side once for each."""
        beside = POSES[self.beside or Placement.T4]
        classes = []
        for known, own in zip(beside, POSES[self.placement], strict=True):
            spread = np.array([known[1], known[3], own[1], own[3]], np.float64)
            for side in (1, -1) if own[2] else (1,):
                mean = np.array([known[0], side * known[2], own[0], side * own[2]], np.float64)
                classes.append((mean, spread))
        return classes


def _likelihood(
    rows: NDArray[np.float64],
    classes: list[tuple[NDArray[np.float64], NDArray[np.float64]]],
    sign: float,
) -> NDArray[np.float64]:
    """(n,) log likelihood of (n, 4) angles, the last two with ``sign``, under any of the classes."""
    seen = rows * np.array([1.0, 1.0, sign, sign])
    total = np.full(len(rows), -np.inf)
    for mean, spread in classes:
        total = np.logaddexp(total, _log_normal(seen, mean, spread))
    return total


def _log_normal(
    rows: NDArray[np.float64], mean: NDArray[np.float64], spread: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(n,) log density of independent normal angles; angles that are missing say nothing."""
    away = (rows - mean) / spread
    each = np.where(np.isnan(away), 0.0, -0.5 * away * away - np.log(spread))
    total: NDArray[np.float64] = each[:, 0] + each[:, 1] + each[:, 2] + each[:, 3]
    return total


def _bounded(value: float, limit: float) -> float:
    return min(limit, max(-limit, value))


def _row(values: list[float]) -> _Row:
    return float(values[0]), float(values[1]), float(values[2]), float(values[3])
