"""Which way is up along the trunk of a wearer who has not calibrated: to tell lying from upright.

Gravity's direction in a sensor's axes means something only within the session, since nobody knows how
the sensor sits. What tells it, the first that is there:

1. walking: who walks is upright;
2. the printed mounting (x towards the head) together with the first rest, where they are within 60°;
3. the first rest, once its movement has said that it is not lying; until then, that it is.
"""

from __future__ import annotations

from math import exp, sqrt
from typing import Any, Final

#: Seconds of walking that tell which way is up, and how many are remembered.
MIN_WALKED_S: Final = 10
MAX_WALKED_S: Final = 600
#: Cosine of 60°: further off upright is lying.
LYING_COSINE: Final = 0.5
#: Of a first rest far off the printed mounting: how much likelier it is that the wearer lies than that
#: the sensor sits otherwise; and the odds below which the movement has said that it does.
LYING_AT_FIRST_ODDS: Final = 4.0
UPRIGHT_ODDS: Final = 0.05
MAX_ODDS: Final = 1e6

Direction = tuple[float, float, float]
_PRINTED: Final[Direction] = (1.0, 0.0, 0.0)


class Uprightness:
    """One sensor's seconds in, whether each is lying out."""

    def __init__(self) -> None:
        self._walked: Direction = (0.0, 0.0, 0.0)
        self._walked_s = 0
        self._rested: Direction = (0.0, 0.0, 0.0)
        self._lying_odds = LYING_AT_FIRST_ODDS
        self._upright: Direction | None = None

    def walked(self, up: Direction) -> None:
        """A second of walking with this unit 'up' in sensor axes."""
        fresh = 1 / MAX_WALKED_S
        x, y, z = (
            (1 - fresh) * old + fresh * new for old, new in zip(self._walked, up, strict=True)
        )
        self._walked = (x, y, z)
        self._walked_s = min(self._walked_s + 1, MAX_WALKED_S)
        if self._walked_s >= MIN_WALKED_S:
            self._upright = _unit(self._walked, up)

    def rested(self, up: Direction, evidence: float) -> bool:
        """Whether a quiet second with this unit 'up' is lying; ``evidence``: nats for it, of movement."""
        if self._upright is None:
            if self._rested == (0.0, 0.0, 0.0) and _cosine(up, _PRINTED) >= LYING_COSINE:
                self._upright = _unit(_sum(up, _PRINTED), up)
            else:
                return self._lies_as_it_moves(up, evidence)
        return _cosine(up, self._upright) < LYING_COSINE

    def _lies_as_it_moves(self, up: Direction, evidence: float) -> bool:
        self._rested = _sum(self._rested, up)
        self._lying_odds = min(self._lying_odds * exp(evidence), MAX_ODDS)
        if self._lying_odds < UPRIGHT_ODDS:
            self._upright = _unit(self._rested, up)
        return self._lying_odds >= 1.0

    def state(self) -> tuple[Direction, int, Direction, float, Direction | None]:
        """Plain values."""
        return self._walked, self._walked_s, self._rested, self._lying_odds, self._upright

    @classmethod
    def from_state(cls, state: Any) -> Uprightness:
        """What :meth:`state` was taken of."""
        restored = cls()
        walked, restored._walked_s, rested, restored._lying_odds, upright = state
        restored._walked, restored._rested = _direction(walked), _direction(rested)
        restored._upright = None if upright is None else _direction(upright)
        return restored


def _direction(values: Any) -> Direction:
    x, y, z = values
    return float(x), float(y), float(z)


def _sum(one: Direction, other: Direction) -> Direction:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def _cosine(one: Direction, other: Direction) -> float:
    return one[0] * other[0] + one[1] * other[1] + one[2] * other[2]


def _unit(vector: Direction, otherwise: Direction) -> Direction:
    """The vector at length 1; ``otherwise`` where it has next to none."""
    length = sqrt(_cosine(vector, vector))
    if length < 1e-9:
        return otherwise
    return vector[0] / length, vector[1] / length, vector[2] / length
