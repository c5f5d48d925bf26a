"""What a sensor's firmware says, to who reads it and to who tests it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts import gatt
from contracts.imu import Int16Samples
from firmware_sim.source import Ticks


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification's value, and whether it goes out on ``log`` or on ``stream``."""

    is_log: bool
    value: bytes


@dataclass(frozen=True, slots=True)
class FirmwareStats:
    """Counts of samples since power on; ``sent`` counts what was sent twice twice."""

    recorded: int
    lost: int
    sent: int
    kept: int
    overwritten: int
    ended: bool
    haptic_pulses: int
    next_sequence: int


@dataclass(frozen=True, slots=True)
class FeltPulse:
    """A haptic pulse that the wearer felt, and when."""

    true_ns: int
    pulse: gatt.HapticPulse


@dataclass(frozen=True, slots=True, eq=False)
class TakenSamples:
    """The truth of one epoch's log: sequences (k,), true UTC times in ns (k,), readings (k, 6)."""

    epoch: int
    sequences: Ticks
    true_ns: NDArray[np.int64]
    samples: Int16Samples
