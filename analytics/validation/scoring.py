"""What was said of one recording beside its truth, second by second and episode by episode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from analytics.offline import Analysis
from analytics.validation.episodes import EpisodeScore, score_episodes
from analytics.validation.trials import Trial, trials_of
from analytics.validation.truth import Interval, true_codes
from contracts.units import NS_PER_S
from contracts.vocabulary import Activity, Posture


class Study(StrEnum):
    """Which kind of recording it is, told from its truth; figures of two kinds are never mixed."""

    SITTING = "sitting"  # postures held, seated at rest
    DRIVING = "driving"  # postures held under a vehicle's acceleration
    ACTIVITIES = "activities"  # activities, no posture


@dataclass(frozen=True, slots=True)
class Way:
    """How a recording was analysed: with which sensors, and how they sat on the body."""

    sensors: str
    mounting: str = "as recorded"


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """One recording analysed one way. Arrays are (n,): the seconds that count, in time order.

    A second counts when it lies wholly inside a true interval and has a frame. ``silent_s``: seconds
    inside true intervals without any sample, which have none. ``refused``: why a calibration was.
    """

    recording: str
    person: str
    study: Study
    way: Way
    posture_true: NDArray[np.uint8]
    posture_found: NDArray[np.uint8]
    activity_true: NDArray[np.uint8]
    activity_found: NDArray[np.uint8]
    confidence: NDArray[np.float64]
    quality: NDArray[np.uint8]
    calibrating: NDArray[np.bool_]
    silent_s: int
    episodes: EpisodeScore
    trials: tuple[Trial, ...]
    refused: tuple[str, ...] = ()

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether the posture said is the true one."""
        return np.asarray(self.posture_true == self.posture_found, dtype=np.bool_)


def study_of(intervals: Sequence[Interval]) -> Study:
    """The kind of recording that has this truth."""
    if all(interval.posture == Posture.UNKNOWN for interval in intervals):
        return Study.ACTIVITIES
    driven = any(interval.activity == Activity.DRIVING for interval in intervals)
    return Study.DRIVING if driven else Study.SITTING


def person_of(name: str, study: Study) -> str:
    """Who is recorded: what follows the last hyphen of the name, the same for sitting and driving."""
    number = name.rpartition("-")[2]
    return f"activity {number}" if study is Study.ACTIVITIES else number


def score(analysis: Analysis, intervals: Sequence[Interval], way: Way) -> Scored:
    """Frames and episodes of one analysis beside the truth of its recording."""
    study = study_of(intervals)
    frames = analysis.frames
    offset_ns = frames.start_ns - analysis.recording.start_ns
    inside, posture, activity = true_codes(intervals, offset_ns)
    return Scored(
        recording=analysis.name,
        person=person_of(analysis.name, study),
        study=study,
        way=way,
        posture_true=posture[inside],
        posture_found=frames.posture[inside],
        activity_true=activity[inside],
        activity_found=frames.activity[inside],
        confidence=frames.confidence[inside],
        quality=frames.quality[inside],
        calibrating=_calibrating(analysis, offset_ns)[inside],
        silent_s=_countable_s(intervals, analysis.recording.start_ns) - int(inside.sum()),
        episodes=score_episodes(analysis.episodes, analysis.recording.start_ns, intervals),
        trials=trials_of(analysis, intervals),
        refused=tuple(result.message for result in analysis.calibrations if not result.accepted),
    )


def _calibrating(analysis: Analysis, offset_ns: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(n,) whether a second overlaps a window in which the wearer was asked to hold a posture."""
    overlaps = np.zeros(offset_ns.size, np.bool_)
    for start_s, end_s in analysis.recording.manifest.calibration.values():
        overlaps |= (offset_ns < end_s * NS_PER_S) & (offset_ns + NS_PER_S > start_s * NS_PER_S)
    return overlaps


def _countable_s(intervals: Sequence[Interval], recording_start_ns: int) -> int:
    """How many whole UTC seconds lie wholly inside true intervals."""
    count = 0
    for interval in intervals:
        start_ns = recording_start_ns + round(interval.start_s * NS_PER_S)
        end_ns = recording_start_ns + round(interval.end_s * NS_PER_S)
        count += max(0, end_ns // NS_PER_S - -(-start_ns // NS_PER_S))
    return count
