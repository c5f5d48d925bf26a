"""A native sensor's firmware: samples by its own clock, keeps them in flash, sends from a cursor.

Pure: bytes and times in, bytes out. What docs/gatt.md asks of a sensor is here, and only here.

What a command does (opcode → handler) is the table ``Firmware._HANDLERS``; sending has three states: idle,
sending from a cursor, and that with a second cursor ahead of it, for what is sampled meanwhile. START
and START_AHEAD make it send, from wherever it is asked to; STOP and a lost link make it idle; the second
cursor goes where the first has come up with it. None of that changes what is kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from contracts import gatt
from contracts.errors import DecodeError, Reason, SettingError
from contracts.gatt import Opcode, Position, Reply, ReplyStatus, SamplePacket
from contracts.imu import AXES, DEFAULT_SCALE, ImuScale, period_ns_of
from contracts.units import NS_PER_S, NS_PER_US
from contracts.vocabulary import is_id
from firmware_sim.battery import FULL, Battery
from firmware_sim.clock import DeviceClock
from firmware_sim.firmware_words import FeltPulse, FirmwareStats, Notification, TakenSamples
from firmware_sim.flash import FlashLog
from firmware_sim.source import MAX_READ_TICKS, SampleSource

#: A flash log holds at least this much.
MIN_LOG_S: Final = 24 * 3600
#: A sequence is a u32: at 50 Hz it lasts 2.7 years.
MAX_TICKS: Final = 2**32
#: A live packet waits for this much, so that live data is never older.
LIVE_PACKET_S: Final = 0.2
#: For each sample ahead so many in their turn, or a slow link would never come up with the log.
AHEAD_TURNS: Final = 2
#: What waits to be sent ahead for longer than five packets is no news.
STALE_ROOMS: Final = 5
#: Haptic pulses that are remembered with their times.
MAX_PULSES: Final = 1000


@dataclass(frozen=True, slots=True)
class FirmwareConfig:
    """One sensor. ``power_on_ns``: true UTC at which its clock and its ticks began.

    ``synced_at_power_on``: a gateway set the time then, as when the wearer left in the morning.
    ``log_capacity_samples`` 0: just the 24 hours that it must hold.
    """

    serial: str
    power_on_ns: int
    clock_drift_ppm: float = 0.0
    scale: ImuScale = DEFAULT_SCALE
    log_capacity_samples: int = 0
    synced_at_power_on: bool = False
    epoch: int = 1
    battery: Battery = FULL


class Firmware:
    """The sensor ``config`` describes, measuring ``source``. SettingError where that cannot be."""

    def __init__(
        self, config: FirmwareConfig, source: SampleSource, clock: DeviceClock | None = None
    ) -> None:
        """``clock``: where it is more than ``config`` says of it."""
        self.config = config
        self._source = source
        self._period_ns = period_ns_of(source.rate_hz)
        self._clock = clock or DeviceClock(config.power_on_ns, config.clock_drift_ppm)
        least = -(-MIN_LOG_S * NS_PER_S // self._period_ns)
        _check_config(config, least)
        self._log = FlashLog(config.log_capacity_samples or least)
        end = source.end_tick
        self._end_tick = MAX_TICKS if end is None else min(end, MAX_TICKS)
        self._live_samples = max(1, int(LIVE_PACKET_S * source.rate_hz))
        self._scale = config.scale
        self._sync = gatt.SyncInfo(0, 0, 0, 0)
        if config.synced_at_power_on:
            power_on_us = config.power_on_ns // NS_PER_US
            self._sync = gatt.SyncInfo(0, power_on_us, 0, power_on_us)
        self._cursor: int | None = None
        self._live_from = 0  # first tick that was taken after START
        self._ahead: int | None = None  # the next tick to be sent ahead of the cursor's
        self._in_turn = 0  # samples sent in their turn since the last ones ahead
        self._end_sent = False
        self._sent = 0
        self._haptic_pulses = 0
        #: The latest pulses, at most MAX_PULSES.
        self.pulses: deque[FeltPulse] = deque(maxlen=MAX_PULSES)

    @property
    def stats(self) -> FirmwareStats:
        """The counts now."""
        log = self._log
        return FirmwareStats(
            recorded=log.recorded,
            lost=log.lost,
            sent=self._sent,
            kept=log.kept,
            overwritten=log.overwritten,
            ended=self._ended,
            haptic_pulses=self._haptic_pulses,
            next_sequence=log.next_tick,
        )

    @property
    def timed(self) -> bool:
        """Whether anyone ever set its clock in this epoch."""
        return self._sync.known

    @property
    def oldest_sequence(self) -> int:
        """The oldest sample that is kept; the next one where none is."""
        return self._log.run_from(self._log.oldest_tick, 1)[0]

    @property
    def _ended(self) -> bool:
        return self._log.next_tick >= self._end_tick

    def advance(self, true_ns: int) -> None:
        """Take every sample that is due by ``true_ns`` into the flash log. Never goes back."""
        due = min(self._end_tick, self._clock.device_ns(true_ns) // self._period_ns + 1)
        while (start := self._log.next_tick) < due:
            stop = min(due, start + min(MAX_READ_TICKS, self._log.capacity_ticks))
            chunk = self._source.read(start, stop)
            self._log.append(stop, chunk.ticks, self._scale.quantise(chunk.si))

    def taken(self) -> TakenSamples:
        """Every sample so far that reached the log, whatever became of it: read once more."""
        next_tick = self._log.next_tick
        chunks = [
            self._source.read(start, min(next_tick, start + MAX_READ_TICKS))
            for start in range(0, next_tick, MAX_READ_TICKS)
        ]
        ticks = np.concatenate([np.empty(0, np.int64), *(chunk.ticks for chunk in chunks)])
        samples = [self._scale.quantise(chunk.si) for chunk in chunks]
        elapsed_s = self._clock.elapsed_s(ticks, NS_PER_S / self._period_ns)
        return TakenSamples(
            self.config.epoch,
            ticks,
            self._clock.power_on_ns + np.rint(elapsed_s * NS_PER_S).astype(np.int64),
            np.concatenate([np.empty((0, len(AXES)), np.int16), *samples]),
        )

    def disconnected(self) -> None:
        """The link is gone: stop sending, keep the log."""
        self._cursor = self._ahead = None

    def next_notification(self, max_samples: int) -> Notification | None:
        """The next packet of at most ``max_samples``, which moves the cursor behind it.

        What is due ahead comes first. None while nothing is due, or nobody asked for anything.
        """
        cursor = self._cursor
        if cursor is None or max_samples < 1:
            return None
        ahead = self.next_ahead(max_samples)
        if ahead is not None:
            return ahead
        first, count = self._log.run_from(cursor, min(max_samples, gatt.MAX_PACKET_SAMPLES))
        is_log = first < self._live_from
        if is_log:
            count = min(count, self._live_from - first)
        else:
            count = min(count, self._live_samples)
            if not self._live_is_due(first, count, max_samples):
                return None
        end = self._ended and first + count == self._end_tick
        lost_before = max(0, first - max(cursor, self._log.erased_tick))
        self._cursor, self._end_sent = first + count, end
        self._sent += count
        self.count_in_turn(count)
        flags = gatt.packet_flags(from_log=is_log, end=end, ahead=False)
        return Notification(is_log, self._packet(first, count, lost_before, flags))

    def next_ahead(self, max_samples: int) -> Notification | None:
        """The next packet that is due ahead of the cursor, which moves the second cursor behind it."""
        ahead = self._ahead
        if ahead is None or self._cursor is None or max_samples < 1:
            return None
        if self._cursor >= ahead:  # it has come up: what is sampled from now on is its to send
            self._ahead = None
            return None
        room = self._live_room(max_samples)
        if self._in_turn < AHEAD_TURNS * room:
            return None
        start = ahead
        if self._log.next_tick - ahead > STALE_ROOMS * room:  # a slow link: the newest is wanted
            start = self._log.next_tick - room
        first, count = self._log.run_from(start, room)
        if count == 0 or not self._live_is_due(first, count, max_samples):
            return None
        lost_before = first - ahead
        self._ahead = first + count
        self._sent += count
        self._in_turn = 0
        flags = gatt.packet_flags(from_log=False, end=False, ahead=True)
        return Notification(False, self._packet(first, count, lost_before, flags))

    def count_in_turn(self, count: int) -> None:
        """So many samples went out in their turn, of this epoch or one before it."""
        self._in_turn += count

    def next_due_ns(self, max_samples: int) -> int | None:
        """True UTC at which the next live packet will be ready; None when none is to come."""
        if self._cursor is None or (self._ended and self._end_sent):
            return None
        first, _ = self._log.run_from(self._cursor, 1)
        last = min(first + self._live_room(max_samples), self._end_tick) - 1
        return self._clock.true_ns(last * self._period_ns)

    def handle(self, command: bytes, true_ns: int) -> bytes:
        """What the sensor indicates in reply to bytes written to ``control``. Any bytes have a reply."""
        self.advance(true_ns)
        try:
            request = gatt.Command.from_bytes(command)
        except DecodeError:
            opcode, token = (*command[:2], 0, 0)[:2]
            return Reply(opcode, token, ReplyStatus.BAD_ARGUMENT).to_bytes()
        handler = self._HANDLERS.get(request.opcode)
        status, result = ReplyStatus.UNKNOWN_COMMAND, b""
        if handler is not None:
            try:
                status, result = handler(self, request.arguments, true_ns)
            except DecodeError:
                status = ReplyStatus.BAD_ARGUMENT
        return Reply(request.opcode, request.token, status, result).to_bytes()

    def _live_room(self, max_samples: int) -> int:
        return max(1, min(max_samples, self._live_samples))

    def _live_is_due(self, first: int, count: int, max_samples: int) -> bool:
        """Whether a live packet is full, or can never become fuller."""
        following = first + count
        if following == self._log.next_tick:  # neither a hole nor the ring's edge ended the run
            if self._ended:
                return not (count == 0 and self._end_sent)
            return count >= self._live_room(max_samples)
        return True

    def _packet(self, first: int, count: int, lost_before: int, flags: int) -> bytes:
        header = SamplePacket.HEADER.pack(
            gatt.PROTOCOL_VERSION,
            flags,
            count,
            self._scale.accel_range_g,
            first,
            first * self._period_ns // NS_PER_US,
            self._period_ns,
            lost_before,
            self.config.epoch,
            self._scale.gyro_range_deg_s // gatt.GYRO_RANGE_UNIT_DEG_S,
            0,
        )
        return header + self._log.read(first, count)

    def _position(self, arguments: bytes) -> tuple[ReplyStatus, int]:
        """The tick that a position names: 0 in an epoch before ours, since nothing of it is kept."""
        position = Position.from_bytes(arguments)
        if position.epoch > self.config.epoch:
            return ReplyStatus.NO_SUCH_EPOCH, 0
        tick = position.sequence if position.epoch == self.config.epoch else 0
        if tick > self._log.next_tick:
            return ReplyStatus.BAD_ARGUMENT, 0
        return ReplyStatus.OK, tick

    def _on_start(self, arguments: bytes, true_ns: int) -> tuple[ReplyStatus, bytes]:
        status, tick = self._position(arguments)
        if status is ReplyStatus.OK:
            self._cursor, self._live_from, self._end_sent = tick, self._log.next_tick, False
            self._ahead = None
        return status, b""

    def _on_start_ahead(self, arguments: bytes, true_ns: int) -> tuple[ReplyStatus, bytes]:
        status, result = self._on_start(arguments, true_ns)
        if status is ReplyStatus.OK:
            self._ahead, self._in_turn = self._live_from, MAX_TICKS
        return status, result

    def _on_stop(self, arguments: bytes, true_ns: int) -> tuple[ReplyStatus, bytes]:
        _check_none(arguments)
        self.disconnected()
        return ReplyStatus.OK, b""

    def _on_set_rate(self, arguments: bytes, true_ns: int) -> tuple[ReplyStatus, bytes]:
        """Only the rate it has: what is simulated or was recorded cannot be sampled anew."""
        same = gatt.read_period_ns(arguments) == self._period_ns
        return (ReplyStatus.OK if same else ReplyStatus.BAD_ARGUMENT), b""

    def _on_set_ranges(self, arguments: bytes, true_ns: int) -> tuple[ReplyStatus, bytes]:
        """Other ranges only while the log is empty: what it holds was measured in the present ones."""
        scale = gatt.read_ranges(arguments)
        if scale != self._scale and self._log.kept:
            return ReplyStatus.BUSY, b""
        self._scale = scale
        return ReplyStatus.OK, b""

    def _on_haptic(self, arguments: bytes, true_ns: int) -> tuple[ReplyStatus, bytes]:
        self.pulses.append(FeltPulse(true_ns, gatt.HapticPulse.from_bytes(arguments)))
        self._haptic_pulses += 1
        return ReplyStatus.OK, b""

    def _on_set_time(self, arguments: bytes, true_ns: int) -> tuple[ReplyStatus, bytes]:
        utc_us, device_us = gatt.read_utc_us(arguments), self._clock.device_us(true_ns)
        first = self._sync if self._sync.known else gatt.SyncInfo(device_us, utc_us, 0, 0)
        self._sync = gatt.SyncInfo(first.first_device_us, first.first_utc_us, device_us, utc_us)
        return ReplyStatus.OK, gatt.u64(device_us)

    def _on_erase(self, arguments: bytes, true_ns: int) -> tuple[ReplyStatus, bytes]:
        status, tick = self._position(arguments)
        if status is ReplyStatus.OK:
            self._log.erase(tick)
        return status, b""

    def _on_status(self, arguments: bytes, true_ns: int) -> tuple[ReplyStatus, bytes]:
        _check_none(arguments)
        log, epoch = self._log, self.config.epoch
        device_us = self._clock.device_us(true_ns)
        status = gatt.SensorStatus(
            device_us=device_us,
            epoch=epoch,
            oldest=Position(epoch, self.oldest_sequence),
            next=Position(epoch, log.next_tick),
            period_ns=self._period_ns,
            scale=self._scale,
            kept=log.kept,
            overwritten=log.overwritten,
            battery_percent=self.config.battery.percent(device_us * NS_PER_US),
            sampling=not self._ended,
        )
        return ReplyStatus.OK, status.to_bytes()

    def _on_sync_info(self, arguments: bytes, true_ns: int) -> tuple[ReplyStatus, bytes]:
        if gatt.read_u16(arguments, "epoch") != self.config.epoch:
            return ReplyStatus.NO_SUCH_EPOCH, b""
        return ReplyStatus.OK, self._sync.to_bytes()

    _HANDLERS: ClassVar[dict[int, Callable[[Firmware, bytes, int], tuple[ReplyStatus, bytes]]]] = {
        Opcode.START: _on_start,
        Opcode.START_AHEAD: _on_start_ahead,
        Opcode.STOP: _on_stop,
        Opcode.SET_RATE: _on_set_rate,
        Opcode.SET_RANGES: _on_set_ranges,
        Opcode.HAPTIC: _on_haptic,
        Opcode.SET_TIME: _on_set_time,
        Opcode.ERASE: _on_erase,
        Opcode.STATUS: _on_status,
        Opcode.SYNC_INFO: _on_sync_info,
    }


def _check_none(arguments: bytes) -> None:
    if arguments:
        raise DecodeError(
            Reason.TOO_LONG, f"{len(arguments)} bytes of arguments where none belong."
        )


def _check_config(config: FirmwareConfig, least_samples: int) -> None:
    def refuse(text: str, hint: str) -> SettingError:
        return SettingError(Reason.BAD_SETTING, text, hint=hint)

    if not is_id(config.serial):
        raise refuse(
            f"{config.serial[:80]!r} cannot be a sensor's serial number.",
            "Use 1 to 64 of A-Z, a-z, 0-9, _ and -.",
        )
    if not 1 <= config.epoch <= 0xFFFF:
        raise refuse(f"Epoch {config.epoch} cannot be.", "Give 1 to 65535.")
    if config.log_capacity_samples and config.log_capacity_samples < least_samples:
        raise refuse(
            f"A flash log of {config.log_capacity_samples} samples is under 24 hours.",
            f"Give {least_samples} or more.",
        )
    if config.power_on_ns < 0 or config.battery.life_h <= 0:
        raise refuse("A sensor needs a time it was switched on and a battery.", "Give both.")
