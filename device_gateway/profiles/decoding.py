"""What the codecs of several makes share: limits, readings in floats, counters that wrap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contracts.errors import DecodeError, Reason
from contracts.gatt import HapticPulse
from contracts.imu import ImuScale, Int16Samples
from contracts.units import RAD_PER_DEG
from device_gateway.profiles.port import MAX_NOTIFICATION_BYTES, Step

#: The session drops a link that is silent for 10 s, so no longer step belongs to one connection.
MAX_STEP_US: Final = 10_000_000
_COUNTER_VALUES: Final = 2**32


def checked(value: bytes, make: str) -> bytes:
    """A value of a length that ATT allows. DecodeError for an empty one or a longer one."""
    if not value:
        raise DecodeError(Reason.TOO_SHORT, f"{make} sent a value without a byte.")
    if len(value) > MAX_NOTIFICATION_BYTES:
        raise DecodeError(
            Reason.TOO_LONG,
            f"{make} sent {len(value)} bytes; a notification has at most {MAX_NOTIFICATION_BYTES}.",
        )
    return value


def from_floats(
    scale: ImuScale, accel_m_s2: NDArray[np.float32], gyro_deg_s: NDArray[np.float32], make: str
) -> Int16Samples:
    """(n, 6) int16 of (n, 3) and (n, 3) floats, saturating. DecodeError where one is not finite."""
    floats = np.concatenate([accel_m_s2, gyro_deg_s], axis=1)
    if not np.isfinite(floats).all():  # looked at before any arithmetic, of which a NaN may warn
        raise DecodeError(Reason.NOT_FINITE, f"{make} sent a reading that is not a finite number.")
    si = floats.astype(np.float64)
    si[:, 3:] *= RAD_PER_DEG
    return scale.quantise(si)


def battery_level(value: bytes, make: str) -> int:
    """Percent, from a value whose first byte is a battery's level. DecodeError beyond 100."""
    if value[0] > 100:
        raise DecodeError(Reason.OUT_OF_RANGE, f"{make} says {value[0]} % of battery.")
    return value[0]


def lost_between(step_us: int, count: int, rate_hz: float) -> int:
    """Samples missing between two notifications of ``count`` each, the second ``step_us`` later.

    Whole notifications get lost, so it is counted in those: that a sensor samples some percent faster
    than it says does then not look like a loss.
    """
    notification_us = count * 1e6 / rate_hz
    return max(0, round(step_us / notification_us) - 1) * count


class WithoutMotor:
    """What the codecs of makes that cannot buzz have in common."""

    def haptic(self, pulse: HapticPulse) -> Sequence[Step]:
        """Nothing: it has no motor."""
        del pulse
        return ()


class WrappedCounter:
    """A u32 of a sensor's clock, counted on beyond its wraps; ``unit_us``: what one stands for.

    A time that does not follow the one before within MAX_STEP_US is refused; where the next one
    follows it, the sensor has started its clock anew, and the count goes on from there.
    """

    def __init__(self, unit_us: int, make: str) -> None:
        self._unit_us = unit_us
        self._make = make
        self._last: int | None = None
        self._suspect: int | None = None
        self._total_us = 0

    def step_to(self, raw: int) -> tuple[int, int]:
        """The time in µs, and the step from the one before: 0 at first and after a new start.

        DecodeError where the time stands still or jumps.
        """
        if self._last is None:
            return self._begin(raw)
        step_us = self._between_us(self._last, raw)
        if 0 < step_us <= MAX_STEP_US:
            self._last, self._suspect = raw, None
            self._total_us += step_us
            return self._total_us, step_us
        suspect, self._suspect = self._suspect, raw
        if suspect is not None and 0 < self._between_us(suspect, raw) <= MAX_STEP_US:
            return self._begin(raw)
        raise DecodeError(
            Reason.OUT_OF_RANGE, f"{self._make}'s clock went from {self._last} to {raw}."
        )

    def _begin(self, raw: int) -> tuple[int, int]:
        self._last, self._suspect = raw, None
        self._total_us = raw * self._unit_us
        return self._total_us, 0

    def _between_us(self, first: int, second: int) -> int:
        return (second - first) % _COUNTER_VALUES * self._unit_us
