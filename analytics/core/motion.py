"""Samples to what is summed of them; and from sums back to means and covariances."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.core.rows import (
    ACC_CHANGE_XX,
    ACC_X,
    ACC_XX,
    ACC_YY,
    ACC_ZZ,
    GYRO_X,
    GYRO_XX,
    GYRO_Z,
    MAG,
    MAG_CHANGE_SQ,
    MAG_STEP_SQ,
    RAILED,
    SAME,
    SUMS,
    UP_X,
    UP_XX,
)
from contracts.units import STANDARD_GRAVITY_M_S2

#: A reading that repeats exactly is at the end of its range if it is this far out: a body passes
#: there, it does not stay. The least range of a sensor is ± 2 g and ± 125 deg/s (2.2 rad/s).
RAILED_ACCEL_M_S2: Final = 1.5 * STANDARD_GRAVITY_M_S2
RAILED_GYRO_RAD_S: Final = 2.0
_RAILED: Final = np.array([RAILED_ACCEL_M_S2] * 3 + [RAILED_GYRO_RAD_S] * 3, np.float32)
#: What :func:`fill_in` needs of the samples before: acceleration, turn rate, magnitude.
STEPPED: Final = MAG + 1 - ACC_X
#: Where xx, xy, … of a vector's six products belong in its matrix of nine.
_MATRIX: Final = np.array([0, 1, 2, 1, 3, 4, 2, 4, 5])
_VECTORS: Final = 3

Array = NDArray[np.float64]


def sums_of(clean: NDArray[np.floating]) -> Array:
    """(SUMS, n) of which only the readings are filled in: of (n, 6) samples in m/s² and rad/s."""
    values = np.empty((SUMS, len(clean)))
    values[ACC_X : GYRO_Z + 1] = clean.T
    return values


def nothing_before(lag: int) -> Array:
    """(STEPPED, lag) what :func:`fill_in` takes where no samples were before."""
    return np.full((STEPPED, lag), np.nan)


def fill_in(values: Array, before: Array, breaks: NDArray[np.intp]) -> Array:
    """From readings and 'up' in ``values`` (SUMS, n) all else, SAME and RAILED apart.

    ``before`` (STEPPED, lag): rows ACC_X to MAG of the samples before the first, NaN where they do not
    count; ``breaks``: increasing indices of samples that do not follow the one before, 0 among them
    where none was before. What the next call takes as ``before`` is given back.
    """
    vectors = values[:MAG].reshape(_VECTORS, 3, -1)
    products = values[UP_XX : GYRO_XX + 6].reshape(_VECTORS, 6, -1)
    np.multiply(vectors[:, :1], vectors, out=products[:, :3])
    np.multiply(vectors[:, 1:2], vectors[:, 1:], out=products[:, 3:5])
    np.multiply(vectors[:, 2:], vectors[:, 2:], out=products[:, 5:])
    np.sqrt(values[ACC_XX] + values[ACC_YY] + values[ACC_ZZ], out=values[MAG])
    lag, stepped = before.shape[1], values[ACC_X : MAG + 1]
    changes, steps = values[ACC_CHANGE_XX : MAG_CHANGE_SQ + 1], values[MAG_STEP_SQ]
    np.subtract(stepped[:, lag:], stepped[:, :-lag], out=changes[:, lag:])
    first = stepped[:, :lag] - before[:, : steps.size]
    first[np.isnan(first)] = 0.0
    changes[:, :lag] = first
    np.subtract(stepped[-1, 1:], stepped[-1, :-1], out=steps[1:])
    steps[0] = stepped[-1, 0] - before[-1, -1]
    for at in breaks.tolist():
        changes[:, at : at + lag] = 0.0
        steps[at] = 0.0
    np.multiply(changes, changes, out=changes)
    np.multiply(steps, steps, out=steps)
    after = np.concatenate([before, stepped[:, -lag:]], axis=1)[:, -lag:].copy()
    if breaks.size:
        after[:, : max(0, int(breaks[-1]) - steps.size + lag)] = np.nan
    return after


def count_repeats(values: Array, readings: NDArray[np.float32], breaks: NDArray[np.intp]) -> None:
    """Fill in SAME and RAILED of ``values`` (SUMS, n), in which all else is there.

    ``readings`` (n + 1, 6) as the sensor gave them, that of the sample before first.
    """
    values[SAME:] = 0.0
    # Few samples need a look: an equal |a|, or a far reading, outlives the repair of spikes.
    suspect = values[MAG_STEP_SQ] == 0.0
    gyro = values[GYRO_X : GYRO_Z + 1]
    farthest = max(float(gyro.max()), -float(gyro.min()))
    if farthest > RAILED_GYRO_RAD_S or float(values[MAG].max()) > RAILED_ACCEL_M_S2:
        suspect |= np.any(np.abs(readings[1:]) > _RAILED, axis=1)
    suspect[breaks] = False
    at = np.flatnonzero(suspect)
    if at.size:
        now = readings[at + 1]
        equal = now == readings[at]
        values[SAME, at] = equal.all(axis=1)
        values[RAILED, at] = np.any(equal & (np.abs(now) > _RAILED), axis=1)


def mean_of(sums: Array, count: NDArray[np.int32], vector: int) -> Array:
    """(…, 3) mean of a vector (UP_X, ACC_X or GYRO_X) of (…, SUMS) sums; NaN where none was counted."""
    n = np.where(count > 0, count, np.nan)[..., None]
    mean: Array = sums[..., vector : vector + 3] / n
    return mean


def covariance_of(sums: Array, count: NDArray[np.int32], vector: int) -> Array:
    """(…, 3, 3) covariance of a vector (UP_X, ACC_X or GYRO_X) over the samples of (…, SUMS) sums.

    Rows of several seconds may be added up before. NaN where none was counted; a variance of what
    hardly moves is right to some 1e-15 of its mean's square and may be that little below zero.
    """
    n = np.where(count > 0, count, np.nan)[..., None, None]
    first = UP_XX + 2 * (vector - UP_X)
    mean = mean_of(sums, count, vector)
    products = sums[..., first + _MATRIX].reshape(*sums.shape[:-1], 3, 3) / n
    covariance: Array = products - mean[..., :, None] * mean[..., None, :]
    return covariance


def mean_square(sums: Array, count: NDArray[np.int32], vector: int) -> Array:
    """(…,) mean squared length of a vector (UP_X, ACC_X or GYRO_X); 0 where none was counted."""
    xx = UP_XX + 2 * (vector - UP_X)
    total: Array = sums[..., xx] + sums[..., xx + 3] + sums[..., xx + 5]
    return total / np.maximum(count, 1)
