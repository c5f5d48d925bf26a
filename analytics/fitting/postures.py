"""The posture model's numbers from people who held the postures.

A trial (a posture held for half a minute) is one observation: its seconds are alike. Everyone counts twice,
as they are and mirrored left to right. The numbers are found by weighted moments, again and again with the
weights of Student's t, so that a trial that was held otherwise than its name says counts little.
There is no chance in it: the same people give the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.core.posture_model import (
    CLASSES,
    FORMAT,
    MODEL_PLACEMENTS,
    SIZE,
    ClassNumbers,
    PostureModel,
    PostureNumbers,
    indices,
    regression,
    shrunk,
    unexplained,
)
from analytics.fitting.held import Held
from contracts.errors import Reason, RecordingError
from contracts.vocabulary import Placement, Posture

DEGREES_OF_FREEDOM: Final = 4.0
#: Degrees² added to the own pose's variances before regressing on it: of the same inclination, and of
#: the others.
RIDGE_DEG2: Final = (0.4, 30.0)
#: Whether a trial was held as its name says is told by the kit's sensors, whichever else are worn.
KIT: Final = (Placement.T4, Placement.L5)
SHRINK: Final = 0.25
#: How often a sensor says what has nothing to do with the posture; the head turns more often.
OUTLIER_RATES: Final = {
    Placement.C7: 0.3,
    Placement.T4: 0.0,
    Placement.T12: 0.02,
    Placement.L5: 0.05,
}
OUTLIER_WIDTH_DEG: Final = 25.0
MIN_TRIAL_S: Final = 10
MIN_PEOPLE: Final = 5
#: Weights no longer change by then.
ROUNDS: Final = 12
DECIMALS: Final = 3

_MIRRORED: Final = {Posture.LEFT_LEAN: Posture.RIGHT_LEAN, Posture.RIGHT_LEAN: Posture.LEFT_LEAN}
_MIRROR: Final = np.repeat([1.0, -1.0], len(MODEL_PLACEMENTS))

Rows = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Trials:
    """All trials of one posture: (t, 8) means, (t, 8) own poses, and the mean (8, 8) covariance within."""

    mean_deg: Rows
    own_deg: Rows
    within_deg2: Rows


def fit_postures(people: Sequence[Held], version: str) -> PostureModel:
    """The model of these people. RecordingError where they are too few or a posture is missing."""
    if len(people) < MIN_PEOPLE:
        raise RecordingError(
            Reason.NOT_A_RECORDING,
            f"{len(people)} people are too few to fit postures on; {MIN_PEOPLE} are the least.",
            hint="Give a folder with more people who wore all four sensors, calibrated, with truth.csv.",
        )
    numbers = PostureNumbers(
        format=FORMAT,
        version=version,
        fitted_on=tuple(sorted(p.name for p in people)),
        placements=tuple(p.value for p in MODEL_PLACEMENTS),
        degrees_of_freedom=DEGREES_OF_FREEDOM,
        ridge_deg2=RIDGE_DEG2,
        shrink=SHRINK,
        outlier_rates={p.value: rate for p, rate in OUTLIER_RATES.items()},
        outlier_width_deg=OUTLIER_WIDTH_DEG,
        classes={
            posture.value: _fit_class(posture, _trials(people, posture)) for posture in CLASSES
        },
    )
    return PostureModel.of(numbers)


def _trials(people: Sequence[Held], posture: Posture) -> _Trials:
    means, owns, within = [], [], []
    for person in people:
        for mirror in (np.ones(SIZE), _MIRROR):
            name = _MIRRORED.get(posture, posture) if mirror is _MIRROR else posture
            for held, values in person.trials:
                if held is name and len(values) >= MIN_TRIAL_S:
                    means.append(values.mean(axis=0) * mirror)
                    owns.append(person.own_deg * mirror)
                    within.append(np.cov(values.T) * np.outer(mirror, mirror))
    if not means:
        raise RecordingError(
            Reason.NOT_A_RECORDING,
            f"nobody holds {posture} for {MIN_TRIAL_S} s in these recordings.",
            hint="Fit on recordings whose truth.csv has every posture.",
        )
    return _Trials(np.stack(means), np.stack(owns), np.mean(within, axis=0))


def _fit_class(posture: Posture, trials: _Trials) -> ClassNumbers:
    """Moments of the trials and of their own poses, each trial by its weight."""
    wanted = trials.mean_deg
    if posture is Posture.ROUNDED:
        wanted = wanted - trials.own_deg
    moments = _moments(wanted, trials.own_deg, np.ones(len(wanted)))
    for _ in range(ROUNDS):
        weight = _weights(wanted, trials, moments)
        moments = _moments(wanted, trials.own_deg, weight)
    return ClassNumbers(
        mean_deg=_row(moments.mean_deg),
        covariance_deg2=_rows(moments.covariance_deg2 + trials.within_deg2),
        own_pose_mean_deg=_row(moments.own_mean_deg),
        own_pose_covariance_deg2=_rows(moments.own_covariance_deg2),
        with_own_pose_deg2=_rows(moments.with_own_deg2),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Moments:
    mean_deg: Rows
    covariance_deg2: Rows
    own_mean_deg: Rows
    own_covariance_deg2: Rows
    with_own_deg2: Rows


def _moments(wanted: Rows, own: Rows, weight: Rows) -> _Moments:
    """Weighted moments of (t, 8) trials and own poses; spreads are a trial's, not a weight's."""
    share = weight / weight.sum()
    mean, own_mean = share @ wanted, share @ own
    scaled = (weight / len(wanted))[:, None]
    off, own_off = wanted - mean, own - own_mean
    return _Moments(
        mean,
        (scaled * off).T @ off,
        own_mean,
        (scaled * own_off).T @ own_off,
        (scaled * off).T @ own_off,
    )


def _weights(wanted: Rows, trials: _Trials, moments: _Moments) -> Rows:
    """(t,) Student's weights of what the own poses leave unexplained."""
    own_covariance = moments.own_covariance_deg2
    gain = regression(own_covariance, moments.with_own_deg2, RIDGE_DEG2)
    off, own_off = wanted - moments.mean_deg, trials.own_deg - moments.own_mean_deg
    left_over = off - own_off @ gain.T
    spread = unexplained(moments.covariance_deg2, own_covariance, moments.with_own_deg2, gain)
    spread = shrunk(spread + trials.within_deg2, SHRINK)
    at = indices(KIT)
    left_over = left_over[:, at]
    whitened = np.linalg.solve(spread[np.ix_(at, at)], left_over.T).T
    distance = (whitened * left_over).sum(axis=1)
    weights: Rows = (DEGREES_OF_FREEDOM + at.size) / (DEGREES_OF_FREEDOM + distance)
    return weights


def _row(values: Rows) -> tuple[float, ...]:
    return tuple(round(float(v), DECIMALS) + 0.0 for v in values)


def _rows(values: Rows) -> tuple[tuple[float, ...], ...]:
    return tuple(_row(row) for row in values)
