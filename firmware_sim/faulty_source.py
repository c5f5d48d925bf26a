"""What a sensor measures under a fault plan: stuck and saturated axes, a strap that slipped, reboots.

Pure. Faults go by true time, whatever the sensor's clock says.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from contracts.imu import AXES
from contracts.units import NS_PER_S, RAD_PER_DEG, STANDARD_GRAVITY_M_S2
from firmware_sim.clock import DeviceClock
from firmware_sim.faults import FaultPlan, SaturatedAxis, SlippedStrap, Span, StuckAxis
from firmware_sim.source import SampleSource, SourceChunk, Ticks

Array = NDArray[np.float64]

#: Beyond every full scale, so that quantisation stops at the sensor's own.
_SATURATED: Final = (64.0 * STANDARD_GRAVITY_M_S2,) * 3 + (8000.0 * RAD_PER_DEG,) * 3


class FaultySource:
    """``source`` with what a plan does to it. ``start_ns``: true UTC of the plan's second 0."""

    def __init__(
        self, source: SampleSource, plan: FaultPlan, clock: DeviceClock, start_ns: int
    ) -> None:
        self.rate_hz = source.rate_hz
        self._source = source
        self._clock = clock
        self._start_ns = start_ns
        self._period_ns = NS_PER_S / source.rate_hz
        self._slips = [(self._ticks_of(_span(f)), _turn(f)) for f in plan.kind(SlippedStrap)]
        self._stuck = [(self._ticks_of(_span(f)), f.axis) for f in plan.kind(StuckAxis)]
        self._saturated = [(self._ticks_of(_span(f)), f.axis) for f in plan.kind(SaturatedAxis)]
        self._off = [self._ticks_of(span) for span in plan.reboots()]
        self._stuck_at: dict[int, float] = {}

    @property
    def end_tick(self) -> int | None:
        """The first tick that is never taken."""
        return self._source.end_tick

    def read(self, start_tick: int, stop_tick: int) -> SourceChunk:
        """The readings of ticks [start_tick, stop_tick), as the faults have them."""
        chunk = self._source.read(start_tick, stop_tick)
        ticks, si = chunk.ticks, chunk.si
        if not any(self._touches(start_tick, stop_tick)):
            return chunk
        taken = np.ones(len(ticks), bool)
        for first, stop in self._off:
            taken &= (ticks < first) | (ticks >= stop)
        ticks, si = ticks[taken], np.array(si[taken], dtype=np.float64)
        self._spoil(ticks, si)
        return SourceChunk(ticks, si)

    def _spoil(self, ticks: Ticks, si: Array) -> None:
        for (first, stop), turn in self._slips:
            inside = (ticks >= first) & (ticks < stop)
            si[inside] = np.concatenate([si[inside, :3] @ turn.T, si[inside, 3:] @ turn.T], 1)
        for (first, stop), axis in self._saturated:
            column = AXES.index(axis)
            si[(ticks >= first) & (ticks < stop), column] = _SATURATED[column]
        for number, ((first, stop), axis) in enumerate(self._stuck):
            inside = (ticks >= first) & (ticks < stop)
            if inside.any():
                si[inside, AXES.index(axis)] = self._last_reading(number, first, axis)

    def _last_reading(self, number: int, tick: int, axis: str) -> float:
        """What the axis read last before ``tick``; 0 where it had read nothing."""
        if number not in self._stuck_at:
            before = self._source.read(max(0, tick - 1), max(1, tick)).si
            self._stuck_at[number] = float(before[-1, AXES.index(axis)]) if len(before) else 0.0
        return self._stuck_at[number]

    def _touches(self, start_tick: int, stop_tick: int) -> list[bool]:
        spans = [*self._off, *(s for s, _ in self._slips)]
        spans += [s for s, _ in self._stuck] + [s for s, _ in self._saturated]
        return [first < stop_tick and stop > start_tick for first, stop in spans]

    def _ticks_of(self, span: Span) -> tuple[int, int]:
        """Ticks [first, stop) whose true time lies in a span."""
        first, stop = (
            -int(-self._clock.device_ns(self._start_ns + round(at_s * NS_PER_S)) // self._period_ns)
            for at_s in (span.start_s, span.end_s)
        )
        return max(0, first), max(0, stop)


class ShiftedSource:
    """``source`` from ``shift_ticks`` on, counted from zero: what a new epoch measures."""

    def __init__(self, source: SampleSource, shift_ticks: int) -> None:
        self.rate_hz = source.rate_hz
        self._source = source
        self._shift = shift_ticks

    @property
    def end_tick(self) -> int | None:
        """The first tick that is never taken."""
        end = self._source.end_tick
        return None if end is None else max(0, end - self._shift)

    def read(self, start_tick: int, stop_tick: int) -> SourceChunk:
        """The readings of ticks [start_tick, stop_tick)."""
        chunk = self._source.read(start_tick + self._shift, stop_tick + self._shift)
        return SourceChunk(chunk.ticks - self._shift, chunk.si)


def _span(fault: StuckAxis | SaturatedAxis | SlippedStrap) -> Span:
    return Span(fault.at_s, fault.end_s)


def _turn(slip: SlippedStrap) -> Array:
    """(3, 3): what a sensor that slipped sees of a vector in the axes it had before."""
    forward, right = slip.forward_deg * RAD_PER_DEG, slip.right_deg * RAD_PER_DEG
    cy, sy, cz, sz = np.cos(forward), np.sin(forward), np.cos(right), np.sin(right)
    about_y = np.array([[cy, 0.0, -sy], [0.0, 1.0, 0.0], [sy, 0.0, cy]])
    about_z = np.array([[cz, -sz, 0.0], [sz, cz, 0.0], [0.0, 0.0, 1.0]])
    turned: Array = about_z @ about_y
    return turned
