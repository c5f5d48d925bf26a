"""What a sensor sends ahead of its log: for whoever looks at it now. Pure; nothing of it is kept.

It comes again in its turn, and that is what goes into the outbox. So what is lost of this is no loss.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from contracts.errors import DecodeError
from contracts.gatt import Position, SamplePacket
from device_gateway.assembly import Assembler
from device_gateway.batches import Batch
from device_gateway.clock import DeviceClock
from device_gateway.placing import place_runs


class AheadOfLog:
    """Packets that came ahead → batches, in order and without overlap among themselves."""

    def __init__(self) -> None:
        self._assembler: Assembler | None = None
        self._reached: DeviceClock | None = None  # after the last batch

    def add(self, packet: SamplePacket) -> None:
        """Take a packet; it stays until :meth:`take`."""
        if self._assembler is None:
            first = Position(packet.epoch, packet.sequence)
            self._assembler = Assembler(first, keeps_log=False)
        self._assembler.add(packet)

    def take(self, clocks: Mapping[int, DeviceClock], *, now_ns: int) -> list[Batch]:
        """What came since, with the time of each by ``clocks``, as far as they tell it."""
        if self._assembler is None or not self._assembler.waiting_samples:
            return []
        runs = self._assembler.take(flush=True).runs
        known = {epoch: self._gone_on(clock) for epoch, clock in clocks.items()}
        try:
            placed = place_runs(runs, known, now_ns=now_ns)
        except DecodeError:  # the clock makes no sense, and the log in its turn says so
            return []
        self._reached = placed.clocks.get(runs[-1].epoch, self._reached)
        return placed.batches

    def _gone_on(self, clock: DeviceClock) -> DeviceClock:
        """``clock`` from where the last batch ended, not from where the log has come to."""
        reached = self._reached
        if reached is None or reached.epoch != clock.epoch:
            return clock
        return msgspec.structs.replace(
            clock,
            cursor_device_ns=reached.cursor_device_ns,
            cursor_utc_ns=reached.cursor_utc_ns,
        )
