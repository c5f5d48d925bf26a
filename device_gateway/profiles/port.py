"""What a make of sensor is to the gateway: a pure codec, and the facts to find and to start it by.

A sensor of another make streams while it is connected and keeps no log. Its codec turns the bytes of
a notification into readings and says what has to be written to it; who numbers the samples, gives them
a time and hands them to the outbox is the same for all of them (:mod:`device_gateway.streaming`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from contracts.gatt import HapticPulse
from contracts.imu import ImuScale, Int16Samples

#: The longest notification that ATT allows.
MAX_NOTIFICATION_BYTES: Final = 512


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Have notifications of a characteristic delivered."""

    uuid: str


@dataclass(frozen=True, slots=True)
class Write:
    """Write to a characteristic; ``response``: wait until the sensor has taken it."""

    uuid: str
    value: bytes
    response: bool = True


@dataclass(frozen=True, slots=True)
class Read:
    """Read a characteristic and tell the codec (:meth:`Codec.on_value`)."""

    uuid: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait: some sensors lose a command that follows the one before it too closely."""

    seconds: float


Step = Subscribe | Write | Read | Pause


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """Samples that arrived in one notification, oldest first.

    ``samples`` (count, 6) int16 in the profile's scale, sensor axes. ``device_us``: when the first was
    taken by the sensor's own clock, already unwrapped (it never steps back but for a restart of the
    sensor); None where the make sends no time. ``lost_before``: how many the codec knows to be missing
    directly before the first one, 0 where it cannot know.
    """

    samples: Int16Samples
    device_us: int | None = None
    lost_before: int = 0

    @property
    def count(self) -> int:
        """How many samples."""
        return len(self.samples)


class Codec(Protocol):
    """One connection's bytes, both ways. Pure: no clock, no I/O; made anew for every connection."""

    @property
    def rate_hz(self) -> float:
        """The rate in force: what was asked for until the sensor said otherwise."""

    @property
    def battery_percent(self) -> int | None:
        """What the sensor last said of its battery; None before it did, or where it never does."""

    def opening(self) -> Iterable[Step]:
        """What makes the sensor stream with the rate and the ranges that are wanted, in order.

        Steps are to be taken one at a time: what comes after a Read may depend on what was read.
        """

    def closing(self) -> Sequence[Step]:
        """What makes it stop."""

    def haptic(self, pulse: HapticPulse) -> Sequence[Step]:
        """What makes one pulse on the wearer's back; nothing where the make has no motor."""

    def on_value(self, uuid: str, value: bytes) -> Readings | None:
        """Take a notification's value, or one that was read. None where it holds no readings.

        DecodeError where its layout does not allow it; the codec goes on with the next.
        """


@dataclass(frozen=True, slots=True)
class Profile:
    """A make of sensor.

    ``services``: UUIDs in its advertisement, any of which is a sign of it; ``name_starts``: how its
    advertised name begins, where the service is not advertised or is shared with others (with both
    given, both must hold). ``rates_hz``: what it can sample at, ascending. ``codec``: a new one for a
    connection at a rate of those. ``clock_step_us``: how finely its clock is read, where it sends one.
    ``experimental``: seen in one program only, not in a document.
    """

    name: str
    title: str
    services: frozenset[str]
    rates_hz: tuple[float, ...]
    scale: ImuScale
    codec: Callable[[float], Codec]
    name_starts: tuple[str, ...] = ()
    serial_prefix: str = ""
    clock_step_us: int = 1
    experimental: bool = False

    def recognises(self, services: frozenset[str], name: str | None) -> bool:
        """Whether an advertisement, its service UUIDs in lower case, is of this make."""
        named = (name or "").startswith(self.name_starts) if self.name_starts else True
        served = bool(self.services & services) if self.services else True
        return named and served

    def rate_near(self, wanted_hz: float) -> float:
        """The rate that comes nearest to one that is wanted, the faster of two as near."""
        return min(self.rates_hz, key=lambda hz: (abs(hz - wanted_hz), -hz))
