"""The sensor's clock over round trips of any length: the quickest counts, and a busy link is asked on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from typing import Any

import pytest

from contracts.units import NS_PER_MS, NS_PER_S
from device_gateway.clock import Anchor
from device_gateway.control import CLOCK_PROBES, MOST_CLOCK_PROBES, Control
from firmware_sim.firmware import Firmware, FirmwareConfig
from firmware_sim.source import ConstantSource

ON_NS = 1_790_000_000 * NS_PER_S
QUICK_MS, SLOW_MS = 8, 90


class Wire:
    """A sensor at the end of a link on which each round trip takes as long as is said, all of it on the
    way there: as far from the middle as it can be."""

    def __init__(self, round_trips_ms: Iterator[int]) -> None:
        self.now_ns = ON_NS + 5 * NS_PER_S
        self.asked = 0
        self._round_trips_ms = round_trips_ms
        source = ConstantSource((0.0, 0.0, 9.81, 0.0, 0.0, 0.0), 50.0)
        self._sensor = Firmware(FirmwareConfig(serial="S", power_on_ns=ON_NS), source)
        self._notify: Callable[[object, bytearray], None] = lambda *_: None

    async def read_gatt_char(self, _: str) -> bytearray:
        return bytearray(b"S")

    async def start_notify(self, _: str, notify: Callable[[object, bytearray], None]) -> None:
        self._notify = notify

    async def write_gatt_char(self, _: str, value: bytes, **__: Any) -> None:
        self.asked += 1
        self.now_ns += next(self._round_trips_ms) * NS_PER_MS
        self._notify(None, bytearray(self._sensor.handle(value, self.now_ns)))


def anchor_over(*round_trips_ms: int, then_ms: int) -> tuple[Anchor, int]:
    """The anchor, and how many exchanges it took."""

    async def work() -> tuple[Anchor, int]:
        wire = Wire(chain(round_trips_ms, repeat(then_ms)))
        control = Control(wire, lambda: wire.now_ns)  # type: ignore[arg-type]
        await control.open()
        await control.admit()
        anchor, _ = await control.set_clock()
        return anchor, wire.asked

    return asyncio.run(work())


def off_ms(anchor: Anchor) -> float:
    """How far the anchor is from the truth."""
    return abs(anchor.utc_ns - (ON_NS + anchor.device_ns)) / NS_PER_MS


def test_a_quick_link_is_asked_no_more_than_needed() -> None:
    anchor, asked = anchor_over(SLOW_MS, SLOW_MS, QUICK_MS, then_ms=SLOW_MS)
    assert asked == CLOCK_PROBES + 1
    assert off_ms(anchor) == pytest.approx(QUICK_MS / 2, abs=0.01)


def test_a_busy_link_is_asked_on_until_one_round_trip_is_quick() -> None:
    anchor, asked = anchor_over(*(SLOW_MS,) * 7, QUICK_MS, then_ms=SLOW_MS)
    assert asked == 8 + 1
    assert off_ms(anchor) == pytest.approx(QUICK_MS / 2, abs=0.01)


def test_a_slow_link_is_given_up_on_and_its_uncertainty_said() -> None:
    anchor, asked = anchor_over(then_ms=SLOW_MS)
    assert asked == MOST_CLOCK_PROBES + 1
    assert off_ms(anchor) <= anchor.uncertainty_ns / NS_PER_MS == pytest.approx(SLOW_MS / 2, abs=1)
