"""A sensor's readings to where 'up' points in its own axes, sample by sample.

VQF (Laidig and Seel 2023, 6D: accelerometer and gyroscope) at the nominal rate. Its state can be saved
and set, so that stop-and-resume is bit exact.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from vqf import VQF

from analytics.core.gaps import Gaps

#: How slowly the accelerometer corrects the gyroscope (VQF's default is 3 s). A car speeds up and brakes for
#: seconds: at 4.5 s less of that becomes tilt, and a hand-held body's inclination is hardly worse for it.
TAU_ACC_S: Final = 4.5
#: A reading that jumps by this much away from its neighbours and back within one sample is no movement
#: of a trunk: real sensors give isolated glitches of 1520 deg/s and 12 g.
GYRO_SPIKE_RAD_S: Final = 4.0
ACCEL_SPIKE_M_S2: Final = 30.0
_SPIKE: Final = np.array([ACCEL_SPIKE_M_S2] * 3 + [GYRO_SPIKE_RAD_S] * 3, dtype=np.float32)

Vector = NDArray[np.float64]


def repair_spikes(si: NDArray[np.float32]) -> NDArray[np.float32]:
    """Readings with isolated one-sample spikes replaced by the median of three.

    ``si`` (n, 6) with a neighbour on either side; gives (n - 2, 6). Depends on each sample and its two
    neighbours only, so it does not matter where the data was cut.
    """
    inner = si[1:-1]
    flat = si.reshape(-1)
    step = np.abs(flat[6:] - flat[:-6])
    if not step.size or float(step.max()) <= GYRO_SPIKE_RAD_S:
        return inner
    change = np.diff(si, axis=0)
    before, after = change[:-1], change[1:]
    spike = (np.abs(before) > _SPIKE) & (np.abs(after) > _SPIKE) & (before * after < 0)
    rows = np.flatnonzero(spike.any(axis=1))
    if not rows.size:
        return inner
    repaired = inner.copy()
    repaired[rows] = np.median(np.stack([si[rows], si[rows + 1], si[rows + 2]]), axis=0)
    return repaired


def turn_rate(series: Vector, gaps: Gaps) -> Vector:
    """(3, n) rad/s, constant from the sample before to each, that turn a sensor as it turned.

    ``series`` (3, n + 2) rad/s: readings at the samples' times, the two before first. The integral of
    the parabola through three readings (Adams and Moulton), and what a turning axis adds to it
    (coning: Bortz 1971, by the two readings on either side). Over a bridged gap the whole turn is in
    the one rate after it; after a longer one the rate is taken to have been the reading's all along.
    """
    now, before, earlier = series[:, 2:], series[:, 1:-1], series[:, :-2]
    if gaps.at.size:
        before, earlier = _without_past(series, gaps.at)
    turned = now * (5.0 / 12.0)
    turned += before * (8.0 / 12.0)
    turned -= earlier * (1.0 / 12.0)
    for axis, (second, third) in enumerate(((1, 2), (2, 0), (0, 1))):
        cone = before[second] * now[third] - before[third] * now[second]
        cone *= 1.0 / 12.0 / gaps.rate_hz
        turned[axis] += cone
    if gaps.at.size:
        periods = gaps.bridged_periods
        at, periods = gaps.at[periods > 0], periods[periods > 0]
        turned[:, at] = 0.5 * periods * (series[:, at + 1] + series[:, at + 2])
    return turned


def _without_past(series: Vector, breaks: NDArray[np.intp]) -> tuple[Vector, Vector]:
    """(3, n) the reading before each and the one before that, none of them from before a break."""
    now, before, earlier = series[:, 2:], series[:, 1:-1].copy(), series[:, :-2].copy()
    after = breaks[breaks + 1 < now.shape[1]]
    earlier[:, after + 1] = now[:, after]
    before[:, breaks] = earlier[:, breaks] = now[:, breaks]
    return before, earlier


def up_of(quat: Vector) -> Vector:
    """(3, n) unit 'up' in sensor axes of (n, 4) quaternions sensor → earth, w first."""
    w, x, y, z = quat.T
    up = np.empty((3, len(quat)))
    np.subtract(x * z, w * y, out=up[0])
    np.add(w * x, y * z, out=up[1])
    np.add(x * x, y * y, out=up[2])
    up[:2] *= 2.0
    up[2] *= -2.0
    up[2] += 1.0
    return up


class OrientationFilter:
    """VQF of one sensor. ``update`` takes samples in order; after a long gap it starts anew."""

    def __init__(self, rate_hz: float) -> None:
        self.rate_hz = rate_hz
        self._filter = VQF(1.0 / rate_hz, tauAcc=TAU_ACC_S)
        self._last_gyro: Vector | None = None  # (3, 2) rad/s: the two before the next; None: none

    def update(self, gyro_rad_s: Vector, accel_m_s2: Vector, gaps: Gaps) -> Vector:
        """(3, n) readings each, n ≥ 1 → (3, n) 'up' in sensor axes at the same times."""
        restarts = gaps.restarts
        if not restarts:
            return self._follow(gyro_rad_s, accel_m_s2, gaps)
        up = np.empty_like(gyro_rad_s)
        for first, last in pairwise(sorted(restarts | {0, gyro_rad_s.shape[1]})):
            if first in restarts:
                self.restart()
            piece = slice(first, last)
            gaps_inside = gaps.between(first, last)
            up[:, piece] = self._follow(gyro_rad_s[:, piece], accel_m_s2[:, piece], gaps_inside)
        return up

    def _follow(self, gyro_rad_s: Vector, accel_m_s2: Vector, gaps: Gaps) -> Vector:
        size = gyro_rad_s.shape[1]
        series = np.empty((3, size + 2))
        series[:, 2:] = gyro_rad_s
        series[:, :2] = gyro_rad_s[:, :1] if self._last_gyro is None else self._last_gyro
        turned = turn_rate(series, gaps)
        self._last_gyro = series[:, -2:].copy()
        if gaps.at.size and gaps.at[-1] == size - 1:
            self._last_gyro[:, 0] = self._last_gyro[:, 1]
        return up_of(self._filter.updateBatch(_rows(turned), _rows(accel_m_s2))["quat6D"])

    def restart(self) -> None:
        """Forget the orientation but keep the gyroscope's bias: the gap did not change it."""
        bias = {name: self._filter.state[name] for name in ("bias", "biasP")}
        self._filter.resetState()
        self._filter.state = self._filter.state | bias
        self._last_gyro = None

    def state(self) -> dict[str, Any]:
        """All there is to know to go on, as plain values."""
        last = None if self._last_gyro is None else self._last_gyro.tobytes()
        return {"rate_hz": self.rate_hz, "vqf": self._filter.state, "last_gyro": last}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> OrientationFilter:
        """The filter that :meth:`state` was taken of."""
        restored = cls(state["rate_hz"])
        restored._filter.state = state["vqf"]
        if state["last_gyro"] is not None:
            restored._last_gyro = np.frombuffer(state["last_gyro"]).reshape(3, 2)
        return restored


def _rows(columns: Vector) -> Vector:
    """(3, n) as (n, 3), contiguous; axis by axis, which takes a third of the time of a transpose."""
    rows = np.empty((columns.shape[1], 3))
    for axis in range(3):
        rows[:, axis] = columns[axis]
    return rows
