"""Times that cannot be: whose fault they are decides whether samples are given up or waited for."""

from __future__ import annotations

import pytest

from contracts.errors import DecodeError
from contracts.imu import DEFAULT_SCALE
from device_gateway.assembly import Run
from device_gateway.clock import Anchor, DeviceClock
from device_gateway.placing import place_runs

NOW_NS = 1_790_000_000_000_000_000
DAY_NS = 24 * 3600 * 1_000_000_000


def run_at(device_ns: int) -> Run:
    return Run(1, 0, device_ns // 1000, 20_000_000, DEFAULT_SCALE, bytes(12 * 10))


def unplaced(run: Run, clocks: dict[int, DeviceClock]) -> int:
    return place_runs((run,), clocks, now_ns=NOW_NS).unplaced


def test_a_time_that_only_the_sensor_believes_is_given_up() -> None:
    clocks = {1: DeviceClock(1, (Anchor(DAY_NS, NOW_NS, 1000),))}
    assert unplaced(run_at(DAY_NS), clocks) == 0
    assert unplaced(run_at(10 * DAY_NS), clocks) == 10
    old = {1: DeviceClock(1, (Anchor(9000 * DAY_NS, NOW_NS, 1000),))}
    assert unplaced(run_at(0), old) == 10  # before 2020
    assert unplaced(run_at(0), {}) == 10
    assert unplaced(run_at(0), {1: DeviceClock(1)}) == 10


@pytest.mark.parametrize("apart_ns", [2 * DAY_NS, -20_000 * DAY_NS])
def test_a_time_that_is_the_hosts_fault_keeps_the_samples_at_the_sensor(apart_ns: int) -> None:
    clocks = {1: DeviceClock(1, (Anchor(DAY_NS, NOW_NS + apart_ns, 1000),))}
    with pytest.raises(DecodeError):
        unplaced(run_at(DAY_NS), clocks)
