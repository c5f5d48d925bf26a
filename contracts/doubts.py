"""Stretches of frames whose data is doubted, and what a person is told of them and may do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from contracts.records import FRAME_NS, FrameBlock, placements_of
from contracts.vocabulary import PLACEMENTS, QUALITIES, Placement, Quality

#: As many frames may lie between two seconds of one trouble.
BRIDGE_FRAMES: Final = 60
#: What is wrong with one sensor, and with several.
_WHAT: Final = {
    Quality.LOSING: ("loses readings", "lose readings"),
    Quality.SATURATED: (
        "reads at the end of its range",
        "read at the end of their range",
    ),
    Quality.STUCK: ("repeats one reading", "repeat one reading"),
    Quality.SLIPPED: ("seems to have slipped", "seem to have slipped"),
    Quality.SWAPPED: ("seems to have changed place", "seem to have changed places"),
}
#: What to do about one sensor, and about several.
_ADVICE: Final = {
    Quality.LOSING: (
        "Keep it near the gateway and charged.",
        "Keep them near the gateway and charged.",
    ),
    Quality.SATURATED: (
        "See that it sits firmly and is not knocked.",
        "See that they sit firmly and are not knocked.",
    ),
    Quality.STUCK: (
        "Switch it off and on again; it is left out until then.",
        "Switch them off and on again; they are left out until then.",
    ),
    Quality.SLIPPED: (
        "Put it back where it was and calibrate again.",
        "Put them back where they were and calibrate again.",
    ),
    Quality.SWAPPED: ("Put each sensor where it belongs and calibrate again.",) * 2,
}


@dataclass(frozen=True, slots=True)
class Doubt:
    """One trouble in [start_ns, end_ns), the worst of ``seconds`` frames within.

    ``placements`` are those doubted in most of them, or where none is, those doubted most often.
    """

    quality: Quality
    placements: tuple[Placement, ...]
    start_ns: int
    end_ns: int
    seconds: int

    def what(self, names: tuple[str, ...]) -> str:
        """What is wrong, with the sensors called ``names``: ``T4 seems to have slipped``."""
        one, several = _WHAT[self.quality]
        return f"{listed(names)} {one if len(names) == 1 else several}"

    @property
    def advice(self) -> str:
        """What to do about it, in a sentence."""
        one, several = _ADVICE[self.quality]
        return one if len(self.placements) == 1 else several


def listed(names: Sequence[str]) -> str:
    """Names as they stand in a sentence: ``T4, T12 and L5``."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def doubts_of(frames: FrameBlock) -> list[Doubt]:
    """The troubles in frames, by their start."""
    found = []
    for quality in _WHAT:
        rows = np.flatnonzero(frames.quality == QUALITIES.index(quality))
        cuts = np.flatnonzero(np.diff(rows) > BRIDGE_FRAMES) + 1
        found += [_doubt(frames, quality, part) for part in np.split(rows, cuts) if part.size]
    return sorted(found, key=lambda doubt: doubt.start_ns)


def _doubt(
    frames: FrameBlock, quality: Quality, rows: np.ndarray[tuple[int], np.dtype[np.intp]]
) -> Doubt:
    suspect = frames.suspect[rows]
    doubted = [int((suspect >> bit & 1).sum()) for bit in range(len(PLACEMENTS))]
    enough = max(1, min(rows.size // 2 + 1, max(doubted)))
    mask = sum(1 << bit for bit, seconds in enumerate(doubted) if seconds >= enough)
    return Doubt(
        quality=quality,
        placements=placements_of(mask),
        start_ns=int(frames.start_ns[rows[0]]),
        end_ns=int(frames.start_ns[rows[-1]]) + FRAME_NS,
        seconds=int(rows.size),
    )
