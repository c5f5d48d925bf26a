"""Scored recordings to figures: what ``plumbline validate`` prints, draws and writes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analytics.validation.bootstrap import Estimate, Floats, divided, estimate
from analytics.validation.confidence import Reliability, reliability
from analytics.validation.confusion import Confusion, confusion
from analytics.validation.episodes import EpisodeFigures, episode_figures
from analytics.validation.scoring import Scored, Study, Way
from analytics.validation.trials import Trial
from contracts.vocabulary import ACTIVITIES, POSTURES, QUALITIES, Activity, Posture

WORST: Final = 5
MISTAKES: Final = 3

POSTURE_LABELS: Final = tuple(p.value for p in POSTURES if p is not Posture.UNKNOWN)
POSTURE_SAID: Final = (*POSTURE_LABELS, Posture.UNKNOWN.value)
ACTIVITY_LABELS: Final = tuple(
    a.value
    for a in (
        *(Activity.SITTING, Activity.STANDING, Activity.WALKING, Activity.STAIRS),
        Activity.LYING,
    )
)
ACTIVITY_SAID: Final = (
    *ACTIVITY_LABELS,
    *(a.value for a in ACTIVITIES if a.value not in ACTIVITY_LABELS),
)


@dataclass(frozen=True, slots=True)
class PersonFigures:
    """One person's accuracy, and what was taken for what most: (true, said, seconds)."""

    person: str
    accuracy: float
    mistakes: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True, slots=True)
class MissedTrial:
    """A posture that was held and mostly called another."""

    recording: str
    trial: Trial


