"""What a sensor sends ahead of its log: for whoever looks at it now. Pure; nothing of it is kept.

It comes again in its turn, and that is what goes into the outbox. So what is lost of this is no loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from contracts.errors import DecodeError
from contracts.gatt import Position, SamplePacket
from contracts.records import FRAME_NS
from contracts.units import NS_PER_S, NS_PER_US
from device_gateway.assembly import Assembler, Outcome
from device_gateway.batches import Batch
from device_gateway.clock import DeviceClock
from device_gateway.placing import place_runs

#: What does not come to a frame's end is not kept for longer: four seconds at the highest rate.
MAX_WAITING: Final = 4096
#: A time that was given out so far from now was given by a host whose clock was wrong.
WRONG_NS: Final = 10 * NS_PER_S


class AheadOfLog:
    """Packets that came ahead → batches, in order and without overlap among themselves."""

    def __init__(self) -> None:
        self._assembler = Assembler(Position(0, 0), keeps_log=False)
        self._epoch = 0
        self._newest_device_ns = 0
        self._frame_end_ns = 0  # of the frame that is not whole yet, UTC
        self._reached: DeviceClock | None = None  # after the last batch

    def add(self, packet: SamplePacket) -> None:
        """Take a packet; it stays until :meth:`take`. One that falls back begins anew."""
        if not self._newest_device_ns or self._assembler.add(packet) is Outcome.DUPLICATE:
            self._reached, self._frame_end_ns = None, 0
            first = Position(packet.epoch, packet.sequence)
            self._assembler = Assembler(first, keeps_log=False)
            self._assembler.add(packet)
        self._epoch = packet.epoch
        last_ns = (packet.count - 1) * packet.period_ns
        self._newest_device_ns = packet.device_us * NS_PER_US + last_ns

    def take(self, clocks: Mapping[int, DeviceClock], *, now_ns: int) -> list[Batch]:
        """What came since, once a frame is whole, with the time of each by ``clocks``.

        Nothing can be done with less than a frame. What the clocks do not tell the time of is let go.
        """
        waiting = self._assembler.waiting_samples
        clock = clocks.get(self._epoch)
        if clock is not None and clock.known:
            newest_ns = self._gone_on(clock, now_ns).utc_ns(self._newest_device_ns)
            begun = self._frame_end_ns - FRAME_NS <= newest_ns < self._frame_end_ns
            if not waiting or (begun and waiting < MAX_WAITING):
                return []
            self._frame_end_ns = (newest_ns // FRAME_NS + 1) * FRAME_NS
        return self._placed(clocks, now_ns)

    def _placed(self, clocks: Mapping[int, DeviceClock], now_ns: int) -> list[Batch]:
        runs = self._assembler.take(flush=True).runs
        known = {epoch: self._gone_on(clock, now_ns) for epoch, clock in clocks.items()}
        try:
            placed = place_runs(runs, known, now_ns=now_ns)
        except DecodeError:  # the clock makes no sense, and the log in its turn says so
            return []
        self._reached = placed.clocks.get(self._epoch, self._reached)
        return placed.batches

    def _gone_on(self, clock: DeviceClock, now_ns: int) -> DeviceClock:
        """``clock`` from where the last batch ended, not from where the log has come to."""
        reached = self._reached
        if reached is None or reached.epoch != clock.epoch:
            return clock
        if (reached.cursor_utc_ns or 0) > now_ns + WRONG_NS:
            return clock
        return msgspec.structs.replace(
            clock,
            cursor_device_ns=reached.cursor_device_ns,
            cursor_utc_ns=reached.cursor_utc_ns,
        )
