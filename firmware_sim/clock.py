"""The sensor's own clock, against true time: an offset and a drift, in whole numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contracts.checks import check_range
from contracts.errors import DecodeError, SettingError
from contracts.units import NS_PER_S, NS_PER_US

#: Crystals of wearables are within ± 20 to 50 ppm (typical data sheets); this is a broken one.
MAX_DRIFT_PPM = 1000.0


class _Piece(NamedTuple):
    """From ``true_ns`` on, where the clock read ``device_ns``, so many device ns in a true second."""

    true_ns: int
    device_ns: int
    rate_ppb: int


@dataclass(frozen=True, slots=True)
class DeviceClock:
    """Zero at ``power_on_ns`` (true UTC), and ``drift_ppm`` faster than true time from there on.

    ``changes``: (true UTC ns, ppm) from when on it drifts otherwise, in time order.
    """

    power_on_ns: int
    drift_ppm: float = 0.0
    changes: tuple[tuple[int, float], ...] = ()
    _pieces: tuple[_Piece, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        pieces = [_Piece(self.power_on_ns, 0, _rate_ppb(self.drift_ppm))]
        for true_ns, drift_ppm in self.changes:
            last = pieces[-1]
            if true_ns <= last.true_ns:  # before it was switched on, or at once
                pieces[-1] = last._replace(rate_ppb=_rate_ppb(drift_ppm))
                continue
            passed_ns = (true_ns - last.true_ns) * last.rate_ppb // NS_PER_S
            pieces.append(_Piece(true_ns, last.device_ns + passed_ns, _rate_ppb(drift_ppm)))
        object.__setattr__(self, "_pieces", tuple(pieces))

    def device_ns(self, true_ns: int) -> int:
        """Device time at a true UTC time; negative before the sensor was switched on."""
        piece = next((p for p in reversed(self._pieces) if p.true_ns <= true_ns), self._pieces[0])
        return piece.device_ns + (true_ns - piece.true_ns) * piece.rate_ppb // NS_PER_S

    def device_us(self, true_ns: int) -> int:
        """The clock's reading, in the unit that it has on the wire; 0 before it was switched on."""
        return max(0, self.device_ns(true_ns)) // NS_PER_US

    def true_ns(self, device_ns: int) -> int:
        """The first true UTC ns at which the device clock has reached ``device_ns``."""
        piece = next(
            (p for p in reversed(self._pieces) if p.device_ns <= device_ns), self._pieces[0]
        )
        return piece.true_ns - (-(device_ns - piece.device_ns) * NS_PER_S // piece.rate_ppb)

    def elapsed_s(self, ticks: NDArray[np.int64], rate_hz: float) -> NDArray[np.float64]:
        """True seconds from power on to each sampling tick, ``rate_hz`` by this clock."""
        if not self.changes:
            return ticks.astype(np.float64) * (1.0 / (rate_hz * (1.0 + self.drift_ppm * 1e-6)))
        device_ns = ticks.astype(np.float64) * (NS_PER_S / rate_hz)
        knots_ns = np.array([piece.device_ns for piece in self._pieces], np.float64)
        starts_s = np.array(
            [(piece.true_ns - self.power_on_ns) / NS_PER_S for piece in self._pieces]
        )
        rates_ppb = np.array([piece.rate_ppb for piece in self._pieces], np.float64)
        at = np.maximum(np.searchsorted(knots_ns, device_ns, side="right") - 1, 0)
        elapsed: NDArray[np.float64] = starts_s[at] + (device_ns - knots_ns[at]) / rates_ppb[at]
        return elapsed


def _rate_ppb(drift_ppm: float) -> int:
    """Device nanoseconds in a true second. SettingError for a clock that cannot be."""
    try:
        check_range("clock_drift_ppm", drift_ppm, -MAX_DRIFT_PPM, MAX_DRIFT_PPM)
    except DecodeError as error:
        raise SettingError(error.reason, error.message) from None
    return NS_PER_S + round(drift_ppm * 1000)
