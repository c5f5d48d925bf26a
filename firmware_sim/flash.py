"""The flash log: a ring of samples by sampling tick, which overwrites the oldest when it is full."""

from __future__ import annotations

import numpy as np

from contracts.errors import InvariantError
from contracts.imu import AXES, Int16Samples
from firmware_sim.source import Ticks

_TAKEN = 1
_LOST = 0


class FlashLog:
    """Samples of the last ``capacity_ticks`` sampling ticks, lost ones remembered as lost.

    ``oldest_tick`` and ``next_tick`` bound what is kept: [oldest, next). The memory of samples is
    taken as they come.
    """

    def __init__(self, capacity_ticks: int) -> None:
        if capacity_ticks < 1:
            raise InvariantError(f"A flash log of {capacity_ticks} ticks holds nothing.")
        self.capacity_ticks = capacity_ticks
        self.oldest_tick = 0
        self.next_tick = 0
        self.recorded = 0
        self.lost = 0
        self.kept = 0
        self.overwritten = 0
        self.erased_tick = 0  # nobody wants what lies before it: it was acknowledged, not lost
        self._taken = bytearray(capacity_ticks)
        self._samples = np.zeros((capacity_ticks, len(AXES)), "<i2")

    def append(self, stop_tick: int, ticks: Ticks, samples: Int16Samples) -> None:
        """Log ticks [next_tick, stop_tick): ``samples`` (k, 6) were taken at ``ticks`` (k,).

        At most ``capacity_ticks`` at once.
        """
        start = self.next_tick
        if not start <= stop_tick <= start + self.capacity_ticks:
            raise InvariantError(f"Ticks [{start}, {stop_tick}) do not fit the flash log at once.")
        self._forget(stop_tick - self.capacity_ticks, overwriting=True)
        done = 0
        for slot, count in self._stretches(start, stop_tick):
            first = start + done
            inside = slice(*ticks.searchsorted((first, first + count)))
            self._write(slot, count, ticks[inside] - first, samples[inside])
            done += count
        self.next_tick = stop_tick
        self.recorded += len(ticks)
        self.kept += len(ticks)
        self.lost += stop_tick - start - len(ticks)

    def erase(self, before_tick: int) -> None:
        """Forget all before ``before_tick``, which is at most ``next_tick``."""
        if before_tick > self.next_tick:
            raise InvariantError(f"Tick {before_tick} was not taken yet.")
        self._forget(before_tick, overwriting=False)
        self.erased_tick = max(self.erased_tick, before_tick)

    def run_from(self, tick: int, limit: int) -> tuple[int, int]:
        """The first kept sample at or after ``tick`` and how many follow without a hole.

        ``(next_tick, 0)`` where there is none. At most ``limit``; fewer where the ring's end cuts it.
        """
        tick = max(tick, self.oldest_tick)
        for slot, count in self._stretches(tick, self.next_tick):
            found = self._taken.find(_TAKEN, slot, slot + count)
            if found >= 0:
                stop = min(found + limit, slot + count)
                hole = self._taken.find(_LOST, found, stop)
                return tick + found - slot, (stop if hole < 0 else hole) - found
            tick += count
        return self.next_tick, 0

    def read(self, tick: int, count: int) -> bytes:
        """The wire's bytes of ``count`` samples from ``tick``: a run that :meth:`run_from` gave."""
        slot = tick % self.capacity_ticks
        return self._samples[slot : slot + count].tobytes()

    def _forget(self, before_tick: int, *, overwriting: bool) -> None:
        if before_tick <= self.oldest_tick:
            return
        gone = sum(
            self._taken.count(_TAKEN, slot, slot + count)
            for slot, count in self._stretches(self.oldest_tick, before_tick)
        )
        self.kept -= gone
        if overwriting:
            self.overwritten += gone
        self.oldest_tick = before_tick

    def _stretches(self, start_tick: int, stop_tick: int) -> list[tuple[int, int]]:
        """Where ticks [start, stop), at most a ring's worth, lie: (slot, count), one piece or two."""
        total = stop_tick - start_tick
        if total <= 0:
            return []
        slot = start_tick % self.capacity_ticks
        count = min(total, self.capacity_ticks - slot)
        return [(slot, count)] if count == total else [(slot, count), (0, total - count)]

    def _write(self, slot: int, count: int, offsets: Ticks, values: Int16Samples) -> None:
        """Fill ``count`` slots: ``values`` at ``offsets`` from ``slot``, the others lost."""
        taken = np.frombuffer(self._taken, np.uint8)[slot : slot + count]
        taken[:] = _LOST
        taken[offsets] = _TAKEN
        self._samples[slot + offsets] = values
