"""A body segment's axes in the axes of the sensor on it, however that sits."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.units import DEG_PER_RAD

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SegmentAxes:
    """Unit vectors in sensor axes, at the wearer's neutral: up, back (posterior) and left.

    ``front_log_odds``: how sure it is that front and back are not exchanged, as the logarithm of odds;
    infinite where the calibration tells them apart.
    """

    up: Vector
    back: Vector
    left: Vector
    front_log_odds: float = math.inf

    @property
    def two_fold(self) -> bool:
        """Whether front and back may be exchanged.

        Flexion and lateral inclination then hold as given or both with the other sign.
        """
        return math.isfinite(self.front_log_odds)

    @classmethod
    def of(
        cls, up: Vector, towards_back: Vector, *, front_log_odds: float = math.inf
    ) -> SegmentAxes:
        """Axes of a unit ``up`` and anything that has a horizontal part towards the back."""
        back = unit(across(towards_back, up))
        return cls(up, back, np.cross(back, up), front_log_odds)

    def flexion_deg(self, up: Vector) -> Vector:
        """Sagittal inclination of (n, 3) 'up' vectors, forward positive."""
        return np.arctan2(dot(up, self.back), dot(up, self.up)) * DEG_PER_RAD

    def lateral_deg(self, up: Vector) -> Vector:
        """Lateral inclination of (n, 3) unit 'up' vectors, right positive."""
        return np.arcsin(np.clip(dot(up, self.left), -1.0, 1.0)) * DEG_PER_RAD

    def at(self, up: Vector) -> SegmentAxes:
        """The same sensor at another neutral: back stays back, as far as it is level there."""
        return SegmentAxes.of(up, np.cross(up, self.left), front_log_odds=self.front_log_odds)

    def state(self) -> list[float]:
        """Plain values."""
        return [*self.up.tolist(), *self.back.tolist(), *self.left.tolist(), self.front_log_odds]

    @classmethod
    def from_state(cls, state: list[float]) -> SegmentAxes:
        """The axes that :meth:`state` was taken of."""
        up, back, left = np.array(state[:9]).reshape(3, 3)
        return cls(up, back, left, state[9])


def dot(rows: Vector, axis: Vector) -> Vector:
    """(n, 3) · (3,) term by term: a BLAS product may differ with the number of rows."""
    products: Vector = rows[:, 0] * axis[0] + rows[:, 1] * axis[1] + rows[:, 2] * axis[2]
    return products


def unit(vector: Vector) -> Vector:
    """A (3,) vector at length 1."""
    scaled: Vector = vector / length(vector)
    return scaled


def length(vector: Vector) -> float:
    """The length of a (3,) vector."""
    return float(np.sqrt((vector * vector).sum()))


def across(vector: Vector, up: Vector) -> Vector:
    """The part of a (3,) vector at right angles to a unit ``up``."""
    level: Vector = vector - up * float((vector * up).sum())
    return level


def between_deg(one: Vector, other: Vector) -> float:
    """Angle between two (3,) vectors."""
    cosine = float((one * other).sum()) / (length(one) * length(other))
    return float(np.arccos(min(1.0, max(-1.0, cosine)))) * DEG_PER_RAD
