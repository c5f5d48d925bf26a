"""Postures as they were held: some half minutes, what each was mostly called, and the angles it had.

People held each posture for 30 s at a time; where two such trials of one posture follow each other, with
a join of 2 s, truth makes one interval of them. A long interval is taken apart again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.offline import Analysis
from analytics.validation.truth import Interval
from contracts.units import NS_PER_S
from contracts.vocabulary import POSTURES, Posture

#: A trial and the join behind it.
TRIAL_S: Final = 32.0
#: What a trial is told with, in degrees: names of columns of a frame.
TOLD_ANGLES: Final = ("thorax_flexion_deg", "pelvis_flexion_deg", "lateral_deg")


@dataclass(frozen=True, slots=True)
class Trial:
    """[start_s, end_s) of one true posture, in which there are ``seconds`` frames.

    ``said`` is the posture said most, ``right`` the share said right; ``angles_deg`` the medians of
    TOLD_ANGLES, NaN where the sensors cannot tell one.
    """

    start_s: float
    end_s: float
    true: Posture
    said: Posture
    right: float
    seconds: int
    angles_deg: tuple[float, ...]


def trials_of(analysis: Analysis, intervals: Sequence[Interval]) -> tuple[Trial, ...]:
    """The trials of one recording in time order; what is without a frame or posture is none."""
    start_ns = analysis.frames.start_ns - analysis.recording.start_ns
    trials = []
    for interval in _apart(intervals):
        begin_ns, end_ns = round(interval.start_s * NS_PER_S), round(interval.end_s * NS_PER_S)
        inside = (start_ns >= begin_ns) & (start_ns + NS_PER_S <= end_ns)
        if interval.posture is not Posture.UNKNOWN and inside.any():
            trials.append(_trial(analysis, interval, inside))
    return tuple(trials)


def _apart(intervals: Sequence[Interval]) -> Iterator[Interval]:
    """Intervals cut every TRIAL_S; a rest of less than half of it stays with the piece before."""
    for interval in intervals:
        pieces = max(1, math.floor((interval.end_s - interval.start_s) / TRIAL_S + 0.5))
        for k in range(pieces):
            last = k == pieces - 1
            yield Interval(
                interval.start_s + k * TRIAL_S,
                interval.end_s if last else interval.start_s + (k + 1) * TRIAL_S,
                interval.posture,
                interval.activity,
            )


def _trial(analysis: Analysis, interval: Interval, inside: NDArray[np.bool_]) -> Trial:
    said = np.bincount(analysis.frames.posture[inside], minlength=len(POSTURES))
    angles = [getattr(analysis.frames, name)[inside] for name in TOLD_ANGLES]
    return Trial(
        start_s=interval.start_s,
        end_s=interval.end_s,
        true=interval.posture,
        said=POSTURES[int(said.argmax())],
        right=float(said[POSTURES.index(interval.posture)] / said.sum()),
        seconds=int(said.sum()),
        angles_deg=tuple(_median(values) for values in angles),
    )


def _median(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if known.size else float("nan")
