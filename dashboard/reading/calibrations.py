"""What a wearer's calibrations amount to: the one in force, whether it is due again. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from contracts.records import CalibrationOutcome
from contracts.units import NS_PER_S

#: A calibration older than this is due again: straps are put on a little differently each day.
CALIBRATION_LASTS_NS: Final = 30 * 86400 * NS_PER_S


@dataclass(frozen=True, slots=True)
class CalibrationState:
    """The calibration in force, since when, and a later one that was refused if there is one."""

    accepted_ns: int | None
    refused: CalibrationOutcome | None

    def due(self, now_ns: int) -> bool:
        """Whether a new one is due: none in force, or one of over thirty days ago."""
        return self.accepted_ns is None or now_ns - self.accepted_ns > CALIBRATION_LASTS_NS


def calibration_state(outcomes: Sequence[CalibrationOutcome]) -> CalibrationState:
    """Of all outcomes, in any order."""
    last = max(outcomes, key=lambda outcome: outcome.effective_ns, default=None)
    accepted_ns = max((o.effective_ns for o in outcomes if o.accepted), default=None)
    return CalibrationState(accepted_ns, None if last is None or last.accepted else last)
