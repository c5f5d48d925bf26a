"""Sustained rounded episodes found against those that the truth holds.

A true episode is a stretch of true ``rounded`` of at least EPISODE_S; stretches at most JOIN_S apart are
one. It is *found* when one found episode overlaps at least half of it. A found episode is *false* when
less than half of it lies inside true rounded stretches: while upright, where most of the rest of its time
with a truth is upright, else of the rest. *Overrun* is the time that found episodes, right or false,
spend inside other true postures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from analytics.validation.truth import Interval
from contracts.records import Episode
from contracts.units import NS_PER_S
from contracts.vocabulary import Posture

EPISODE_S: Final = 30.0
JOIN_S: Final = 5.0
#: An onset within this is in time.
ONSET_S: Final = 3.0

Stretch = tuple[float, float]


@dataclass(frozen=True, slots=True)
class EpisodeScore:
    """Counts and times of one recording, to be added up over recordings. All times in s.

    ``onset_error_s``: of each episode that was found, found start minus true start. ``missed_s`` and
    ``false_s``: where the true ones not found, and the false ones, are, from the recording's start.
    """

    true: int
    found: int
    false_upright: int
    false_other: int
    upright_s: float
    other_s: float
    overrun_upright_s: float
    overrun_other_s: float
    onset_error_s: tuple[float, ...]
    missed_s: tuple[Stretch, ...]
    false_s: tuple[Stretch, ...]


@dataclass(frozen=True, slots=True)
class EpisodeFigures:
    """Of many recordings. Rates an hour are of true upright time, and of time neither nor rounded.

    A figure is NaN where there is nothing to make it of.
    """

    true: int
    found: int
    recall: float
    false_upright: int
    false_other: int
    upright_h: float
    other_h: float
    false_an_hour_upright: float
    false_an_hour_other: float
    overrun_share_upright: float
    overrun_share_other: float
    onset_error_median_s: float
    onset_error_abs_p95_s: float
    onset_within_3_s: float
    onset_error_s: tuple[float, ...]


def score_episodes(
    episodes: Sequence[Episode], recording_start_ns: int, intervals: Sequence[Interval]
) -> EpisodeScore:
    """Found ``episodes`` against the truth of the same recording."""
    found = [
        (
            (episode.start_ns - recording_start_ns) / NS_PER_S,
            (episode.end_ns - recording_start_ns) / NS_PER_S,
        )
        for episode in episodes
    ]
    rounded = joined([(i.start_s, i.end_s) for i in intervals if i.posture == Posture.ROUNDED])
    upright = [(i.start_s, i.end_s) for i in intervals if i.posture == Posture.UPRIGHT]
    other = [(i.start_s, i.end_s) for i in intervals if i.posture not in _RATED_APART]
    true = [(start_s, end_s) for start_s, end_s in rounded if end_s - start_s >= EPISODE_S]
    onsets = [_onset_error_s(episode, found) for episode in true]
    false = [e for e in found if _shared_s(e, rounded) < 0.5 * _length_s(e)]
    false_upright = sum(1 for e in false if _shared_s(e, upright) > _shared_s(e, other))
    return EpisodeScore(
        true=len(true),
        found=sum(error_s is not None for error_s in onsets),
        false_upright=false_upright,
        false_other=len(false) - false_upright,
        upright_s=sum(map(_length_s, upright)),
        other_s=sum(map(_length_s, other)),
        overrun_upright_s=sum(_shared_s(e, upright) for e in found),
        overrun_other_s=sum(_shared_s(e, other) for e in found),
        onset_error_s=tuple(error_s for error_s in onsets if error_s is not None),
        missed_s=tuple(e for e, error_s in zip(true, onsets, strict=True) if error_s is None),
        false_s=tuple(false),
    )


_RATED_APART: Final = frozenset({Posture.ROUNDED, Posture.UPRIGHT, Posture.UNKNOWN})


def joined(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Stretches in time order, those at most JOIN_S apart made one."""
    whole: list[Stretch] = []
    for start_s, end_s in stretches:
        if whole and start_s - whole[-1][1] <= JOIN_S:
            whole[-1] = (whole[-1][0], end_s)
        else:
            whole.append((start_s, end_s))
    return whole


def episode_figures(scores: Sequence[EpisodeScore]) -> EpisodeFigures:
    """All recordings' episodes as one set of figures."""
    true, found = sum(s.true for s in scores), sum(s.found for s in scores)
    upright_s, other_s = sum(s.upright_s for s in scores), sum(s.other_s for s in scores)
    false_upright = sum(s.false_upright for s in scores)
    false_other = sum(s.false_other for s in scores)
    errors_s = np.array([error_s for s in scores for error_s in s.onset_error_s])
    late_s = np.abs(errors_s)
    return EpisodeFigures(
        true=true,
        found=found,
        recall=ratio(found, true),
        false_upright=false_upright,
        false_other=false_other,
        upright_h=upright_s / 3600,
        other_h=other_s / 3600,
        false_an_hour_upright=ratio(false_upright * 3600, upright_s),
        false_an_hour_other=ratio(false_other * 3600, other_s),
        overrun_share_upright=ratio(sum(s.overrun_upright_s for s in scores), upright_s),
        overrun_share_other=ratio(sum(s.overrun_other_s for s in scores), other_s),
        onset_error_median_s=float(np.median(errors_s)) if errors_s.size else float("nan"),
        onset_error_abs_p95_s=float(np.quantile(late_s, 0.95)) if late_s.size else float("nan"),
        onset_within_3_s=ratio(float((late_s <= ONSET_S).sum()), late_s.size),
        onset_error_s=tuple(errors_s.tolist()),
    )


def ratio(part: float, whole: float) -> float:
    """``part`` / ``whole``, NaN of nothing."""
    return part / whole if whole else float("nan")


def _onset_error_s(true: Stretch, found: Sequence[Stretch]) -> float | None:
    """Start of the found episode that covers most of a true one against its start; None: not found."""
    best = max(found, key=lambda stretch: _shared_s(stretch, [true]), default=None)
    if best is None or _shared_s(best, [true]) < 0.5 * _length_s(true):
        return None
    return best[0] - true[0]


def _shared_s(stretch: Stretch, others: Sequence[Stretch]) -> float:
    """How long ``stretch`` lies inside ``others``, which do not overlap one another."""
    return sum(max(0.0, min(stretch[1], end) - max(stretch[0], start)) for start, end in others)


def _length_s(stretch: Stretch) -> float:
    return stretch[1] - stretch[0]