@dataclass(frozen=True, slots=True)
class EpisodeFault:
    """A true episode that was missed, or a found one that is false, s from the recording's start."""

    recording: str
    fault: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class PostureFigures:
    """Of one study with one set of sensors. ``confusion`` is (true, said) seconds.

    ``calibration_error_named`` leaves out the seconds that were called unknown, of which a confidence of
    0 is always true. ``upright_rounded_six`` and ``_two`` are balanced accuracies over seconds that are
    truly upright or rounded: with all six postures to choose from, and with forward_lean counted as
    rounded, since both bend the upper trunk forward.
    """

    study: Study
    sensors: str
    recordings: int
    people: int
    seconds: int
    silent_s: int
    refused: dict[str, tuple[str, ...]]
    accuracy: Estimate
    accuracy_outside_windows: Estimate
    mean_accuracy: Estimate
    macro_f1: Estimate
    f1: dict[str, Estimate]
    upright_rounded_six: Estimate
    upright_rounded_two: Estimate
    true: tuple[str, ...]
    said: tuple[str, ...]
    confusion: list[list[int]]
    by_person: dict[str, float]
    worst: tuple[PersonFigures, ...]
    trials: int
    missed: tuple[MissedTrial, ...]
    reliability: Reliability
    calibration_error_named: Estimate
    episodes: EpisodeFigures
    episode_recall: Estimate
    episode_faults: tuple[EpisodeFault, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """Accuracies of the same people two ways, and their difference (second minus first)."""

    first: str
    second: str
    sensors: str
    people: int
    accuracy_first: Estimate
    accuracy_second: Estimate
    difference: Estimate


@dataclass(frozen=True, slots=True)
class ActivityFigures:
    """Activities a second. ``confusion`` is (true, said) seconds."""

    study: Study
    sensors: str
    people: int
    seconds: int
    accuracy: Estimate
    macro_f1: Estimate
    f1: dict[str, Estimate]
    true: tuple[str, ...]
    said: tuple[str, ...]
    confusion: list[list[int]]
    by_person: dict[str, float]
    worst: tuple[PersonFigures, ...]


@dataclass(frozen=True, slots=True)
class ToldOfSensors:
    """What was said of the sensors themselves where nothing is known to be wrong: seconds by quality."""

    study: Study
    sensors: str
    seconds: int
    said_s: dict[str, int]


@dataclass(frozen=True, slots=True)
class SeatedActivities:
    """What people who sit or drive were said to do: seconds by activity."""

    study: Study
    sensors: str
    right: Estimate
    said_s: dict[str, int]


def posture_figures(runs: Sequence[Scored]) -> PostureFigures:
    """Of all recordings of one study, analysed one way."""
    people = _people(runs)
    counted = posture_confusion(runs)
    outside = posture_confusion(runs, lambda run: ~run.calibrating)
    pair = counted.only((Posture.UPRIGHT.value, Posture.ROUNDED.value))
    return PostureFigures(
        study=runs[0].study,
        sensors=runs[0].way.sensors,
        recordings=len(runs),
        people=len(people),
        seconds=int(counted.seconds.sum()),
        silent_s=sum(run.silent_s for run in runs),
        refused={run.recording: run.refused for run in runs if run.refused},
        accuracy=counted.accuracy(),
        accuracy_outside_windows=outside.accuracy(),
        mean_accuracy=counted.mean_accuracy(),
        macro_f1=counted.macro_f1(),
        f1=counted.f1(),
        upright_rounded_six=pair.balanced_accuracy(),
        upright_rounded_two=pair.with_as(
            Posture.ROUNDED.value, Posture.FORWARD_LEAN.value
        ).balanced_accuracy(),
        true=counted.true,
        said=counted.found,
        confusion=counted.total.astype(int).tolist(),
        by_person=counted.accuracy_by_person(),
        worst=_worst(counted),
        trials=sum(len(run.trials) for run in runs),
        missed=tuple(
            MissedTrial(run.recording, trial)
            for run in runs
            for trial in run.trials
            if trial.said is not trial.true
        ),
        reliability=_reliability(people, lambda run: np.ones(run.right.size, np.bool_)),
        calibration_error_named=_reliability(
            people, lambda run: run.posture_found != POSTURES.index(Posture.UNKNOWN)
        ).expected_error,
        episodes=episode_figures([run.episodes for run in runs]),
        episode_recall=_recall(people),
        episode_faults=tuple(fault for run in runs for fault in _faults(run)),
    )


def compared(
    first: Sequence[Scored], second: Sequence[Scored], names: tuple[str, str]
) -> Compared | None:
    """Accuracy of the people who are in both; None where nobody is."""
    ours, theirs = _people(first), _people(second)
    both = [person for person in ours if person in theirs]
    if not both:
        return None
    sums = np.array([[*_right(ours[p]), *_right(theirs[p])] for p in both])
    return Compared(
        first=names[0],
        second=names[1],
        sensors=first[0].way.sensors,
        people=len(both),
        accuracy_first=estimate(lambda s: divided(s[..., 0], s[..., 1]), sums),
        accuracy_second=estimate(lambda s: divided(s[..., 2], s[..., 3]), sums),
        difference=estimate(
            lambda s: divided(s[..., 2], s[..., 3]) - divided(s[..., 0], s[..., 1]), sums
        ),
    )


def activity_figures(runs: Sequence[Scored]) -> ActivityFigures:
    """Of recordings whose truth is activities."""
    counted = activity_confusion(runs)
    return ActivityFigures(
        study=runs[0].study,
        sensors=runs[0].way.sensors,
        people=len(counted.people),
        seconds=int(counted.seconds.sum()),
        accuracy=counted.accuracy(),
        macro_f1=counted.macro_f1(),
        f1=counted.f1(),
        true=counted.true,
        said=counted.found,
        confusion=counted.total.astype(int).tolist(),
        by_person=counted.accuracy_by_person(),
        worst=_worst(counted),
    )


def seated_activities(runs: Sequence[Scored]) -> SeatedActivities:
    """Of recordings of postures: who sits is sitting, who drives is driving, each whole second."""
    people = _people(runs)
    sums = np.array(
        [
            [
                sum(int((r.activity_found == r.activity_true).sum()) for r in own),
                sum(r.activity_true.size for r in own),
            ]
            for own in people.values()
        ],
        dtype=np.float64,
    )
    said = np.bincount(_joined(runs, lambda run: run.activity_found), minlength=len(ACTIVITIES))
    return SeatedActivities(
        study=runs[0].study,
        sensors=runs[0].way.sensors,
        right=estimate(lambda s: divided(s[..., 0], s[..., 1]), sums),
        said_s={a.value: int(s) for a, s in zip(ACTIVITIES, said, strict=True) if s},
    )


def told_of_sensors(runs: Sequence[Scored]) -> ToldOfSensors:
    """Of recordings as they are."""
    said = np.bincount(_joined(runs, lambda run: run.quality), minlength=len(QUALITIES))
    return ToldOfSensors(
        study=runs[0].study,
        sensors=runs[0].way.sensors,
        seconds=int(said.sum()),
        said_s={q.value: int(s) for q, s in zip(QUALITIES, said, strict=True) if s},
    )


def posture_confusion(
    runs: Sequence[Scored], wanted: Callable[[Scored], NDArray[np.bool_]] | None = None
) -> Confusion:
    """Seconds of ``runs`` by person, true and said posture; only those that are ``wanted``."""
    label = _labels(POSTURES, POSTURE_SAID)
    people = _people(runs)
    pairs = []
    for own in people.values():
        rows = [slice(None) if wanted is None else wanted(run) for run in own]
        pairs.append(
            (
                label[np.concatenate([r.posture_true[k] for r, k in zip(own, rows, strict=True)])],
                label[np.concatenate([r.posture_found[k] for r, k in zip(own, rows, strict=True)])],
            )
        )
    return confusion(tuple(people), pairs, POSTURE_LABELS, POSTURE_SAID)


def activity_confusion(runs: Sequence[Scored]) -> Confusion:
    """Seconds of ``runs`` by person, true and said activity."""
    label = _labels(ACTIVITIES, ACTIVITY_SAID)
    people = _people(runs)
    pairs = [
        (
            label[_joined(own, lambda run: run.activity_true)],
            label[_joined(own, lambda run: run.activity_found)],
        )
        for own in people.values()
    ]
    return confusion(tuple(people), pairs, ACTIVITY_LABELS, ACTIVITY_SAID)


def by_way(runs: Sequence[Scored]) -> dict[tuple[Study, Way], list[Scored]]:
    """Runs of the same study and way together, in the order they came."""
    groups: dict[tuple[Study, Way], list[Scored]] = {}
    for run in runs:
        groups.setdefault((run.study, run.way), []).append(run)
    return groups


def _people(runs: Sequence[Scored]) -> dict[str, list[Scored]]:
    people: dict[str, list[Scored]] = {}
    for run in runs:
        people.setdefault(run.person, []).append(run)
    return people


def _labels(vocabulary: Sequence[str], labels: Sequence[str]) -> NDArray[np.int64]:
    """(codes,) label of each code of the store."""
    return np.array([labels.index(str(word)) for word in vocabulary], dtype=np.int64)


def _joined(runs: Sequence[Scored], column: Callable[[Scored], NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate([column(run) for run in runs])


def _right(runs: Sequence[Scored]) -> tuple[float, float]:
    """Seconds said right, and seconds."""
    return (
        float(sum(int(run.right.sum()) for run in runs)),
        float(sum(run.right.size for run in runs)),
    )


def _worst(counted: Confusion) -> tuple[PersonFigures, ...]:
    known = [(a, p) for p, a in counted.accuracy_by_person().items() if math.isfinite(a)]
    return tuple(
        PersonFigures(person, accuracy, tuple(counted.mistakes(person, MISTAKES)))
        for accuracy, person in sorted(known)[:WORST]
    )


def _reliability(
    people: dict[str, list[Scored]], wanted: Callable[[Scored], NDArray[np.bool_]]
) -> Reliability:
    return reliability(
        [
            (
                _joined(own, lambda run: run.confidence[wanted(run)]),
                _joined(own, lambda run: run.right[wanted(run)]),
            )
            for own in people.values()
        ]
    )


def _faults(run: Scored) -> list[EpisodeFault]:
    missed = [EpisodeFault(run.recording, "missed", *stretch) for stretch in run.episodes.missed_s]
    return missed + [EpisodeFault(run.recording, "false", *s) for s in run.episodes.false_s]


def _recall(people: dict[str, list[Scored]]) -> Estimate:
    sums: Floats = np.array(
        [
            [sum(run.episodes.found for run in own), sum(run.episodes.true for run in own)]
            for own in people.values()
        ],
        dtype=np.float64,
    )
    return estimate(lambda s: divided(s[..., 0], s[..., 1]), sums)
