"""What a session asks of a connected sensor, whatever its make."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from contracts.errors import RadioError, Reason
from contracts.gatt import HapticPulse, Position, SamplePacket, SensorStatus
from device_gateway.clock import DeviceClock


@dataclass(frozen=True, slots=True)
class Identity:
    """What a sensor says it is."""

    serial: str
    firmware: str


#: Takes what arrives: a packet, or the bytes of one that is to be read later.
Deliver = Callable[[bytearray | SamplePacket], None]


class Conversation(Protocol):
    """One connected sensor. RadioError(LINK_LOST, SENSOR_REFUSED) or BleakError where it fails.

    The native make answers for itself; for one that only streams, its codec and the arrivals answer.
    """

    @property
    def battery_percent(self) -> int | None:
        """What it last said of its battery."""

    @property
    def keeps_log(self) -> bool:
        """Whether it keeps what nobody took."""

    async def open(self) -> Identity:
        """Who it is. DecodeError where that is no answer."""

    async def admit(self) -> None:
        """Get ready to speak with it, now that it is ours: bond, where it wants that.

        RadioError(NOT_BONDED) where it takes another gateway alone.
        """

    async def status(self) -> SensorStatus:
        """Where its log begins and ends, and how it samples."""

    async def clocks(
        self, status: SensorStatus, known: DeviceClock | None
    ) -> dict[int, DeviceClock]:
        """A clock for each epoch of its log. ``known``: the clock of the last commit."""

    def corrected(self, clocks: Mapping[int, DeviceClock]) -> dict[int, DeviceClock]:
        """``clocks`` with what was learnt of them since."""

    async def listen(self, deliver: Deliver) -> None:
        """Have what it samples delivered, once it was started."""

    async def start(self, position: Position) -> None:
        """Send all from ``position`` on."""

    async def stop(self) -> None:
        """Send nothing more."""

    async def erase(self, position: Position) -> None:
        """Forget all before ``position``."""

    async def look(self, *, doubted: bool) -> None:
        """Look at its battery, and where it is time also at its clock; soon where that is ``doubted``."""

    async def haptic(self, pulse: HapticPulse) -> None:
        """One pulse on the wearer's back."""

    async def set_rate(self, period_ns: int) -> None:
        """Sample every ``period_ns``, from the next start on at the latest."""


def lost(text: str) -> RadioError:
    """The error of a link that does not carry what it should."""
    return RadioError(
        Reason.LINK_LOST,
        f"The link to the sensor failed: {text}.",
        hint="Bring the sensor nearer; the gateway goes on trying.",
    )
