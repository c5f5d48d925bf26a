"""What is wrong with a sensor's readings themselves, second by second.

=========  ========================================================================================
losing     more than 20 % of the samples of the last 60 s with data are missing
saturated  more than 5 % of a second's samples stand at the end of a range; from 25 % on they are
           no use for a posture
stuck      for 5 s nine of ten samples repeat all six readings of the one before: no sensor on a
           body does, its noise alone changes the last digit
=========  ========================================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analytics.core.joining import SecondTable
from analytics.core.rows import RAILED, SAME
from analytics.core.runs import follows, run_length
from contracts.vocabulary import Placement

Flags = NDArray[np.bool_]

LOSS_WINDOW_S: Final = 60
LOSING_SHARE: Final = 0.2
#: Losses are a share of at least this much that should have come.
MIN_EXPECTED_S: Final = 10
#: Samples a second that are counted; no sensor of a body has as many.
MAX_COUNTED: Final = 2**16 - 1
SATURATED_SHARE: Final = 0.05
USELESS_SHARE: Final = 0.25
STUCK_SHARE: Final = 0.9
STUCK_AFTER_S: Final = 5


@dataclass(frozen=True, slots=True, eq=False)
class Faults:
    """(n, placements) each. ``useless``: readings of the second that say nothing of the body."""

    losing: Flags
    saturated: Flags
    stuck: Flags
    useless: Flags


class FaultDetector:
    """Seconds in, faults out."""

    def __init__(self, placements: tuple[Placement, ...]) -> None:
        """``placements``: those worn, in the order of the tables' columns."""
        self.placements = placements
        size = len(placements)
        self._previous_s = -1
        self._same_s = np.zeros(size, np.int64)
        self._silent_s = np.full(size, LOSS_WINDOW_S, np.int64)
        self._rate_hz = np.zeros(size)
        # samples that should have come, and that came; as short as can be, for every snapshot
        self._window = np.zeros((2, LOSS_WINDOW_S, size), np.uint16)

    def update(self, table: SecondTable) -> Faults:
        """The faults in each second of a non-empty table."""
        connected = follows(table.second, self._previous_s)
        self._previous_s = int(table.second[-1])
        losing = self._losing(table, connected)
        if not table.sums[:, :, SAME:].any():
            self._same_s = np.zeros_like(self._same_s)
            nothing = np.zeros_like(losing)
            return Faults(losing, saturated=nothing, stuck=nothing, useless=nothing)
        count = np.maximum(table.count, 1)
        railed = table.sums[:, :, RAILED] / count
        same = (table.sums[:, :, SAME] >= STUCK_SHARE * count) & (table.count > 0)
        same_s = _run_lengths(same, connected, self._same_s)
        stuck = same_s >= STUCK_AFTER_S
        self._same_s = same_s[-1].copy()
        return Faults(
            losing,
            saturated=railed > SATURATED_SHARE,
            stuck=stuck,
            useless=stuck | (railed >= USELESS_SHARE),
        )

    def _losing(self, table: SecondTable, connected: Flags) -> Flags:
        silent = table.count == 0
        silent_s = _run_lengths(silent, np.ones_like(connected), self._silent_s)
        rate_hz = _last_known(table.rate_hz, self._rate_hz)
        # what is silent for longer is off, and was said to be missing all the while
        wanted = np.where(silent_s < LOSS_WINDOW_S, np.rint(rate_hz), 0)
        wanted = np.minimum(wanted, MAX_COUNTED).astype(np.uint16)
        came = np.minimum(table.count, wanted).astype(np.uint16)
        window = np.concatenate([self._window, np.array([wanted, came])], axis=1)
        self._silent_s, self._rate_hz = silent_s[-1].copy(), rate_hz[-1].copy()
        self._window = window[:, -LOSS_WINDOW_S:].copy()
        if np.array_equal(window[0], window[1]):  # nothing is missing
            return np.zeros(table.count.shape, np.bool_)
        # whole numbers: exact wherever it was cut
        total = np.cumsum(window, axis=1, dtype=np.int64)
        expected, received = total[:, LOSS_WINDOW_S:] - total[:, :-LOSS_WINDOW_S]
        enough = expected >= MIN_EXPECTED_S * np.minimum(np.rint(rate_hz), MAX_COUNTED)
        losing: Flags = enough & (received < (1 - LOSING_SHARE) * expected)
        return losing

    def state(self) -> dict[str, Any]:
        """All there is to know to go on, as plain values."""
        return {
            "previous_s": self._previous_s,
            "sensors": {
                placement.value: (
                    int(self._same_s[column]),
                    int(self._silent_s[column]),
                    float(self._rate_hz[column]),
                    self._window[:, :, column].tobytes(),
                )
                for column, placement in enumerate(self.placements)
            },
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state`; placements worn since start anew."""
        self._previous_s = state["previous_s"]
        for column, placement in enumerate(self.placements):
            if placement.value in state["sensors"]:
                same_s, silent_s, rate_hz, window = state["sensors"][placement.value]
                self._same_s[column], self._silent_s[column] = same_s, silent_s
                self._rate_hz[column] = rate_hz
                kept = np.frombuffer(window, np.uint16).reshape(2, LOSS_WINDOW_S)
                self._window[:, :, column] = kept


def _run_lengths(flag: Flags, connected: Flags, carried: NDArray[np.int64]) -> NDArray[np.int64]:
    if not flag.any():
        return np.zeros(flag.shape, np.int64)
    columns = [run_length(flag[:, c], connected, int(carried[c])) for c in range(carried.size)]
    return np.stack(columns, axis=1)


def _last_known(rate_hz: NDArray[np.float64], before: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, placements) each second's rate, or the last one of a sensor that is silent."""
    if (rate_hz > 0).all():
        return rate_hz
    known = np.concatenate([before[None], rate_hz])
    row = np.where(known > 0, np.arange(len(known))[:, None], 0)
    last = np.maximum.accumulate(row, axis=0)
    filled: NDArray[np.float64] = np.take_along_axis(known, last, axis=0)[1:]
    return filled
