"""Whether a confidence means what it says: of the seconds said with 0.8, are 0.8 right?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.validation.bootstrap import Estimate, Floats, divided, estimate

BINS: Final = 10


@dataclass(frozen=True, slots=True)
class ReliabilityRow:
    """Seconds whose confidence is in [low, high), the last bin's in [low, 1]. NaN of an empty bin."""

    low: float
    high: float
    seconds: int
    mean_confidence: float
    right: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """The table, and the expected calibration error: |right − confidence| of a bin, by its seconds."""

    rows: tuple[ReliabilityRow, ...]
    expected_error: Estimate


def reliability(people: Sequence[tuple[Floats, NDArray[np.bool_]]]) -> Reliability:
    """From each person's (confidence, right) a second; BINS bins of equal width over 0 to 1."""
    sums = np.array([_sums(confidence, right) for confidence, right in people])
    sums = sums.reshape(len(people), BINS, 3)
    count, confidence, right = np.moveaxis(sums.sum(axis=0), -1, 0)
    means, shares = divided(confidence, count), divided(right, count)
    rows = tuple(
        ReliabilityRow(k / BINS, (k + 1) / BINS, int(count[k]), float(means[k]), float(shares[k]))
        for k in range(BINS)
    )
    return Reliability(rows, estimate(expected_error_of, sums))


def expected_error_of(sums: Floats) -> Floats:
    """Of (..., BINS, 3) sums of seconds, confidence and seconds right."""
    off = np.abs(sums[..., 2] - sums[..., 1]).sum(axis=-1)
    return divided(off, sums[..., 0].sum(axis=-1))


def _sums(confidence: Floats, right: NDArray[np.bool_]) -> Floats:
    """(BINS, 3) of one person."""
    # confidences are hundredths: in whole ones, 0.3 is not below its bin's edge
    bins = np.minimum(np.rint(confidence * 100).astype(np.int64) // (100 // BINS), BINS - 1)
    weights = (np.ones_like(confidence), confidence, right.astype(np.float64))
    return np.stack([np.bincount(bins, w, minlength=BINS) for w in weights], axis=1)
