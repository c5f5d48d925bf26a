"""Samples to what is summed of them; and from sums back to means and covariances."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.core.rows import (
    ACC_CHANGE_SQ,
    ACC_SQ,
    ACC_X,
    ACC_Z,
    GYRO_CHANGE_SQ,
    GYRO_X,
    GYRO_XX,
    GYRO_YY,
    GYRO_Z,
    GYRO_ZZ,
    MAG,
    MAG_CHANGE_SQ,
    MAG_STEP_SQ,
    RAILED,
    SAME,
    SUMS,
)
from contracts.units import STANDARD_GRAVITY_M_S2

#: A reading that repeats exactly is at the end of its range if it is this far out: a body passes
#: there, it does not stay. The least range of a sensor is ± 2 g and ± 125 deg/s (2.2 rad/s).
RAILED_ACCEL_M_S2: Final = 1.5 * STANDARD_GRAVITY_M_S2
RAILED_GYRO_RAD_S: Final = 2.0
_RAILED: Final = np.array([RAILED_ACCEL_M_S2] * 3 + [RAILED_GYRO_RAD_S] * 3, np.float32)
#: What :func:`fill_in` needs of the samples before: acceleration, turn rate, magnitude.
STEPPED: Final = MAG + 1 - ACC_X
#: Which product of the turn rate belongs where in the matrix of nine.
_MATRIX: Final = GYRO_XX + np.array([0, 1, 2, 1, 3, 4, 2, 4, 5])

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
    gyro, products = values[GYRO_X : GYRO_Z + 1], values[GYRO_XX : GYRO_ZZ + 1]
    np.multiply(gyro[0], gyro, out=products[:3])
    np.multiply(gyro[1], gyro[1:], out=products[3:5])
    np.multiply(gyro[2], gyro[2], out=products[5])
    _squared_length(values[ACC_X : ACC_Z + 1], values[ACC_SQ])
    np.sqrt(values[ACC_SQ], out=values[MAG])
    lag, stepped = before.shape[1], values[ACC_X : MAG + 1]
    steps = values[MAG_STEP_SQ]
    np.subtract(stepped[-1, 1:], stepped[-1, :-1], out=steps[1:])
    steps[0] = stepped[-1, 0] - before[-1, -1]
    changes = np.empty_like(stepped)
    np.subtract(stepped[:, lag:], stepped[:, :-lag], out=changes[:, lag:])
    first = stepped[:, :lag] - before[:, : steps.size]
    first[np.isnan(first)] = 0.0
    changes[:, :lag] = first
    for at in breaks.tolist():
        changes[:, at : at + lag] = 0.0
        steps[at] = 0.0
    np.multiply(steps, steps, out=steps)
    _squared_length(changes[:3], values[ACC_CHANGE_SQ])
    _squared_length(changes[3:6], values[GYRO_CHANGE_SQ])
    np.multiply(changes[6], changes[6], out=values[MAG_CHANGE_SQ])
    after = np.concatenate([before, stepped[:, -lag:]], axis=1)[:, -lag:].copy()
    if breaks.size:
        after[:, : max(0, int(breaks[-1]) - steps.size + lag)] = np.nan
    return after


def _squared_length(vector: Array, out: Array) -> None:
    """The squared lengths of (3, n) vectors into ``out`` (n,)."""
    squares = vector * vector
    np.add(squares[0], squares[1], out=out)
    out += squares[2]


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


def mean_square(sums: Array, count: NDArray[np.int32], vector: int) -> Array:
    """(…,) mean squared length of a vector (ACC_X or GYRO_X); 0 where none was counted."""
    if vector == ACC_X:
        total: Array = sums[..., ACC_SQ]
    else:
        total = sums[..., GYRO_XX] + sums[..., GYRO_YY] + sums[..., GYRO_ZZ]
    return total / np.maximum(count, 1)


def turn_covariance(sums: Array, count: NDArray[np.int32]) -> Array:
    """(…, 3, 3) covariance of the turn rate over the samples of (…, SUMS) sums, rad²/s².

    Rows of several seconds may be added up before. NaN where none was counted; a variance of what
    hardly moves is right to some 1e-15 of its mean's square and may be that little below zero.
    """
    n = np.where(count > 0, count, np.nan)[..., None]
    mean = mean_of(sums, count, GYRO_X)
    products = (sums[..., _MATRIX] / n).reshape(*sums.shape[:-1], 3, 3)
    covariance: Array = products - mean[..., :, None] * mean[..., None, :]
    return covariance
