"""The native profile's control point: commands with a token, replies by indication, one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

import structlog
from bleak import BleakClient
from bleak.exc import BleakError, BleakGATTProtocolError, BleakGATTProtocolErrorCode

from contracts import gatt
from contracts.errors import DecodeError, RadioError, Reason
from contracts.gatt import Command, Opcode, Position, Reply, ReplyStatus, SensorStatus, SyncInfo
from contracts.units import NS_PER_MS, NS_PER_S, NS_PER_US
from device_gateway.clock import Anchor, DeviceClock, narrowed, round_trip_anchor
from device_gateway.clocks import Looks, clocks_of
from device_gateway.conversation import Deliver, Identity, lost

log = structlog.get_logger(__name__)

#: A reply waits behind the notifications in the sensor's buffers: well under a second. Ten times that.
REPLY_TIMEOUT_S: Final = 5.0
#: Round trips that count together: most of one is waiting for the next connection interval, there or
#: back, and what a few of them leave open is close to none of that.
CLOCK_PROBES: Final = 4
#: Where that leaves too much open, since the machine or the air is busy, so many at most. A time that is
#: once given to samples stays, so the first estimate is worth a second of asking.
MOST_CLOCK_PROBES: Final = 20
#: An anchor that is good enough: as good as times are to be.
QUICK_NS: Final = 5 * NS_PER_MS
MAX_TEXT_BYTES: Final = 64
_WANTS_ENCRYPTION: Final = frozenset(
    (
        BleakGATTProtocolErrorCode.INSUFFICIENT_AUTHENTICATION,
        BleakGATTProtocolErrorCode.INSUFFICIENT_ENCRYPTION,
    )
)


class Control:
    """A native sensor's :class:`~device_gateway.conversation.Conversation`."""

    keeps_log: Final = True

    def __init__(self, client: BleakClient, clock_ns: Callable[[], int]) -> None:
        self._client = client
        self.battery_percent: int | None = None
        self._clock_ns = clock_ns
        self._anchor: Anchor | None = None
        self._looks = Looks()
        self._sends_ahead = True  # until it says that it knows nothing of that
        self._one_at_a_time = asyncio.Lock()
        self._token = 0
        self._awaited: tuple[int, int] | None = None
        self._reply: asyncio.Future[Reply] | None = None

    async def open(self) -> Identity:
        """Ask who it is. DecodeError where that is no answer."""
        try:
            serial = await self._client.read_gatt_char(gatt.SERIAL_NUMBER_UUID)
            firmware = await self._client.read_gatt_char(gatt.FIRMWARE_REVISION_UUID)
        except BleakError as error:
            raise lost(str(error)) from error
        return Identity(_text("serial number", serial), _text("firmware revision", firmware))

    async def admit(self) -> None:
        """Listen to its replies; bond with it first where it wants that, and takes us."""
        try:
            await self._client.start_notify(gatt.CONTROL_UUID, self._on_reply)
        except BleakGATTProtocolError as error:
            if error.code not in _WANTS_ENCRYPTION:
                raise lost(str(error)) from error
            await self._bond()
        except BleakError as error:
            raise lost(str(error)) from error

    async def _bond(self) -> None:
        """RadioError(NOT_BONDED) where it has another gateway."""
        try:
            await self._client.pair()
            await self._client.start_notify(gatt.CONTROL_UUID, self._on_reply)
        except BleakError as error:
            if not self._client.is_connected:
                raise lost(str(error)) from error
            raise RadioError(
                Reason.NOT_BONDED,
                "The sensor is bonded with another gateway, and does not take this one.",
                hint="Have it forget that one: press its button for long.",
            ) from error

    async def command(self, opcode: Opcode, arguments: bytes = b"") -> bytes:
        """The result of a command that the sensor accepted."""
        return _result(opcode, await self._ask(opcode, arguments))

    async def _ask(self, opcode: Opcode, arguments: bytes) -> Reply:
        # A caller may be cancelled, an exchange not: a Bluetooth stack that loses sight of a write
        # under way answers no further one.
        exchange = asyncio.ensure_future(self._in_turn(opcode, arguments))
        exchange.add_done_callback(_look_at)
        return await asyncio.shield(exchange)

    async def status(self) -> SensorStatus:
        """Where its log starts and ends, and how it samples."""
        return SensorStatus.from_bytes(await self.command(Opcode.STATUS))

    async def sync_info(self, epoch: int) -> SyncInfo | None:
        """What others set the clock of an epoch to; None where the sensor no longer knows it."""
        try:
            result = await self.command(Opcode.SYNC_INFO, gatt.u16(epoch))
            return SyncInfo.from_bytes(result, now_ns=self._clock_ns())
        except DecodeError as error:
            log.warning("sensor.sync_info_ignored", reason=error.reason, message=error.message)
            return None
        except RadioError as error:
            if error.reason is not Reason.SENSOR_REFUSED:
                raise
            return None

    async def clocks(
        self, status: SensorStatus, known: DeviceClock | None
    ) -> dict[int, DeviceClock]:
        """A clock for each epoch that its log may hold. The sensor's own clock is set."""
        clocks, self.battery_percent = await clocks_of(self, status, known)
        self._looks.done(_now_ns(), self._clock_ns())
        return clocks

    def corrected(self, clocks: Mapping[int, DeviceClock]) -> dict[int, DeviceClock]:
        """``clocks`` with the anchor of the last look for the newest of them."""
        made, anchor = dict(clocks), self._anchor
        if anchor is not None:
            newest = max(made)
            made[newest] = made[newest].with_anchor(anchor)
            self._anchor = None
        return made

    async def look(self, *, doubted: bool) -> None:
        """Look at its clock and its battery, if it is time."""
        if self._looks.due(_now_ns(), self._clock_ns(), doubted=doubted):
            self._anchor, status = await self.set_clock()
            self.battery_percent = status.battery_percent
            self._looks.done(_now_ns(), self._clock_ns())

    async def listen(self, deliver: Deliver) -> None:
        """Have ``log`` and ``stream`` delivered."""
        await self._client.start_notify(gatt.LOG_UUID, lambda _, value: deliver(value))
        await self._client.start_notify(gatt.STREAM_UUID, lambda _, value: deliver(value))

    async def start(self, position: Position) -> None:
        """Send all from ``position`` on; what it samples meanwhile also ahead of that, if it can."""
        if self._sends_ahead:
            reply = await self._ask(Opcode.START_AHEAD, position.to_bytes())
            if reply.status is not ReplyStatus.UNKNOWN_COMMAND:
                _result(Opcode.START_AHEAD, reply)
                return
            self._sends_ahead = False
        await self.command(Opcode.START, position.to_bytes())

    async def stop(self) -> None:
        """Send nothing more. What comes after the reply was asked for later."""
        await self.command(Opcode.STOP)

    async def erase(self, position: Position) -> None:
        """Forget all before ``position``."""
        await self.command(Opcode.ERASE, position.to_bytes())

    async def haptic(self, pulse: gatt.HapticPulse) -> None:
        """One pulse on the wearer's back."""
        await self.command(Opcode.HAPTIC, pulse.to_bytes())

    async def set_rate(self, period_ns: int) -> None:
        """Sample every ``period_ns``."""
        await self.command(Opcode.SET_RATE, gatt.u32(period_ns))

    async def set_clock(self) -> tuple[Anchor, SensorStatus]:
        """Set the sensor's clock, and the anchor that all the round trips that took leave open.

        The status that each probe brings gives the device's time; the time is set ahead by half of
        what is open, so that it is about right when it arrives.
        """
        best: Anchor | None = None
        status: SensorStatus | None = None
        for probes in range(MOST_CLOCK_PROBES):
            if probes >= CLOCK_PROBES and best is not None and best.uncertainty_ns <= QUICK_NS:
                break
            sent_ns = self._clock_ns()
            status = await self.status()
            anchor = round_trip_anchor(sent_ns, self._clock_ns(), status.device_us)
            best = anchor if best is None else narrowed(best, anchor)
        assert best is not None  # noqa: S101 - there is at least one probe
        assert status is not None  # noqa: S101
        sent_ns = self._clock_ns()
        utc_us = (sent_ns + best.uncertainty_ns) // NS_PER_US
        result = await self.command(Opcode.SET_TIME, gatt.u64(utc_us))
        device_us = gatt.read_u64(result, "device time")
        anchor = round_trip_anchor(sent_ns, self._clock_ns(), device_us)
        return narrowed(best, anchor), status

    async def _in_turn(self, opcode: Opcode, arguments: bytes) -> Reply:
        async with self._one_at_a_time:
            return await self._exchange(opcode, arguments)

    async def _exchange(self, opcode: Opcode, arguments: bytes) -> Reply:
        self._token = (self._token + 1) % 256
        self._awaited = (opcode, self._token)
        self._reply = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(REPLY_TIMEOUT_S):
                value = Command(opcode, self._token, arguments).to_bytes()
                await self._client.write_gatt_char(gatt.CONTROL_UUID, value, response=True)
                return await self._reply
        except TimeoutError:
            raise lost(f"no answer to {opcode.name} within {REPLY_TIMEOUT_S:g} s") from None
        except BleakError as error:
            raise lost(str(error)) from error
        finally:
            self._awaited = self._reply = None

    def _on_reply(self, _: object, value: bytearray) -> None:
        try:
            reply = Reply.from_bytes(bytes(value))
        except DecodeError as error:
            log.debug("sensor.bad_reply", reason=error.reason)
            return
        # A late reply to a command that timed out carries another token.
        if (
            self._reply is not None
            and not self._reply.done()
            and self._awaited == (reply.opcode, reply.token)
        ):
            self._reply.set_result(reply)


def _result(opcode: Opcode, reply: Reply) -> bytes:
    if reply.status is not ReplyStatus.OK:
        raise RadioError(
            Reason.SENSOR_REFUSED,
            f"The sensor refused {opcode.name}: {reply.status.name}.",
            hint="Update the gateway or the sensor's firmware.",
        )
    return reply.result


def _look_at(exchange: asyncio.Future[Reply]) -> None:
    """What failed after its caller was gone is no one's news."""
    if not exchange.cancelled():
        exchange.exception()


def _now_ns() -> int:
    """A time that nobody sets."""
    return round(asyncio.get_running_loop().time() * NS_PER_S)


def _text(what: str, value: bytearray) -> str:
    if len(value) > MAX_TEXT_BYTES:
        raise DecodeError(Reason.TOO_LONG, f"a {what} of {len(value)} bytes is too long.")
    try:
        return bytes(value).rstrip(b"\0").decode("utf-8")
    except UnicodeDecodeError:
        raise DecodeError(Reason.MALFORMED, f"the {what} is not text.") from None
