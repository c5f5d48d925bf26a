"""The sensor's own clock, against true time: an offset and a drift, in whole numbers."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.checks import check_range
from contracts.errors import DecodeError, SettingError
from contracts.units import NS_PER_S, NS_PER_US

#: Crystals of wearables are within ± 20 to 50 ppm (typical data sheets); this is a broken one.
MAX_DRIFT_PPM = 1000.0


@dataclass(frozen=True, slots=True)
class DeviceClock:
    """Zero at ``power_on_ns`` (true UTC), and ``drift_ppm`` faster than true time from there on."""

    power_on_ns: int
    drift_ppm: float = 0.0

    def __post_init__(self) -> None:
        try:
            check_range("clock_drift_ppm", self.drift_ppm, -MAX_DRIFT_PPM, MAX_DRIFT_PPM)
        except DecodeError as error:
            raise SettingError(error.reason, error.message) from None

    @property
    def _rate_ppb(self) -> int:
        """Device nanoseconds in a true second."""
        return NS_PER_S + round(self.drift_ppm * 1000)

    def device_ns(self, true_ns: int) -> int:
        """Device time at a true UTC time; negative before the sensor was switched on."""
        return (true_ns - self.power_on_ns) * self._rate_ppb // NS_PER_S

    def device_us(self, true_ns: int) -> int:
        """The clock's reading, in the unit that it has on the wire; 0 before it was switched on."""
        return max(0, self.device_ns(true_ns)) // NS_PER_US

    def true_ns(self, device_ns: int) -> int:
        """The first true UTC ns at which the device clock has reached ``device_ns``."""
        return self.power_on_ns - (-device_ns * NS_PER_S // self._rate_ppb)
