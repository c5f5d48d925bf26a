"""95 % intervals over people: whole people are drawn, since one person's seconds are alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

DRAWS: Final = 2000
SEED: Final = 20_260_101
LEVEL: Final = 0.95

Floats = NDArray[np.float64]
#: Sums over people, (..., *shape), to a figure (...): any figure that is made of sums.
Statistic = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its interval; NaN where there is nothing to make it of.

    The interval says how far the figure could be with other people of the same kind. Of one person
    there is none.
    """

    value: float
    low: float
    high: float


def estimate(statistic: Statistic, sums: Floats, value: float | None = None) -> Estimate:
    """``statistic`` of all people, and its percentile interval over people drawn with replacement.

    ``sums`` is (people, *shape), what each person adds. ``value``: the figure, where another has
    computed it.
    """
    if value is None:
        value = float(statistic(sums.sum(axis=0)))
    if len(sums) < 2:
        return Estimate(value, float("nan"), float("nan"))
    drawn = statistic(np.tensordot(draw_weights(len(sums)), sums, axes=1))
    drawn = drawn[np.isfinite(drawn)]
    if not drawn.size:
        return Estimate(value, float("nan"), float("nan"))
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value, float(low), float(high))


def draw_weights(people: int) -> Floats:
    """(DRAWS, people) how often each person is in each draw; every row adds up to ``people``."""
    rng = np.random.default_rng([SEED, people])
    return rng.multinomial(people, np.full(people, 1.0 / people), size=DRAWS).astype(np.float64)


def mean_over_people(values: Floats) -> Estimate:
    """The mean of one figure a person, (people,); people without one (NaN) are left out."""
    known = values[np.isfinite(values)]
    return estimate(_mean, np.stack([known, np.ones_like(known)], axis=1))


def divided(part: Floats, whole: Floats) -> Floats:
    """``part`` / ``whole``, NaN of nothing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(whole > 0, part / whole, np.nan), dtype=np.float64)


def _mean(sums: Floats) -> Floats:
    return divided(sums[..., 0], sums[..., 1])
