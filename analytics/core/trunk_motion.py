"""How the trunk moved over the last seconds, in figures that do not depend on how the sensor sits.

Everything is split by gravity: about and along the vertical, and level with it, where the two
principal directions are taken, since nothing says which way is forward. Each figure is the base-10
logarithm of a mean square, so that a difference of two is a ratio, with the noise of an ordinary sensor
added: what is far below it tells nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.core.joining import SecondTable
from analytics.core.rows import (
    ACC_CHANGE_SQ,
    ACC_SQ,
    ACC_X,
    CHANGE_S,
    GYRO_CHANGE_SQ,
    GYRO_X,
    GYRO_XX,
    MAG,
    MAG_CHANGE_SQ,
    SUMS,
)
from contracts.vocabulary import Placement

#: Seconds that a figure looks back on, and the least it is told of.
MOTION_WINDOW_S: Final = 6
MIN_MOTION_S: Final = 3
#: Mean squares of an ordinary sensor's noise, and of the mean of a second of it.
ACCEL_NOISE_SQ: Final = 1e-4
GYRO_NOISE_SQ: Final = 2e-5
_AVERAGED: Final = 1 / 20
#: Two readings differ by twice the noise's mean square; over CHANGE_S that is this rate of change.
_CHANGE_NOISE: Final = 2 / CHANGE_S**2

#: What :func:`figures` gives, in this order, as log10 of mean squares in SI units.
FIGURES: Final = (
    "turning about the vertical within a second",
    "tilting within a second, most",
    "tilting within a second, least",
    "turning about the vertical from second to second",
    "heaving from second to second",
    "swaying from second to second, most",
    "swaying from second to second, least",
    "change of acceleration",
    "change of turn rate",
    "shake of the acceleration's length",
    "change of the acceleration's length",
)

#: The sternum first: the most was learned of it.
_MOTION_ORDER: Final = (
    Placement.STERNUM,
    Placement.T4,
    Placement.C7,
    Placement.T12,
    Placement.L5,
    Placement.HEAD,
)
_OUTER: Final = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
_FIRST, _SECOND = (np.array(pair) for pair in zip(*_OUTER, strict=True))

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class BestSensor:
    """Of each second the sensor that shows best how the trunk moves.

    ``column`` (n,) of the table; ``count`` (n,) samples, 0 where no sensor has any; ``rate_hz`` (n,);
    ``sums`` (n, SUMS).
    """

    column: NDArray[np.int64]
    count: NDArray[np.int32]
    rate_hz: Floats
    sums: Floats

    @classmethod
    def of(cls, table: SecondTable) -> BestSensor:
        """The upper trunk before the lower one, the head last; from a non-empty table."""
        order = [table.placements.index(p) for p in _MOTION_ORDER if p in table.placements]
        best, count = order[0], table.count[:, order[0]]
        if count.all():
            column = np.full(len(table), best, np.int64)
            return cls(column, count, table.rate_hz[:, best], table.sums[:, best])
        column = np.full(len(table), order[-1], np.int64)
        for index in reversed(order):
            column = np.where(table.count[:, index] > 0, index, column)
        row = np.arange(len(table))
        return cls(
            column,
            table.count[row, column],
            table.rate_hz[row, column],
            table.sums[row, column],
        )

    def before(self, following: BestSensor) -> BestSensor:
        """These seconds and the following ones."""
        return BestSensor(
            np.concatenate([self.column, following.column]),
            np.concatenate([self.count, following.count]),
            np.concatenate([self.rate_hz, following.rate_hz]),
            np.concatenate([self.sums, following.sums]),
        )

    def last(self, seconds: int) -> BestSensor:
        """The last seconds, by themselves: a view would keep all of them in memory."""
        return BestSensor(
            self.column[-seconds:].copy(),
            self.count[-seconds:].copy(),
            self.rate_hz[-seconds:].copy(),
            self.sums[-seconds:].copy(),
        )

    @classmethod
    def nothing(cls, seconds: int) -> BestSensor:
        """Seconds without a sample."""
        return cls(
            np.full(seconds, -1, np.int64),
            np.zeros(seconds, np.int32),
            np.zeros(seconds),
            np.zeros((seconds, SUMS)),
        )

    def state(self) -> tuple[bytes, bytes, bytes, bytes]:
        """The seconds as bytes."""
        return (
            self.column.tobytes(),
            self.count.tobytes(),
            self.rate_hz.tobytes(),
            self.sums.tobytes(),
        )

    @classmethod
    def from_state(cls, state: tuple[bytes, bytes, bytes, bytes]) -> BestSensor:
        """The seconds that :meth:`state` was taken of."""
        column, count, rate_hz, sums = state
        return cls(
            np.frombuffer(column, np.int64),
            np.frombuffer(count, np.int32),
            np.frombuffer(rate_hz),
            np.frombuffer(sums).reshape(-1, SUMS),
        )


def figures(seconds: BestSensor, reach: NDArray[np.int64]) -> Floats:
    """(len(FIGURES), n) of the last n seconds, each over up to MOTION_WINDOW_S of them.

    ``seconds`` begin MOTION_WINDOW_S − 1 before the first of the n; ``reach`` (n,): how many seconds, a
    second itself counted, are looked back on where that is less.
    """
    means = _trailing_means(_values(seconds), reach)
    accel, gyro = means[:3], means[3:6]
    # over seconds the acceleration is gravity's, whatever the steps; no filter has to settle for it
    length = np.sqrt(accel[0] * accel[0] + accel[1] * accel[1] + accel[2] * accel[2])
    up = accel / np.maximum(length, 1e-9)
    heave, sway_most, sway_least = _split(means[6:12] - accel[_FIRST] * accel[_SECOND], up)
    yaw_between, _, _ = _split(means[12:18] - gyro[_FIRST] * gyro[_SECOND], up)
    yaw_within, tilt_most, tilt_least = _split(means[18:24], up)
    accel_noise, gyro_noise = ACCEL_NOISE_SQ, GYRO_NOISE_SQ
    return np.stack(
        [
            _level(yaw_within, gyro_noise),
            _level(tilt_most, gyro_noise),
            _level(tilt_least, gyro_noise),
            _level(yaw_between, gyro_noise * _AVERAGED),
            _level(heave, accel_noise * _AVERAGED),
            _level(sway_most, accel_noise * _AVERAGED),
            _level(sway_least, accel_noise * _AVERAGED),
            _level(means[24], accel_noise * _CHANGE_NOISE),
            _level(means[25], gyro_noise * _CHANGE_NOISE),
            _level(means[28] - means[27] * means[27], accel_noise),
            _level(means[26], accel_noise * _CHANGE_NOISE),
        ]
    )


def _values(seconds: BestSensor) -> Floats:
    """(29, m) a second's means: acceleration, turn rate; the products of these; the covariance of the
    turn rate; squared rates of change; length of the acceleration and its square.
    """
    mean = (seconds.sums / np.maximum(seconds.count, 1.0)[:, None]).T
    accel, gyro = mean[ACC_X : ACC_X + 3], mean[GYRO_X : GYRO_X + 3]
    gyro_products = gyro[_FIRST] * gyro[_SECOND]
    per_s = seconds.rate_hz / np.maximum(np.rint(seconds.rate_hz * CHANGE_S), 1.0)
    rate_sq = per_s * per_s
    return np.concatenate(
        [
            accel,
            gyro,
            accel[_FIRST] * accel[_SECOND],
            gyro_products,
            mean[GYRO_XX : GYRO_XX + 6] - gyro_products,
            mean[[ACC_CHANGE_SQ, GYRO_CHANGE_SQ, MAG_CHANGE_SQ]] * rate_sq,
            mean[[MAG, ACC_SQ]],
        ]
    )


def _trailing_means(values: Floats, reach: NDArray[np.int64]) -> Floats:
    """(k, n) means of (k, n + w − 1) values over the last ``reach`` ≤ w seconds, in a fixed order."""
    behind = MOTION_WINDOW_S - 1
    size = values.shape[1] - behind
    total = values[:, behind:].copy()
    for back in range(1, MOTION_WINDOW_S):
        total += np.where(reach > back, values[:, behind - back : behind - back + size], 0.0)
    means: Floats = total / np.clip(reach, 1, MOTION_WINDOW_S)
    return means


def _split(products: Floats, up: Floats) -> tuple[Floats, Floats, Floats]:
    """(n,) variance along (3, n) ``up``, and the greater and lesser principal one level with it.

    ``products`` (6, n): xx, xy, xz, yy, yz, zz of the covariance.
    """
    xx, xy, xz, yy, yz, zz = products
    # the level part's determinant is that of the whole matrix' adjugate along 'up'
    adjugate = np.stack(
        [yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy,
         xx * zz - xz * xz, xy * xz - xx * yz, xx * yy - xy * xy]
    )  # fmt: skip
    along = _form(products, up)
    half = (xx + yy + zz - along) / 2
    apart = np.sqrt(np.maximum(half * half - _form(adjugate, up), 0.0))
    return along, half + apart, half - apart


def _form(products: Floats, up: Floats) -> Floats:
    x, y, z = up
    xx, xy, xz, yy, yz, zz = products
    form: Floats = x * x * xx + y * y * yy + z * z * zz + 2 * (x * y * xy + x * z * xz + y * z * yz)
    return form


def _level(mean_sq: Floats, noise_sq: float) -> Floats:
    level: Floats = np.log10(np.maximum(mean_sq, 0.0) + noise_sq)
    return level
