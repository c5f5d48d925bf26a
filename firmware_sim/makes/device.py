"""What simulated sensors of other makes have in common: they sample by their own clock, and send or lose.

Pure: bytes and true times in, bytes out. Such a sensor keeps no log: what is taken while nobody
listens, or while too much waits to be sent, is gone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar, Final

from contracts.imu import period_ns_of
from contracts.units import NS_PER_US
from firmware_sim.battery import Battery
from firmware_sim.clock import DeviceClock
from firmware_sim.source import MAX_READ_TICKS, SourceAt, SourceChunk

#: Notifications that may wait for the radio: some seconds, so that a stalled machine loses nothing.
MAX_WAITING: Final = 512
#: What a notification holds until the central asked for a larger ATT MTU.
DEFAULT_VALUE_BYTES: Final = 20
BATTERY_SERVICE: Final = "0000180f-0000-1000-8000-00805f9b34fb"
BATTERY_LEVEL: Final = "00002a19-0000-1000-8000-00805f9b34fb"


@dataclass(frozen=True, slots=True)
class Attribute:
    """A characteristic and what a central may do with it."""

    uuid: str
    read: bool = False
    write: bool = False
    notify: bool = False


@dataclass(frozen=True, slots=True)
class Advertised:
    """What a sensor says of itself on the air; ``company``: the Bluetooth number of its maker."""

    name: str
    services: tuple[str, ...] = ()
    company: int | None = None


@dataclass(frozen=True, slots=True)
class DeviceConfig:
    """One sensor. ``power_on_ns``: true UTC at which its clock and the source's ticks began."""

    serial: str
    power_on_ns: int
    clock_drift_ppm: float = 0.0
    battery: Battery = field(default_factory=Battery)


@dataclass(frozen=True, slots=True)
class StreamStats:
    """Counts of samples while somebody listened; ``lost``: also those that the source lacks."""

    recorded: int
    lost: int
    sent: int
    ended: bool
    kept: int = 0


