"""One analysis beside its truth: what counts, what is silent, and half minutes as they were held."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from analytics.offline import Analysis
from analytics.validation.scoring import Study, Way, person_of, score, study_of
from analytics.validation.trials import trials_of
from analytics.validation.truth import Interval
from contracts.recording import Manifest, Recording
from contracts.records import Frame, FrameBlock
from contracts.units import NS_PER_S
from contracts.vocabulary import Activity, ActivitySource, Posture, Quality

START_NS = 1_700_000_000 * NS_PER_S


def interval(
    start_s: float,
    end_s: float,
    posture: Posture = Posture.UPRIGHT,
    activity: Activity = Activity.SITTING,
) -> Interval:
    return Interval(start_s, end_s, posture, activity)


def analysis(said: dict[int, Posture], start_ns: int = START_NS) -> Analysis:
    """Frames of the given seconds after the whole UTC second in which the recording starts."""
    whole_ns = start_ns // NS_PER_S * NS_PER_S
    frames = FrameBlock.from_rows(
        Frame(
            start_ns=whole_ns + second * NS_PER_S,
            posture=posture,
            activity=Activity.SITTING,
            activity_source=ActivitySource.TRUNK,
            confidence=0.8,
            quality=Quality.OK,
            samples=50,
            thorax_flexion_deg=float(second),
        )
        for second, posture in said.items()
    )
    manifest = Manifest(
        format=1,
        name="r",
        sample_rate_hz=50.0,
        sensors={},
        calibration={"upright": (2.0, 4.0)},
        start_utc_ns=start_ns,
    )
    return Analysis(Recording(Path("sitting-07"), manifest), {}, {}, frames, (), ())


WAY = Way("T4,L5")


def test_seconds_in_transitions_do_not_count_and_silent_ones_are_told() -> None:
    said = {s: Posture.UPRIGHT for s in range(12) if s not in (3, 4)}
    found = score(analysis(said), (interval(0, 6), interval(8, 11, Posture.ROUNDED)), WAY)
    assert found.right.tolist() == [True] * 4 + [False] * 3
    assert found.silent_s == 2
    assert found.calibrating.tolist() == [False, False, True, False] + [False] * 3
    assert (found.person, found.study) == ("07", Study.SITTING)


def test_a_recording_that_starts_within_a_second_counts_whole_utc_seconds() -> None:
    found = score(
        analysis(dict.fromkeys(range(5), Posture.UPRIGHT), START_NS + NS_PER_S // 4),
        (interval(0, 3),),
        WAY,
    )
    # [0.75, 1.75) and [1.75, 2.75) from the start; the second that began before the start does not
    assert found.right.size == 2
    assert found.silent_s == 0


def test_what_kind_of_recording_it_is_and_of_whom() -> None:
    assert study_of((interval(0, 9, Posture.UNKNOWN),)) is Study.ACTIVITIES
    driving = interval(0, 9, activity=Activity.DRIVING)
    assert study_of((interval(0, 1), driving)) is Study.DRIVING
    assert person_of("driving-07", Study.DRIVING) == person_of("sitting-07", Study.SITTING)
    assert person_of("activity-7", Study.ACTIVITIES) != person_of("sitting-7", Study.SITTING)


def test_a_long_interval_is_taken_apart_into_the_trials_it_was_made_of() -> None:
    said = {s: Posture.ROUNDED if s < 32 else Posture.RECLINED for s in range(100)}
    trials = trials_of(
        analysis(said), (interval(0, 94, Posture.ROUNDED), interval(95, 99, Posture.UNKNOWN))
    )
    assert [(t.start_s, t.end_s) for t in trials] == [(0, 32), (32, 64), (64, 94)]
    assert [t.right for t in trials] == [1.0, 0.0, 0.0]
    assert trials[1].said is Posture.RECLINED
    thorax, pelvis, _ = trials[1].angles_deg
    assert thorax == pytest.approx(np.median(np.arange(32, 64)))
    assert math.isnan(pelvis)
