"""How likely each posture is, of seconds, under what is expected of one wearer.

Student's t instead of the normal distribution, since people differ more than normally. One sensor may say
what has nothing to do with the posture (a head that turns, a strap that slips): with more than one, each
is also left out in turn, at the rate at which such things happen.

Angles are whole hundredths of degrees and the numbers they are multiplied with whole multiples of STEP, so
that the matrix product is exact, however many rows it has.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.core.posture_model import CLASSES, Expected, PostureModel
from contracts.vocabulary import Placement

Logs = NDArray[np.float64]

#: 0.01° times 2**15 at the most, times a weight below 1, times 2**30, and 8 of them: within 2**53.
STEP: Final = 2.0**-30


@dataclass(frozen=True, slots=True, eq=False)
class Likelihood:
    """Six densities with all sensors, then six with each sensor left out that may be: k in all.

    Each is a Student's t, whose inclinations are whitened (decorrelated, of unit spread) first, all k by
    one product. ``scale`` (d, d · k): what hundredths of degrees are multiplied with, k columns for each
    of d whitened values; ``offset`` (d · k,): the whitened means; ``power`` and ``constant`` (k,): of
    (1 + squared distance / degrees of freedom), and its logarithm's summand.
    """

    degrees_of_freedom: float
    scale: NDArray[np.float64]
    offset: NDArray[np.float64]
    power: NDArray[np.float64]
    constant: NDArray[np.float64]

    @classmethod
    def of(
        cls, model: PostureModel, placements: Sequence[Placement], expected: Sequence[Expected]
    ) -> Likelihood:
        """Of one wearer's expectations at m placements: d = 2m inclinations."""
        choices = _choices(placements, model.numbers.outlier_rates)
        size, classes = 2 * len(placements), len(CLASSES)
        freedom = model.numbers.degrees_of_freedom
        width = math.log(2 * model.numbers.outlier_width_deg)
        covariance = np.stack([posture.covariance_deg2 for posture in expected])
        mean = np.stack([posture.mean_deg for posture in expected])
        scale = np.zeros((size, size, len(choices), classes))
        offset = np.zeros((size, len(choices), classes))
        power, constant = np.empty((2, len(choices), classes))
        for choice, (kept, rate) in enumerate(choices):
            used = len(kept)
            at = np.ix_(range(classes), kept, kept)
            rows = np.linalg.inv(np.linalg.cholesky(covariance[at]))
            scale[np.ix_(kept, kept, [choice])] = rows.transpose(2, 1, 0)[:, :, None]
            offset[kept, choice] = (rows * mean[:, None, kept]).sum(axis=2).T
            power[choice] = (freedom + used) / 2
            volume = np.log(np.diagonal(rows, axis1=1, axis2=2)).sum(axis=1)
            left_out = math.log(rate) - (size - used) * width
            constant[choice] = _log_constant(freedom, used) + left_out + volume
        whole = np.rint(scale.reshape(size, -1) / 100 / STEP) * STEP
        return cls(freedom, whole, offset.reshape(-1), power.reshape(-1), constant.reshape(-1))

    def logs(self, inclinations_deg: NDArray[np.float64]) -> Logs:
        """(n, 6) log density of each class for (n, d) inclinations."""
        whitened = np.rint(inclinations_deg * 100) @ self.scale - self.offset
        whitened *= whitened
        k = self.power.size
        distance = whitened[:, :k]
        for first in range(k, whitened.shape[1], k):
            distance = distance + whitened[:, first : first + k]
        each = self.constant - self.power * np.log1p(distance / self.degrees_of_freedom)
        # whichever sensor is off, a class is as likely as all its ways together
        total: Logs = each[:, : len(CLASSES)]
        for first in range(len(CLASSES), k, len(CLASSES)):
            total = np.logaddexp(total, each[:, first : first + len(CLASSES)])
        return total


def _log_constant(freedom: float, used: int) -> float:
    """The constant of a Student's t in ``used`` dimensions, but for its volume."""
    return (
        math.lgamma((freedom + used) / 2)
        - math.lgamma(freedom / 2)
        - used / 2 * math.log(freedom * math.pi)
    )


def shares(logs: Logs) -> NDArray[np.float64]:
    """(n, 6) probabilities of classes that were equally likely before."""
    probability: NDArray[np.float64] = np.exp(logs - logs.max(axis=1)[:, None])
    probability /= probability.sum(axis=1)[:, None]
    return probability


def _choices(
    placements: Sequence[Placement], rates: Mapping[str, float]
) -> list[tuple[list[int], float]]:
    """Which of the inclinations are used, and at which rate: all, then each sensor left out."""
    m = len(placements)
    choices = [(list(range(2 * m)), 1.0)]
    if m > 1:
        for column, placement in enumerate(placements):
            rate = rates.get(placement.value, 0.0)
            if rate > 0.0:
                choices.append(([i for i in range(2 * m) if i % m != column], rate))
    return choices
