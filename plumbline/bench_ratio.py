"""Ours against what bounds it: runs of the two in turn, and ratios with their spread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run took: by the clock on the wall, and of the processor."""

    wall_s: float
    cpu_s: float


Run = Callable[[], Cost]


def cost_of(work: Callable[[], object]) -> Cost:
    """What ``work`` takes in this process."""
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    work()
    return Cost(time.perf_counter() - wall_s, time.process_time() - cpu_s)


def in_turn(ours: Run, bound: Run, repeats: int) -> list[tuple[Cost, Cost]]:
    """Both, ``repeats`` times in turn, so that what else the machine does falls on both."""
    return [(ours(), bound()) for _ in range(repeats)]


def compared(pairs: Sequence[tuple[Cost, Cost]], ours: str, bound: str) -> dict[str, Any]:
    """Seconds of each, named ``ours`` and ``bound``, and how much longer ours took, pair by pair."""
    return {
        f"{ours} wall s": spread(a.wall_s for a, _ in pairs),
        f"{bound} wall s": spread(b.wall_s for _, b in pairs),
        f"{ours} CPU s": spread(a.cpu_s for a, _ in pairs),
        f"{bound} CPU s": spread(b.cpu_s for _, b in pairs),
    }


def wall_ratio(pairs: Sequence[tuple[Cost, Cost]]) -> dict[str, float]:
    """How fast ours is as a part of the bound's speed, by the wall: 1 is as fast, 0.5 half as fast."""
    return spread(b.wall_s / a.wall_s for a, b in pairs)


def cpu_ratio(pairs: Sequence[tuple[Cost, Cost]]) -> dict[str, float]:
    """How many times the bound's processor time ours takes."""
    return spread(a.cpu_s / max(b.cpu_s, 1e-9) for a, b in pairs)


def spread(values: Iterable[float]) -> dict[str, float]:
    """Median, least and most; at least one value."""
    known = sorted(values)
    return {"median": median(known), "least": known[0], "most": known[-1]}
