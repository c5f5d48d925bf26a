"""How the wearer leans: what the model learns of one wearer within a session, and no more than that.

Upright and rounded are known from the calibration. Of leaning forward, back and to the sides there is no
pose of the wearer's own; their first minute and a half in each, as far as they are told without much
doubt, moves what is expected of them. Then it stands until the next calibration: a model that went on
learning would follow a slow slump and call it good.

Learned is block by block of LEARN_BLOCK_S from the calibration on, so that it matters neither where data
was cut nor what o'clock it is.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analytics.core.posture_model import CLASS, SIZE, Expected
from contracts.units import NS_PER_S
from contracts.vocabulary import Posture

LEARN_BLOCK_S: Final = 15
NO_BLOCK: Final = -(2**62)
#: What people in general count for, against what is learned of this one. With half of it, one of 29 people
#: with turned sensors learned the wrong leans.
PRIOR_S: Final = 30
#: What is learned of each posture, at the most.
MAX_LEARNED_S: Final = 90
#: A second is learned from where its posture is at least so probable.
MIN_PROBABILITY: Final = 0.5
#: How much of the spread between people is left once a wearer's own posture is well known.
LEAST_SPREAD: Final = 0.65
LEANS: Final = tuple(
    CLASS[p]
    for p in (Posture.FORWARD_LEAN, Posture.RECLINED, Posture.LEFT_LEAN, Posture.RIGHT_LEAN)
)

Flags = NDArray[np.bool_]


def block_of(second: NDArray[np.int64], since_ns: int) -> NDArray[np.int64]:
    """(n,) which block UTC seconds are in, counted from the second nearest to the calibration's end.

    Its windows are the same however they were handed in, but for rounding; from when on it is in force is not.
    """
    since_s = (since_ns + NS_PER_S // 2) // NS_PER_S
    block: NDArray[np.int64] = (second - since_s) // LEARN_BLOCK_S
    return block


class OwnLeans:
    """Sums of the wearer's inclinations in each leaning posture, in hundredths of degrees."""

    def __init__(self) -> None:
        self._seconds = np.zeros(len(LEANS), np.int64)
        self._sums_cdeg = np.zeros((len(LEANS), SIZE), np.int64)
        self._block = NO_BLOCK
        self._new_seconds = np.zeros_like(self._seconds)
        self._new_sums_cdeg = np.zeros_like(self._sums_cdeg)

    @property
    def complete(self) -> bool:
        """Nothing more is learned until the next calibration."""
        return bool((self._seconds >= MAX_LEARNED_S).all())

    @property
    def waits(self) -> bool:
        """Something was seen that holds from the next block on."""
        return bool(self._new_seconds.any())

    def enter(self, block: int) -> bool:
        """What was seen in an earlier block holds from this one on. Whether that changes anything."""
        if block == self._block:
            return False
        self._block = block
        new = self.waits
        if new:
            self._seconds += self._new_seconds
            self._sums_cdeg += self._new_sums_cdeg
            self._new_seconds[:] = 0
            self._new_sums_cdeg[:] = 0
        return new

    def learnable(self, probability: NDArray[np.float64]) -> Flags:
        """(n, 4) which seconds would teach something, of (n, 6) probabilities."""
        flags: Flags = probability[:, LEANS] >= MIN_PROBABILITY
        return flags & (self._seconds < MAX_LEARNED_S)

    def see(self, learnable: Flags, inclinations_deg: NDArray[np.float64]) -> None:
        """Seconds of the block entered last: (n, 4) flags and (n, 8) inclinations, 0 where not worn."""
        cdeg = np.rint(inclinations_deg * 100).astype(np.int64)
        for row in range(len(LEANS)):
            mine = learnable[:, row]
            self._new_seconds[row] += int(mine.sum())
            self._new_sums_cdeg[row] += cdeg[mine].sum(axis=0)

    def apply(self, expected: tuple[Expected, ...], at: NDArray[np.intp]) -> tuple[Expected, ...]:
        """Expectations at the inclinations ``at`` with what was learned."""
        moved = list(expected)
        for row, code in enumerate(LEANS):
            seconds = int(self._seconds[row])
            if not seconds:
                continue
            whole_s = PRIOR_S + seconds
            sums_deg = self._sums_cdeg[row, at] / 100
            mean_deg = (expected[code].mean_deg * PRIOR_S + sums_deg) / whole_s
            spread = 1.0 - (1.0 - LEAST_SPREAD) * min(seconds, MAX_LEARNED_S) / whole_s
            moved[code] = Expected(mean_deg, expected[code].covariance_deg2 * spread)
        return tuple(moved)

    def state(self) -> dict[str, Any]:
        """All there is to know to go on, as plain values."""
        return {
            "seconds": self._seconds.tolist(),
            "sums_cdeg": self._sums_cdeg.tolist(),
            "block": self._block,
            "new_seconds": self._new_seconds.tolist(),
            "new_sums_cdeg": self._new_sums_cdeg.tolist(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> OwnLeans:
        """What :meth:`state` was taken of."""
        own = cls()
        own._seconds = np.array(state["seconds"], np.int64)
        own._sums_cdeg = np.array(state["sums_cdeg"], np.int64).reshape(len(LEANS), SIZE)
        own._block = int(state["block"])
        own._new_seconds = np.array(state["new_seconds"], np.int64)
        own._new_sums_cdeg = np.array(state["new_sums_cdeg"], np.int64).reshape(len(LEANS), SIZE)
        return own
