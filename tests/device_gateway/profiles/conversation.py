"""A codec and a simulated sensor of its make that talk without a radio between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from contracts.units import NS_PER_S
from device_gateway.profiles import Codec, Profile, Readings
from device_gateway.profiles.port import Pause, Read, Step, Subscribe, Write
from firmware_sim.makes import MAKES, Device, DeviceConfig
from firmware_sim.source import SampleSource, SourceChunk

BEGIN_NS = 1_800_000_000 * NS_PER_S


class RandomSource:
    """Readings that are different at every tick, and the same whenever they are read."""

    end_tick = None

    def __init__(self, rate_hz: float, *, accel_m_s2: float = 40.0, gyro_rad_s: float = 8.0):
        self.rate_hz = rate_hz
        self._limits = np.array([accel_m_s2] * 3 + [gyro_rad_s] * 3)

    def read(self, start_tick: int, stop_tick: int) -> SourceChunk:
        ticks = np.arange(start_tick, stop_tick, dtype=np.int64)
        rows = [np.random.default_rng(int(tick)).uniform(-1.0, 1.0, 6) for tick in ticks]
        return SourceChunk(ticks, np.array(rows).reshape(-1, 6) * self._limits)


@dataclass
class Conversation:
    """Who talks, what time it is, and what the sensor said that held no readings."""

    codec: Codec
    device: Device
    now_ns: int = BEGIN_NS
    subscribed: set[str] = field(default_factory=set)

    def carry_out(self, step: Step) -> None:
        """Do to the sensor what the gateway would."""
        match step:
            case Subscribe(uuid):
                self.subscribed.add(uuid)
                self.device.subscribe(uuid, True, self.now_ns)
            case Write(uuid, value):
                self.device.write(uuid, value, self.now_ns)
            case Read(uuid):
                self.codec.on_value(uuid, self.device.read(uuid, self.now_ns))
            case Pause(seconds):
                self.now_ns += round(seconds * NS_PER_S)
        self.said()

    def open(self) -> None:
        """Carry out the opening."""
        for step in self.codec.opening():
            self.carry_out(step)

    def notifications(self) -> list[tuple[str, bytes]]:
        """What the sensor has to say by now, to those who listen."""
        self.device.advance(self.now_ns)
        found = []
        while (one := self.device.next_notification()) is not None:
            found.append(one)
        return [one for one in found if one[0] in self.subscribed]

    def said(self) -> list[Readings]:
        """The readings in what the sensor says by now."""
        read = (self.codec.on_value(uuid, value) for uuid, value in self.notifications())
        return [one for one in read if one is not None]

    def during(self, seconds: float) -> list[Readings]:
        """The readings of a time, looked for forty times a second."""
        found: list[Readings] = []
        for _ in range(round(seconds * 40)):
            self.now_ns += NS_PER_S // 40
            found += self.said()
        return found


def conversation(
    profile: Profile,
    rate_hz: float,
    source: Callable[[float], SampleSource] = RandomSource,
    *,
    value_bytes: int = 244,
) -> Conversation:
    """A new codec and a new sensor of a make, switched on a while ago."""
    config = DeviceConfig("1234", BEGIN_NS - 100 * NS_PER_S)
    device = MAKES[profile.name](config, source)
    device.max_value_bytes = value_bytes
    return Conversation(profile.codec(rate_hz), device)


def si_of(profile: Profile, readings: list[Readings]) -> NDArray[np.float64]:
    """(n, 6) of readings in m/s² and rad/s."""
    return np.concatenate([profile.scale.to_si(one.samples) for one in readings]).astype(float)
