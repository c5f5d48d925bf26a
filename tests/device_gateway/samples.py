"""Batches for the outbox that tell from their values where they belong."""

from __future__ import annotations

import numpy as np

from contracts.gatt import Position
from contracts.imu import DEFAULT_SCALE
from device_gateway.batches import Append, Batch
from device_gateway.clock import Anchor, DeviceClock
from device_gateway.outbox import Outbox

START_NS = 1_760_000_000_250_000_000
PERIOD_NS = 20_000_000


def batch(first: int, count: int, *, lost: int = 0, end: bool = False) -> Batch:
    """Samples ``first`` to ``first + count`` of a sensor at 50 Hz, x acceleration counting them."""
    readings = np.zeros((count, 6), "<i2")
    readings[:, 0] = np.arange(first, first + count) % 30_000
    return Batch(
        t0_ns=START_NS + first * PERIOD_NS,
        period_ns=PERIOD_NS,
        rate_hz=50.0,
        scale=DEFAULT_SCALE,
        readings=readings.tobytes(),
        lost_before=lost,
        clock_error_ns=1000,
        end=end,
    )


def append(outbox: Outbox, *, sensor: str = "S", batches: int = 1, count: int = 10) -> Append:
    """What comes next of a sensor."""
    first = outbox.state(sensor).received
    made = [batch(first + i * count, count) for i in range(batches)]
    return Append(
        sensor,
        made,
        Position(1, first + batches * count),
        ended=False,
        clock=DeviceClock(1, (Anchor(0, START_NS, 5),), first, START_NS),
    )
