"""IMU samples: how an int16 reading becomes SI, and the batch every part passes on.

One conversion for all parts, through float32, because a recording keeps float32: what analytics
computes live and what it computes from a recording are then the same to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contracts.errors import DecodeError, InvariantError, Reason
from contracts.units import (
    INT16_FULL_SCALE,
    INT16_MAX,
    INT16_MIN,
    NS_PER_S,
    RAD_PER_DEG,
    STANDARD_GRAVITY_M_S2,
)

#: Columns of a sample, in the order of the wire: accelerometer then gyroscope, sensor axes.
AXES: Final = ("ax", "ay", "az", "gx", "gy", "gz")
ACCEL_RANGES_G: Final = (2, 4, 8, 16)
GYRO_RANGES_DEG_S: Final = (125, 250, 500, 1000, 2000)
MIN_RATE_HZ: Final = 1.0
MAX_RATE_HZ: Final = 1000.0

Int16Samples = NDArray[np.int16]  # (n, 6), AXES
SISamples = NDArray[np.float32]  # (n, 6), AXES: m/s² and rad/s
TimesNs = NDArray[np.int64]  # (n,), UTC ns


@dataclass(frozen=True, slots=True)
class ImuScale:
    """Full scales of a sensor: ± ``accel_range_g`` and ± ``gyro_range_deg_s`` over int16."""

    accel_range_g: int
    gyro_range_deg_s: int

    def __post_init__(self) -> None:
        if self.accel_range_g not in ACCEL_RANGES_G:
            raise DecodeError(
                Reason.OUT_OF_RANGE,
                f"accel_range_g is {self.accel_range_g}; allowed is one of {ACCEL_RANGES_G}.",
            )
        if self.gyro_range_deg_s not in GYRO_RANGES_DEG_S:
            raise DecodeError(
                Reason.OUT_OF_RANGE,
                f"gyro_range_deg_s is {self.gyro_range_deg_s}; allowed is one of {GYRO_RANGES_DEG_S}.",
            )

    def per_lsb(self) -> NDArray[np.float64]:
        """What one LSB of each of AXES stands for: (6,), m/s² and rad/s."""
        accel_m_s2 = self.accel_range_g * STANDARD_GRAVITY_M_S2 / INT16_FULL_SCALE
        gyro_rad_s = self.gyro_range_deg_s * RAD_PER_DEG / INT16_FULL_SCALE
        return np.array([accel_m_s2] * 3 + [gyro_rad_s] * 3, dtype=np.float64)

    def to_si(self, raw: Int16Samples) -> SISamples:
        """(n, 6) int16 → (n, 6) float32 in m/s² and rad/s."""
        return (raw * self.per_lsb()).astype(np.float32)

    def quantise(self, si: NDArray[np.floating]) -> Int16Samples:
        """(n, 6) m/s² and rad/s → (n, 6) int16, rounded to nearest, saturating at the full scale."""
        return np.clip(np.rint(si / self.per_lsb()), INT16_MIN, INT16_MAX).astype(np.int16)


#: Wide enough for the glitches real sensors give (12 g, 1520 deg/s) at 0.03° of tilt resolution.
DEFAULT_SCALE: Final = ImuScale(accel_range_g=16, gyro_range_deg_s=2000)


@dataclass(frozen=True, slots=True)
class ImuSamples:
    """Samples of one sensor in time order, as the pipeline takes them.

    ``utc_ns`` (n,) int64, strictly increasing; ``si`` (n, 6) float32 in AXES order; ``rate_hz`` the
    nominal rate. ``ended``: the sensor said that it stopped sampling after the last of these.
    """

    utc_ns: TimesNs
    si: SISamples
    rate_hz: float
    ended: bool = False

    def __post_init__(self) -> None:
        if self.utc_ns.ndim != 1 or self.si.shape != (self.utc_ns.size, 6):
            raise InvariantError(
                f"samples of shape {self.si.shape} do not fit times of shape {self.utc_ns.shape}."
            )

    def __len__(self) -> int:
        return int(self.utc_ns.size)

    def slice(self, start: int, stop: int) -> ImuSamples:
        """Samples [start, stop); ``ended`` stays with the piece that holds the last sample."""
        last = stop >= len(self)
        return ImuSamples(
            self.utc_ns[start:stop], self.si[start:stop], self.rate_hz, self.ended and last
        )


def regular_times_ns(t0_ns: int, period_ns: int, count: int) -> TimesNs:
    """(count,) int64: ``t0_ns`` and every ``period_ns`` after."""
    return t0_ns + period_ns * np.arange(count, dtype=np.int64)


def period_ns_of(rate_hz: float) -> int:
    """The period of a rate, to the nearest nanosecond."""
    return round(NS_PER_S / rate_hz)
