"""Runs along seconds: what continues, how long, and smoothing over the last seconds.

All take a block of seconds and what is carried over from the one before, and give the same wherever
the blocks were cut. A second that does not follow the one before it begins anew.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Seconds = NDArray[np.int64]
Flags = NDArray[np.bool_]


def follows(second: Seconds, previous_s: int) -> Flags:
    """(n,) whether each second directly follows the one before; ``previous_s`` before the first."""
    result = np.empty(second.size, np.bool_)
    result[0] = second[0] == previous_s + 1
    np.equal(second[1:], second[:-1] + 1, out=result[1:])
    return result


def run_length(flag: Flags, connected: Flags, carried: int) -> NDArray[np.int64]:
    """(n,) how many seconds ``flag`` has held without a gap, this one included; 0 where it does not.

    ``connected`` is :func:`follows`, ``carried`` the length at the second before the first.
    """
    if not flag.any():
        return np.zeros(flag.size, np.int64)
    index = np.arange(flag.size, dtype=np.int64)
    start = np.where(flag, np.where(connected, -carried, index), index + 1)
    length: NDArray[np.int64] = index + 1 - np.maximum.accumulate(start)
    return length


def hysteresis(enter: Flags, leave: Flags, connected: Flags, carried: bool) -> Flags:
    """(n,) a state that ``enter`` sets and ``leave`` clears; a gap clears it before its second.

    Where both hold, ``enter`` wins.
    """
    # +1 set, -1 cleared, 0 as before; a gap is a clearing that enter overrides
    change = np.where(enter, 1, np.where(leave | ~connected, -1, 0))
    index = np.where(change != 0, np.arange(change.size), -1)
    last = np.maximum.accumulate(index)
    state: Flags = np.where(last < 0, carried, change[last] > 0)
    return state


def trailing_sums(
    values: NDArray[np.float64], connected: Flags, carried: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums over the last seconds of a gapless run, this one included, and what to carry on.

    ``values`` (k, n); ``carried`` (k, w - 1): the values before the block, zero where there was none;
    w is the length of the window. Gives (k, n) and (k, w - 1).
    """
    size, reach_before = values.shape[1], carried.shape[1]
    extended = np.concatenate([carried, values], axis=1)
    reach = run_length(np.ones(size, np.bool_), connected, reach_before)
    total = values.copy()
    for back in range(1, reach_before + 1):
        shifted = extended[:, reach_before - back : reach_before - back + size]
        total += np.where(reach > back, shifted, 0.0)
    kept = extended[:, size:].copy()
    kept[:, : max(0, reach_before - int(reach[-1]))] = 0.0
    return total, kept
