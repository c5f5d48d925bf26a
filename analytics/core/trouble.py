"""Which sensors cannot be believed, second by second, and what that does to a second's word.

==========  ========================================================  =========================
quality     when                                                      what is done
==========  ========================================================  =========================
losing      see :mod:`analytics.core.faults`                          confidence at most 0.8
saturated   see there                                                 at most 0.7; from 25 % on left out
stuck       see there                                                 left out; at most 0.9
slipped     see :mod:`analytics.core.slips`, or a pose that no trunk  at most 0.5, until calibrated again
            takes (:mod:`analytics.core.misplaced`)
swapped     see :mod:`analytics.core.misplaced`                       at most 0.3, until calibrated again
==========  ========================================================  =========================

A second has the worst that is found in it, in this order, and the placements of all of it. Slipped and
swapped say that a calibration no longer fits: they need one, and end with the next that is accepted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analytics.core.calibration import Calibration
from analytics.core.faults import FaultDetector
from analytics.core.joining import SecondTable
from analytics.core.misplaced import PlacementWatch
from analytics.core.slips import SlipDetector
from contracts.units import NS_PER_S
from contracts.vocabulary import PLACEMENTS, QUALITIES, Placement, Quality

Flags = NDArray[np.bool_]

#: Most that is said of a posture under each trouble, the worst last.
MOST_CONFIDENCE: Final = {
    Quality.LOSING: 0.8,
    Quality.SATURATED: 0.7,
    Quality.STUCK: 0.9,
    Quality.SLIPPED: 0.5,
    Quality.SWAPPED: 0.3,
}
_CODE: Final = {quality: code for code, quality in enumerate(QUALITIES)}
_MOST: Final = np.array([MOST_CONFIDENCE.get(quality, 1.0) for quality in QUALITIES])


@dataclass(frozen=True, slots=True, eq=False)
class Troubles:
    """Of (n,) seconds: ``quality`` codes of QUALITIES, 0 where nothing is wrong; ``suspect`` masks of
    the doubted placements; by (n, placements) who has slipped or was swapped by then, and whose readings
    are ``useless`` and left out of the posture.
    """

    quality: NDArray[np.uint8]
    suspect: NDArray[np.uint8]
    slipped: Flags
    swapped: Flags
    useless: Flags

    def believed(self, table: SecondTable) -> SecondTable:
        """``table`` without what is useless, as if the sensor had sent nothing."""
        return _without(table, self.useless)

    def lowered(self, confidence: NDArray[np.float64]) -> NDArray[np.float64]:
        """Confidences (n,) that are no higher than the trouble of their second allows."""
        lowered: NDArray[np.float64] = np.minimum(confidence, _MOST[self.quality])
        return lowered


class TroubleWatch:
    """Seconds and their calibration in, troubles out."""

    def __init__(self, placements: tuple[Placement, ...]) -> None:
        """``placements``: those worn, in the order of the tables' columns."""
        self.placements = placements
        self._faults = FaultDetector(placements)
        self._slips = SlipDetector(placements)
        self._watch = PlacementWatch(placements)
        self._bits = np.array([1 << PLACEMENTS.index(p) for p in placements], np.uint8)
        self._session_ns: tuple[int, int] | None = None
        self._slipped = np.zeros(len(placements), np.bool_)
        self._impossible = np.zeros(len(placements), np.bool_)
        self._swapped = np.zeros(len(placements), np.bool_)

    def update(self, table: SecondTable, calibration: Calibration | None) -> Troubles:
        """The troubles in each second of a non-empty table under one calibration."""
        session_ns = None if calibration is None else calibration.session_ns
        if session_ns != self._session_ns:
            self._session_ns = session_ns
            self._watch.forget()
            for carried in (self._slipped, self._impossible, self._swapped):
                carried[:] = False
        faults = self._faults.update(table)
        slipped, swapped = self._misplaced(table, calibration, faults.useless)
        found = {
            Quality.LOSING: faults.losing,
            Quality.SATURATED: faults.saturated,
            Quality.STUCK: faults.stuck,
            Quality.SLIPPED: slipped,
            Quality.SWAPPED: swapped,
        }
        quality, suspect = np.zeros((2, len(table)), np.uint8)
        for word, flags in found.items():
            if flags.any():
                quality[flags.any(axis=1)] = _CODE[word]
                suspect |= np.bitwise_or.reduce(flags * self._bits, axis=1)
        return Troubles(quality, suspect, slipped, swapped, faults.useless)

    def _misplaced(
        self, table: SecondTable, calibration: Calibration | None, useless: Flags
    ) -> tuple[Flags, Flags]:
        """Who has slipped and who was swapped, (n, placements) each, from when it is known on."""
        slips = self._slips.update(table)
        if calibration is None:
            none = np.zeros((len(table), len(self.placements)), np.bool_)
            return none, none
        placed = self._watch.update(_without(table, useless), calibration.axes)
        session_end_s = -(-calibration.session_ns[1] // NS_PER_S)
        slipped = np.repeat(self._slipped[None], len(table), axis=0)
        for slip in slips:
            if slip.turned_s >= session_end_s:
                slipped[slip.row :, slip.column] = not slip.back
        self._slipped = slipped[-1].copy()
        slipped |= _from_then_on(placed.impossible, self._impossible)
        return slipped, _from_then_on(placed.swapped, self._swapped)

    def state(self) -> dict[str, Any]:
        """All there is to know to go on, as plain values."""
        return {
            "faults": self._faults.state(),
            "slips": self._slips.state(),
            "watch": self._watch.state(),
            "session_ns": self._session_ns,
            "doubted": {
                p.value: (
                    bool(self._slipped[column]),
                    bool(self._impossible[column]),
                    bool(self._swapped[column]),
                )
                for column, p in enumerate(self.placements)
            },
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state`; placements worn since start anew."""
        self._faults.load(state["faults"])
        self._slips.load(state["slips"])
        self._watch.load(state["watch"])
        session = state["session_ns"]
        self._session_ns = None if session is None else (int(session[0]), int(session[1]))
        for column, placement in enumerate(self.placements):
            if placement.value in state["doubted"]:
                slipped, impossible, swapped = state["doubted"][placement.value]
                self._slipped[column], self._impossible[column] = slipped, impossible
                self._swapped[column] = swapped


def _without(table: SecondTable, useless: Flags) -> SecondTable:
    if not useless.any():
        return table
    return SecondTable(
        table.placements,
        table.second,
        np.where(useless, 0, table.count).astype(np.int32),
        np.where(useless[:, :, None], 0.0, table.sums),
        np.where(useless, 0.0, table.rate_hz),
    )


def _from_then_on(flags: Flags, carried: Flags) -> Flags:
    """``flags`` (n, placements) from the first on that is set, or was; ``carried`` is brought along."""
    flags[0] |= carried
    if flags.any():
        np.logical_or.accumulate(flags, axis=0, out=flags)
        carried[:] = flags[-1]
    return flags
