"""How likely each posture is, of seconds, under what is expected of one wearer.

Student's t instead of the normal distribution, since people differ more than normally. One sensor may say
what has nothing to do with the posture (a head that turns, a strap that slips): with more than one, each
is also left out in turn, at the rate at which such things happen.

All sums are term by term: a matrix product may differ with the number of rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.core.posture_model import CLASSES, Expected, PostureModel
from contracts.vocabulary import Placement

Logs = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Likelihood:
    """Whitening rows of every class with all sensors and with each left out, k of them in all.

    ``scale`` (d, d, k), lower triangles; ``offset`` (d, k); ``power`` and ``constant`` (k,).
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
        width = math.log(2 * model.numbers.outlier_width_deg)
        size = 2 * len(placements)
        freedom = model.numbers.degrees_of_freedom
        scale = np.zeros((size, size, len(choices) * len(CLASSES)))
        offset = np.zeros((size, scale.shape[2]))
        power, constant = np.zeros(scale.shape[2]), np.zeros(scale.shape[2])
        k = 0
        for kept, rate in choices:
            for posture in expected:
                used = len(kept)
                rows = np.linalg.inv(
                    np.linalg.cholesky(posture.covariance_deg2[np.ix_(kept, kept)])
                )
                scale[np.ix_(kept, kept, [k])] = rows[:, :, None]
                offset[kept, k] = (rows * posture.mean_deg[kept]).sum(axis=1)
                power[k] = (freedom + used) / 2
                constant[k] = (
                    math.lgamma(power[k])
                    - math.lgamma(freedom / 2)
                    - used / 2 * math.log(freedom * math.pi)
                    + float(np.log(np.diag(rows)).sum())
                    + math.log(rate)
                    - (size - used) * width
                )
                k += 1
        return cls(freedom, scale, offset, power, constant)

    def logs(self, inclinations_deg: Sequence[NDArray[np.float64]]) -> Logs:
        """(n, 6) log density of each class for d columns of (n,) inclinations."""
        count = inclinations_deg[0].size
        distance = np.zeros((count, self.power.size))
        for i in range(len(inclinations_deg)):
            whitened = np.zeros_like(distance) - self.offset[i]
            for j in range(i + 1):
                if self.scale[i, j].any():
                    whitened += inclinations_deg[j][:, None] * self.scale[i, j]
            distance += whitened * whitened
        each = self.constant - self.power * np.log1p(distance / self.degrees_of_freedom)
        total: Logs = each[:, : len(CLASSES)]
        for first in range(len(CLASSES), each.shape[1], len(CLASSES)):
            total = np.logaddexp(total, each[:, first : first + len(CLASSES)])
        return total


def shares(logs: Logs) -> NDArray[np.float64]:
    """(n, 6) probabilities of classes that were equally likely before."""
    best = logs.max(axis=1)
    parts = np.exp(logs - best[:, None])
    total = parts[:, 0].copy()
    for column in range(1, parts.shape[1]):
        total += parts[:, column]
    probability: NDArray[np.float64] = parts / total[:, None]
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