class Device(ABC):
    """A sensor of a make, measuring what ``sources`` gives at the rate that the sensor is set to."""

    #: The services of its GATT server, and their characteristics.
    SERVICES: ClassVar[dict[str, tuple[Attribute, ...]]]
    DEFAULT_RATE_HZ: ClassVar[float]

    def __init__(self, config: DeviceConfig, sources: SourceAt) -> None:
        self.config = config
        self.max_value_bytes = DEFAULT_VALUE_BYTES
        self._sources = sources
        self._clock = DeviceClock(config.power_on_ns, config.clock_drift_ppm)
        self._subscribed: set[str] = set()
        self._waiting: deque[tuple[str, bytes, int]] = deque()
        self._streaming = False
        self._next = 0  # tick that is taken next, while streaming
        self._recorded = self._lost = self._sent = 0
        self._set_rate(self.DEFAULT_RATE_HZ)

    @property
    @abstractmethod
    def advertised(self) -> Advertised:
        """What it says of itself on the air."""

    @abstractmethod
    def write(self, uuid: str, value: bytes, true_ns: int) -> None:
        """A central wrote; what makes no sense is ignored."""

    @abstractmethod
    def _wants_to_stream(self) -> bool:
        """Whether samples are to be taken, as it is set and subscribed to now."""

    @abstractmethod
    def _encoded(self, chunk: SourceChunk) -> list[tuple[str, bytes, int]]:
        """Notifications of consecutive ticks: characteristic, value, samples in it."""

    @property
    def rate_hz(self) -> float:
        """The rate that it is set to."""
        return self._source.rate_hz

    @property
    def stats(self) -> StreamStats:
        """The counts now."""
        return StreamStats(self._recorded, self._lost, self._sent, self._ended)

    def read(self, uuid: str, true_ns: int) -> bytes:
        """The value of a characteristic that can be read."""
        del uuid  # most makes have the one
        return bytes((self.battery_percent(true_ns),))

    def battery_percent(self, true_ns: int) -> int:
        """What is left of its charge."""
        return self.config.battery.percent(self._clock.device_ns(true_ns))

    def subscribe(self, uuid: str, wanted: bool, true_ns: int) -> None:
        """A central turned the notifications of a characteristic on or off."""
        (self._subscribed.add if wanted else self._subscribed.discard)(uuid)
        self._look_again(true_ns)

    def disconnected(self) -> None:
        """The link is gone, and with it what waited."""
        self._subscribed.clear()
        self._lost += sum(samples for _, _, samples in self._waiting)
        self._waiting.clear()
        self._streaming = False
        self.max_value_bytes = DEFAULT_VALUE_BYTES

    def advance(self, true_ns: int) -> None:
        """Take every sample that is due by ``true_ns``."""
        if not self._streaming:
            return
        due = self._due_tick(true_ns)
        together = self._together()
        stride = max(1, MAX_READ_TICKS // together) * together
        while (whole := (due - self._next) // together * together) > 0:
            self._take(self._next + min(whole, stride), together)
        if due == self._source.end_tick and self._next < due:  # no more will come to fill it up
            self._take(due, together)

    def next_notification(self) -> tuple[str, bytes] | None:
        """The next thing to send, if any is due."""
        if not self._waiting:
            return None
        uuid, value, samples = self._waiting.popleft()
        self._sent += samples
        return uuid, value

    def next_due_ns(self) -> int | None:
        """True UTC at which there will be more to send; None when only a write brings more."""
        if not self._streaming or self._ended:
            return None
        end = self._source.end_tick
        last = self._next + self._together() - 1
        if end is not None:
            last = min(last, end - 1)
        return self._clock.true_ns(last * self._period_ns)

    def _together(self) -> int:
        """Samples of one notification."""
        return 1

    def _time_ns(self, tick: int) -> int:
        """The device's time of a tick."""
        return tick * self._period_ns

    def _device_us(self, true_ns: int) -> int:
        return self._clock.device_ns(true_ns) // NS_PER_US

    def _set_rate(self, rate_hz: float) -> None:
        self._source = self._sources(rate_hz)
        self._period_ns = period_ns_of(rate_hz)
        self._streaming = False

    def _look_again(self, true_ns: int) -> None:
        """Begin to sample, or stop, as it is wanted now."""
        wanted = self._wants_to_stream()
        if wanted and not self._streaming:
            self._next = self._due_tick(true_ns)
        self._streaming = wanted

    def _answer(self, uuid: str, value: bytes) -> None:
        """Notify something that is no sample."""
        self._queue([(uuid, value, 0)])

    @property
    def _ended(self) -> bool:
        end = self._source.end_tick
        return end is not None and self._next >= end

    def _due_tick(self, true_ns: int) -> int:
        due = max(0, self._clock.device_ns(true_ns) // self._period_ns + 1)
        end = self._source.end_tick
        return due if end is None else min(due, end)

    def _take(self, stop: int, together: int) -> None:
        chunk = self._source.read(self._next, stop)
        self._lost += stop - self._next - chunk.ticks.size
        self._recorded += chunk.ticks.size
        for part in _parts(chunk, self._next, stop, together):
            self._queue(self._encoded(part))
        self._next = stop

    def _queue(self, notifications: Sequence[tuple[str, bytes, int]]) -> None:
        for notification in notifications:
            _, value, samples = notification
            if len(self._waiting) < MAX_WAITING and len(value) <= self.max_value_bytes:
                self._waiting.append(notification)
            else:
                self._lost += samples


def _parts(chunk: SourceChunk, start: int, stop: int, together: int) -> list[SourceChunk]:
    """The samples of each notification; those of a stretch that was lost whole are left out."""
    edges = chunk.ticks.searchsorted(range(start, stop + together, together))
    return [
        SourceChunk(chunk.ticks[first:last], chunk.si[first:last])
        for first, last in pairwise(edges)
        if last > first
    ]
