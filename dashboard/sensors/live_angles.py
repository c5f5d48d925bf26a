"""How a worn sensor is held this second: how far it has tilted since, and whether it is still. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from contracts.records import SensorHealth
from contracts.settings import MAX_POSE_SPREAD_DEG
from contracts.units import DEG_PER_RAD, NS_PER_S
from contracts.vocabulary import Placement
from dashboard.reading.queries import Sensor

#: A sensor whose last reading is older sends nothing just now; a late packet or two fit in.
SILENT_AFTER_NS: Final = 8 * NS_PER_S
#: Turning this fast leaves within a second the cone in which a pose counts as held.
MOVING_DEG_S: Final = MAX_POSE_SPREAD_DEG
#: Below half of gravity the sensor falls or is thrown: it points nowhere.
MIN_GRAVITY_M_S2: Final = 4.9

Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class LiveAngle:
    """One worn sensor now. ``change_deg`` and ``turning_deg_s`` are None where it does not say.

    ``change_deg``: how far it has tilted since the beginning, any way. ``sends``: readings come in.
    """

    sensor: str
    placement: Placement
    sends: bool
    change_deg: float | None = None
    turning_deg_s: float | None = None

    @property
    def still(self) -> bool | None:
        """Whether it is held still enough for a calibration; None where that is not known."""
        return None if self.turning_deg_s is None else self.turning_deg_s < MOVING_DEG_S


def tilt_deg(before: Vector | None, now: Vector | None) -> float | None:
    """The angle in degrees, 0 to 180, between two readings of gravity (m/s²); None where one is none."""
    if before is None or now is None:
        return None
    lengths = math.hypot(*before), math.hypot(*now)
    if min(lengths) < MIN_GRAVITY_M_S2:
        return None
    cosine = sum(a * b for a, b in zip(before, now, strict=True)) / (lengths[0] * lengths[1])
    return math.acos(min(1.0, max(-1.0, cosine))) * DEG_PER_RAD


def sends(health: SensorHealth | None, now_ns: int) -> bool:
    """Whether readings of this moment come in."""
    if health is None or health.last_sample_ns is None:
        return False
    return now_ns - health.last_sample_ns <= SILENT_AFTER_NS


def live_angles(
    worn: Sequence[Sensor], began: Mapping[str, Vector], now_ns: int
) -> list[LiveAngle]:
    """What the worn sensors read now; ``began``: gravity by sensor when it began."""
    return [_live(sensor, began.get(sensor.sensor), now_ns) for sensor in worn]


def _live(sensor: Sensor, began: Vector | None, now_ns: int) -> LiveAngle:
    health = sensor.health
    if health is None or not sends(health, now_ns):
        return LiveAngle(sensor.sensor, sensor.placement, sends=False)
    turning = health.turning_rad_s
    return LiveAngle(
        sensor.sensor,
        sensor.placement,
        sends=True,
        change_deg=tilt_deg(began, health.mean_acc_m_s2),
        turning_deg_s=None if turning is None else turning * DEG_PER_RAD,
    )


def gravity_of(worn: Sequence[Sensor], now_ns: int) -> dict[str, Vector]:
    """Gravity by sensor as it reads now, of those that send."""
    return {
        s.sensor: s.health.mean_acc_m_s2
        for s in worn
        if s.health is not None and sends(s.health, now_ns) and s.health.mean_acc_m_s2 is not None
    }
