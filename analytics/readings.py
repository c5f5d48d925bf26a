"""What a sensor read in its last second, for whoever looks at it live. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from contracts.imu import AXES
from contracts.messages import ImuMessage
from contracts.units import INT16_FULL_SCALE, RAD_PER_DEG, STANDARD_GRAVITY_M_S2

DECIMALS: Final = 3


@dataclass(frozen=True, slots=True)
class Readings:
    """In the sensor's printed axes: the mean acceleration, and how fast it turned (RMS), to 0.001."""

    mean_acc_m_s2: tuple[float, float, float]
    turning_rad_s: float


def readings_of(message: ImuMessage) -> Readings | None:
    """What the last second of a batch reads, or all of one that is shorter; None where it is empty."""
    raw = np.frombuffer(message.samples, "<i2").reshape(-1, len(AXES))
    raw = raw[-math.ceil(message.rate_hz) :]
    count = len(raw)
    if not count:
        return None
    acc_lsb = message.accel_range_g * STANDARD_GRAVITY_M_S2 / INT16_FULL_SCALE / count
    sums = raw[:, :3].sum(axis=0, dtype=np.int64).tolist()
    x, y, z = (round(total * acc_lsb, DECIMALS) for total in sums)
    gyro = raw[:, 3:].astype(np.float64).ravel()
    gyro_lsb = message.gyro_range_deg_s * RAD_PER_DEG / INT16_FULL_SCALE
    turning_rad_s = math.sqrt(float(gyro @ gyro) / count) * gyro_lsb
    return Readings((x, y, z), round(turning_rad_s, DECIMALS))
