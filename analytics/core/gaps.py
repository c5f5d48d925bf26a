"""Where samples of a sensor are missing, and what becomes of the turn in between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contracts.units import NS_PER_S

#: A step longer than this many periods means that samples are missing.
GAP_PERIODS: Final = 1.5
#: Over a gap up to this long the sensor is taken to have turned evenly; over a longer one nothing is
#: known, and what it turned in the meantime is left to the accelerometer.
BRIDGED_NS: Final = NS_PER_S // 4
#: From here on the orientation filter starts anew, which takes the inclination from the accelerometer
#: at once; after less it settles within seconds.
RESTART_NS: Final = NS_PER_S


@dataclass(frozen=True, slots=True, eq=False)
class Gaps:
    """``at`` (k,) increasing indices of samples that do not follow the one before; ``step_ns`` (k,) the
    time since that one.
    """

    at: NDArray[np.intp]
    step_ns: NDArray[np.int64]
    rate_hz: float

    @classmethod
    def of_steps(cls, step_ns: NDArray[np.int64], rate_hz: float) -> Gaps:
        """The gaps among (n,) times since the sample before, n ≥ 1."""
        longest_ns = GAP_PERIODS * NS_PER_S / rate_hz
        if int(step_ns.max()) <= longest_ns:
            return cls(np.empty(0, np.intp), np.empty(0, np.int64), rate_hz)
        at = np.flatnonzero(step_ns > longest_ns)
        return cls(at, step_ns[at], rate_hz)

    @property
    def lost(self) -> int:
        """How many samples are missing."""
        return int((np.rint(self._periods()) - 1).sum())

    @property
    def restarts(self) -> set[int]:
        """Indices of samples at which the orientation filter starts anew."""
        return set(self.at[self.step_ns >= RESTART_NS].tolist())

    @property
    def bridged_periods(self) -> NDArray[np.float64]:
        """(k,) periods that are bridged, 0 where the gap is too long for it."""
        return np.where(self.step_ns <= BRIDGED_NS, np.rint(self._periods()), 0.0)

    def between(self, first: int, last: int) -> Gaps:
        """Those of samples [first, last), counted from there."""
        if not self.at.size:
            return self
        inside = slice(*self.at.searchsorted((first, last)))
        return Gaps(self.at[inside] - first, self.step_ns[inside], self.rate_hz)

    def _periods(self) -> NDArray[np.float64]:
        return np.multiply(self.step_ns, self.rate_hz / NS_PER_S, dtype=np.float64)
