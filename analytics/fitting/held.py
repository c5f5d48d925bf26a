"""What people held, as seconds of inclinations: the material that postures are fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.core.angles import angles_of
from analytics.core.calibrating import CalibrationTimeline
from analytics.core.joining import Joiner
from analytics.core.posture_model import MODEL_PLACEMENTS, own_pose
from analytics.core.results import CalibrationResult
from analytics.offline import calibrations_of
from contracts.errors import Reason, RecordingError
from contracts.recording import Recording, read_samples
from contracts.units import NS_PER_S
from contracts.vocabulary import Posture


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """One person: ``own_deg`` (8,) their rounded pose, and the postures they held, each one interval's
    (n, 8) inclinations, in the order of MODEL_PLACEMENTS, flexions first.
    """

    name: str
    own_deg: NDArray[np.float64]
    trials: tuple[tuple[Posture, NDArray[np.float64]], ...]


def held(recording: Recording, intervals: Sequence[tuple[float, float, Posture]]) -> Held:
    """One recording's true intervals [start_s, end_s) with a posture, calibrated as it says itself.

    RecordingError where a placement of the model is missing or its calibration is refused.
    """
    name = recording.folder.resolve().name
    missing = [p for p in MODEL_PLACEMENTS if p not in recording.placements]
    if missing:
        raise RecordingError(
            Reason.NOT_A_RECORDING,
            f"{name} has no sensor {', '.join(missing)}: postures are fitted on people who wore all.",
            hint="Leave it out of the fit.",
        )
    joiner, timeline = Joiner(MODEL_PLACEMENTS), CalibrationTimeline()
    for plan in calibrations_of(recording):
        timeline.plan(plan)
    for placement in MODEL_PLACEMENTS:
        joiner.add(placement, read_samples(recording, placement))
    table = joiner.close(everything=True)
    seconds, values = [], []
    for item in timeline.release(table, joiner.closed_before_s, everything=True):
        if isinstance(item, CalibrationResult):
            continue
        angles = angles_of(item[0], timeline.current)
        columns = [angles.flexion_of, angles.lateral_of]
        if timeline.current is not None:
            values.append(np.stack([c[p] for c in columns for p in MODEL_PLACEMENTS], axis=1))
            seconds.append(item[0].second)
    calibration = timeline.current
    if calibration is None or calibration.rounded is None or not values:
        raise RecordingError(
            Reason.NOT_A_RECORDING,
            f"{name} has no accepted calibration with a rounded pose.",
            hint="Name its windows of sitting upright and rounded in recording.json, or leave it out.",
        )
    own_deg = own_pose(
        calibration.rounded.flexion_deg, calibration.rounded.lateral_deg, MODEL_PLACEMENTS
    )
    at_s = (np.concatenate(seconds) * NS_PER_S - recording.start_ns) / NS_PER_S
    return Held(name, own_deg, tuple(_trials(at_s, np.concatenate(values), intervals)))


def _trials(
    at_s: NDArray[np.float64],
    values: NDArray[np.float64],
    intervals: Sequence[tuple[float, float, Posture]],
) -> list[tuple[Posture, NDArray[np.float64]]]:
    trials: list[tuple[Posture, NDArray[np.float64]]] = []
    for start_s, end_s, posture in intervals:
        inside = (at_s >= start_s) & (at_s + 1 <= end_s) & ~np.isnan(values).any(axis=1)
        if posture is not Posture.UNKNOWN and inside.any():
            trials.append((posture, values[inside]))
    return trials
