"""A sensor that only streams, as a session sees it: its codec's steps out, its readings in.

It has no log, so there is nothing to ask for again or to erase: what was lost on the way is lost, and
said so. Its samples are numbered and placed by :class:`~device_gateway.pacing.Pacer`.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import structlog
from bleak import BleakClient
from bleak.exc import BleakError

from contracts import gatt
from contracts.errors import DecodeError, RadioError, Reason
from contracts.gatt import HapticPulse, Position, SensorStatus
from contracts.units import NS_PER_S
from contracts.vocabulary import is_id
from device_gateway.clock import DeviceClock
from device_gateway.conversation import Deliver, Identity, lost
from device_gateway.pacing import Pacer, after
from device_gateway.profiles.port import (
    MAX_NOTIFICATION_BYTES,
    Pause,
    Profile,
    Read,
    Step,
    Subscribe,
    Write,
)

log = structlog.get_logger(__name__)

#: A sensor answers a write or a read within two connection intervals; ten times the longest of them.
STEP_TIMEOUT_S: Final = 5.0
#: A sensor that is asked for a rate may take the nearest one; further off is another rate.
SAME_RATE: Final = 0.1
#: Of what a sensor says of itself; longer is no serial number.
MAX_TEXT_BYTES: Final = 64


def address_id(profile: Profile, address: str) -> str:
    """The id of a sensor that has no serial number: what its make is called by, and its address."""
    return profile.serial_prefix + re.sub(r"[^0-9A-Za-z]", "", address).upper()


class StreamingConversation:
    """A :class:`~device_gateway.conversation.Conversation` with a sensor of ``profile`` at ``address``.

    ``clock_ns`` tells UTC; ``rate_hz`` is wanted, the nearest that the make has is asked for.
    """

    keeps_log: Final = False

    def __init__(
        self,
        client: BleakClient,
        profile: Profile,
        address: str,
        *,
        rate_hz: float,
        clock_ns: Callable[[], int],
    ) -> None:
        self._client = client
        self._profile = profile
        self._address = address
        self._clock_ns = clock_ns
        self._wanted_hz = self._rate_hz = profile.rate_near(rate_hz)
        self._codec = profile.codec(self._wanted_hz)
        self._pacer = self._pacer_from(1)
        self._deliver: Deliver | None = None
        self._streaming = False
        self._subscribed: set[str] = set()
        self._one_at_a_time = asyncio.Lock()
        self._garbage = 0

    @property
    def battery_percent(self) -> int | None:
        """What it last said of its battery."""
        return self._codec.battery_percent

    async def open(self) -> Identity:
        """Its serial number, else its make and address; never what is no id."""
        serial = await self._text(gatt.SERIAL_NUMBER_UUID)
        firmware = await self._text(gatt.FIRMWARE_REVISION_UUID)
        return Identity(
            serial if is_id(serial) else address_id(self._profile, self._address), firmware
        )

    async def admit(self) -> None:
        """These makes let everybody in."""

    async def status(self) -> SensorStatus:
        """Nothing is kept: its log begins and ends with the sample to come."""
        position = self._pacer.position
        return SensorStatus(
            device_us=0,
            epoch=position.epoch,
            oldest=position,
            next=position,
            period_ns=self._pacer.nominal_ns,
            scale=self._profile.scale,
            kept=0,
            overwritten=0,
            battery_percent=self.battery_percent or 0,
            sampling=True,
        )

    async def clocks(
        self, status: SensorStatus, known: DeviceClock | None
    ) -> dict[int, DeviceClock]:
        """The clock of an epoch of this connection's own; nothing of it is before what was given out."""
        clock = DeviceClock(0) if known is None else known
        number = after(clock.epoch)
        self._pacer = self._pacer_from(number)
        return {number: clock.next_epoch(number)}

    def corrected(self, clocks: Mapping[int, DeviceClock]) -> dict[int, DeviceClock]:
        """The clocks as arrivals tell them by now."""
        return self._pacer.corrected(clocks)

    async def listen(self, deliver: Deliver) -> None:
        """Deliver packets made of its readings; it streams from :meth:`start` on."""
        self._deliver = deliver

    async def start(self, position: Position) -> None:
        """Have it stream with the rate that is wanted; what it sends from then on is a new epoch's.

        What it sends before all is set, at the rate that it had, is not taken. What it sent earlier and
        was not taken up to ``position`` is said to be lost.
        """
        self._codec = self._profile.codec(self._wanted_hz)
        self._rate_hz = self._wanted_hz
        self._pacer.restart(self._rate_hz, lost=self._pacer.heard_since(position))
        await self._run(self._codec.opening())
        self._streaming = True

    async def stop(self) -> None:
        """Have it stop, if it was started."""
        if self._streaming:
            self._streaming = False
            await self._run(self._codec.closing())

    async def erase(self, position: Position) -> None:
        """It keeps nothing."""

    async def look(self, *, doubted: bool) -> None:
        """It says of itself what there is to know."""

    async def haptic(self, pulse: HapticPulse) -> None:
        """One pulse on the wearer's back. RadioError where the make has no motor."""
        steps = self._codec.haptic(pulse)
        if not steps:
            raise RadioError(
                Reason.SENSOR_REFUSED,
                f"A {self._profile.title} cannot buzz.",
                hint="Wear one that can for reminders on the back.",
            )
        await self._run(steps)

    async def set_rate(self, period_ns: int) -> None:
        """Sample so from the next start on. RadioError where the make has no such rate."""
        wanted_hz = NS_PER_S / period_ns
        rate_hz = self._profile.rate_near(wanted_hz)
        if abs(rate_hz - wanted_hz) > SAME_RATE * wanted_hz:
            rates = ", ".join(f"{rate:g}" for rate in self._profile.rates_hz)
            raise RadioError(
                Reason.SENSOR_REFUSED,
                f"A {self._profile.title} cannot sample at {wanted_hz:g} Hz.",
                hint=f"It can at {rates} Hz.",
            )
        self._wanted_hz = rate_hz

    def _pacer_from(self, epoch: int) -> Pacer:
        profile = self._profile
        step_us = profile.clock_step_us
        return Pacer(epoch, self._rate_hz, profile.scale, clock_step_us=step_us)

    async def _run(self, steps: Iterable[Step]) -> None:
        """Carry out a codec's steps, each once the one before it is done."""
        async with self._one_at_a_time:
            for step in steps:
                try:
                    async with asyncio.timeout(STEP_TIMEOUT_S):
                        await self._take_step(step)
                except TimeoutError:
                    raise lost(f"no answer to a {type(step).__name__.lower()}") from None
                except BleakError as error:
                    raise lost(str(error)) from error

    async def _take_step(self, step: Step) -> None:
        match step:
            case Subscribe(uuid):
                if uuid not in self._subscribed:
                    self._subscribed.add(uuid)
                    await self._client.start_notify(
                        uuid, lambda _, value: self._on_value(uuid, bytes(value))
                    )
            case Write(uuid, value, response):
                await self._client.write_gatt_char(uuid, value, response=response)
            case Read(uuid):
                self._on_value(uuid, bytes(await self._client.read_gatt_char(uuid)))
            case Pause(seconds):
                await asyncio.sleep(seconds)

    def _on_value(self, uuid: str, value: bytes) -> None:
        """What came in: when it did is all that is known of its time, so it is looked at here and now."""
        at_ns = round(asyncio.get_running_loop().time() * NS_PER_S)
        utc_ns = self._clock_ns()
        try:
            readings = self._codec.on_value(uuid, value[:MAX_NOTIFICATION_BYTES])
        except DecodeError as error:
            level = log.debug if self._garbage else log.warning
            level("sensor.bad_packet", reason=error.reason, message=error.message)
            self._garbage += 1
            return
        if readings is None or not self._streaming or self._deliver is None:
            return
        if self._codec.rate_hz != self._rate_hz:  # it took another than was asked for, and said so
            self._rate_hz = self._codec.rate_hz
            for packet in self._pacer.restart(self._rate_hz):
                self._deliver(packet)
        for packet in self._pacer.take(readings, at_ns, utc_ns):
            self._deliver(packet)

    async def _text(self, uuid: str) -> str:
        """A characteristic of Device Information; nothing where there is none, or it is no text."""
        if self._client.services.get_characteristic(uuid) is None:
            return ""
        with contextlib.suppress(BleakError, TimeoutError, UnicodeDecodeError):
            async with asyncio.timeout(STEP_TIMEOUT_S):
                value = bytes(await self._client.read_gatt_char(uuid))
            return value[:MAX_TEXT_BYTES].rstrip(b"\0").decode("utf-8").strip()
        return ""
