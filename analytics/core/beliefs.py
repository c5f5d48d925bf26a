"""How likely one of two activities has become, second by second: a two-state forward filter."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

#: Beyond this nothing is surer, and a change is noticed as soon.
MAX_ODDS: Final = 1e6

Floats = NDArray[np.float64]


def followed_odds(odds: float, change: Floats, evidence: Floats) -> Floats:
    """(n,) odds of the second activity at each second, from ``odds`` at the second before the first.

    ``change`` (n,): how likely it is that the activity became the other one since the second before;
    0.5 forgets all. ``evidence`` (n,): nats for the second activity.
    """
    if odds == 1.0 and not evidence.any():
        return np.ones(change.size)
    followed = np.empty(change.size)
    factors = np.exp(evidence)
    for row, (changed, factor) in enumerate(zip(change.tolist(), factors.tolist(), strict=True)):
        stayed = 1.0 - changed
        odds = (odds * stayed + changed) / (stayed + odds * changed) * factor
        odds = min(max(odds, 1.0 / MAX_ODDS), MAX_ODDS)
        followed[row] = odds
    return followed
