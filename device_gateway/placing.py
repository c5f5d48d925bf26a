"""Runs of samples → batches with a time, by the clocks of their epochs. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from contracts.checks import EARLIEST_UTC_NS, FUTURE_LIMIT_NS
from contracts.errors import DecodeError
from contracts.units import NS_PER_S
from device_gateway.assembly import Run
from device_gateway.batches import Batch
from device_gateway.clock import DeviceClock


@dataclass(frozen=True, slots=True)
class PlacedRuns:
    """Batches, the clocks after them, and how many samples nobody ever told the time of."""

    batches: list[Batch]
    clocks: dict[int, DeviceClock]
    unplaced: int = 0


def place_runs(
    runs: Sequence[Run], clocks: Mapping[int, DeviceClock], *, now_ns: int
) -> PlacedRuns:
    """When each of ``runs`` was taken. A run whose time is not known, or is nonsense, has no batch.

    DecodeError where it is our clock that makes no sense any more: the host's was set meanwhile.
    """
    batches: list[Batch] = []
    after = dict(clocks)
    unplaced = 0
    for run in runs:
        placed = _place(run, after.get(run.epoch), now_ns)
        if placed is None:
            unplaced += run.count
            continue
        batch, moved = placed
        after = {epoch: _after(other, moved) for epoch, other in after.items()}
        batches.append(batch)
    return PlacedRuns(batches, after, unplaced)


def _place(run: Run, clock: DeviceClock | None, now_ns: int) -> tuple[Batch, DeviceClock] | None:
    """A run as a batch, and its clock after it; None where its time is not known."""
    if clock is None or not clock.known:
        return None
    try:
        placed, clock = clock.place(run, now_ns=now_ns)
    except DecodeError:
        newest_ns = clock.knots[-1].utc_ns
        if not EARLIEST_UTC_NS <= newest_ns <= now_ns + FUTURE_LIMIT_NS:
            raise
        return None
    batch = Batch(
        placed.t0_ns,
        placed.period_ns,
        NS_PER_S / run.period_ns,
        run.scale,
        run.readings,
        run.lost_before,
        placed.error_ns,
        run.end,
    )
    return batch, clock


def _after(clock: DeviceClock, moved: DeviceClock) -> DeviceClock:
    """``clock`` once ``moved`` has given out times: itself, or of a later epoch and not before those."""
    if clock.epoch == moved.epoch:
        return moved
    if clock.epoch < moved.epoch:
        return clock
    return msgspec.structs.replace(clock, cursor_device_ns=None, cursor_utc_ns=moved.cursor_utc_ns)
