"""What was said of simulated slips and swaps, added up over people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from analytics.validation.bootstrap import Estimate, divided, estimate
from analytics.validation.trouble import AXES, TURNS_DEG, Slip, SlipOutcome, SwapOutcome

#: Slips by how long they take: longest in s, and the words.
PACES: Final = ((0.0, "at once"), (0.8, "within 0.8 s"), (2.0, "in 1 to 2 s"))


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What was tried on one recording. ``false_alarm_s``: seconds called slipped or swapped as it is."""

    recording: str
    seconds: int
    false_alarm_s: int
    slips: tuple[SlipOutcome, ...]
    swaps: tuple[SwapOutcome, ...]


@dataclass(frozen=True, slots=True)
class SlipRow:
    """Slips of one kind: how many, the share that was told, and how often another was blamed."""

    kind: str
    slips: int
    told: Estimate
    false: int


@dataclass(frozen=True, slots=True)
class TroubleFigures:
    """Of all recordings. ``swaps_told``: either as swapped, or one of the two as slipped."""

    recordings: int
    seconds: int
    false_alarm_s: int
    slips: tuple[SlipRow, ...]
    swaps: int
    swaps_named: int
    swaps_told: int


def trouble_figures(tried: Sequence[Rehearsed]) -> TroubleFigures:
    """Added up; slips by turn and pace, by axis, and by placement."""
    swaps = [swap for one in tried for swap in one.swaps]
    return TroubleFigures(
        recordings=len(tried),
        seconds=sum(one.seconds for one in tried),
        false_alarm_s=sum(one.false_alarm_s for one in tried),
        slips=tuple(
            row
            for row in (_row(tried, kind, wanted) for kind, wanted in _kinds(tried))
            if row.slips
        ),
        swaps=len(swaps),
        swaps_named=sum(swap.named for swap in swaps),
        swaps_told=sum(swap.doubted for swap in swaps),
    )


def _kinds(tried: Sequence[Rehearsed]) -> list[tuple[str, Callable[[Slip], bool]]]:
    kinds = [
        (f"{turn_deg:.0f}°, {words}", _turned_at(turn_deg, pace))
        for turn_deg in TURNS_DEG
        for pace, (_, words) in enumerate(PACES)
    ]
    kinds += [(f"20° and more, {axis}", _about(axis)) for axis in AXES]
    placements = dict.fromkeys(o.slip.placement for one in tried for o in one.slips)
    kinds += [(f"20° and more, {place.value}", _at(place.value)) for place in placements]
    return kinds


def _turned_at(turn_deg: float, pace: int) -> Callable[[Slip], bool]:
    least_s = PACES[pace - 1][0] if pace else -1.0
    return lambda slip: slip.turn_deg == turn_deg and least_s < slip.duration_s <= PACES[pace][0]


def _about(axis: str) -> Callable[[Slip], bool]:
    return lambda slip: slip.axis == axis and slip.turn_deg >= 20


def _at(placement: str) -> Callable[[Slip], bool]:
    return lambda slip: slip.placement == placement and slip.turn_deg >= 20


def _row(tried: Sequence[Rehearsed], kind: str, wanted: Callable[[Slip], bool]) -> SlipRow:
    of_people = [[o for o in one.slips if wanted(o.slip)] for one in tried]
    sums = np.array([[sum(o.found for o in own), len(own)] for own in of_people], dtype=np.float64)
    return SlipRow(
        kind=kind,
        slips=sum(map(len, of_people)),
        told=estimate(lambda s: divided(s[..., 0], s[..., 1]), sums.reshape(-1, 2)),
        false=sum(o.false for own in of_people for o in own),
    )
