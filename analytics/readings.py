"""What a sensor read in its last second, for whoever looks at it live. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from contracts.imu import AXES
from contracts.messages import ImuMessage

DECIMALS: Final = 3


@dataclass(frozen=True, slots=True)
class Readings:
    """In the sensor's printed axes: the mean acceleration, and how fast it turned (RMS), to 0.001."""

    mean_acc_m_s2: tuple[float, float, float]
    turning_rad_s: float


def readings_of(message: ImuMessage) -> Readings | None:
    """What the last second of a batch reads, or all of one that is shorter; None where it is empty."""
    raw = np.frombuffer(message.samples, "<i2").reshape(-1, len(AXES))
    raw = raw[-math.ceil(message.rate_hz) :].astype(np.float64)
    if not len(raw):
        return None
    per_lsb = message.scale.per_lsb()
    acc = raw[:, :3].mean(axis=0) * per_lsb[:3]
    gyro = raw[:, 3:] * per_lsb[3:]
    turning_rad_s = math.sqrt(float((gyro * gyro).sum()) / len(raw))
    x, y, z = (round(float(value), DECIMALS) + 0.0 for value in acc)  # no minus nought
    return Readings((x, y, z), round(turning_rad_s, DECIMALS))
