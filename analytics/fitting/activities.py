"""The activity model, fitted on recordings whose truth holds both activities of a question.

Linear discriminant analysis of :data:`analytics.core.trunk_motion.FIGURES`: each way of doing a thing
has a mean, all share one covariance, within ways, in which each person's way counts the same. What is
held as true is read here and by validation only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.core.activity_model import ActivityModel, Question, Way, activity_model_table
from analytics.core.joining import Joiner, SecondTable
from analytics.core.trunk_motion import (
    MIN_MOTION_S,
    MOTION_WINDOW_S,
    BestSensor,
    figures,
)
from analytics.validation.truth import Interval, read_truth
from contracts.errors import Reason, RecordingError
from contracts.recording import Recording, open_recording, read_samples
from contracts.units import NS_PER_S
from contracts.vocabulary import Activity, Placement

#: Part of the correlations between figures that is not believed: five people are few.
SHRINKAGE: Final = 0.005
#: Where the fitted people wore their sensor; and where else the question of lying may be asked, which
#: seated people's sensors there confirm. Of standing they do not (the upper back breathes less than
#: the chest, and most of them would be called standing), and nobody was recorded walking there.
FITTED: Final = (Placement.STERNUM,)
CONFIRMED: Final = (Placement.STERNUM, Placement.T4)
DECIMALS: Final = 5
#: Seconds on stairs for each one of walking on the level, before anything was seen: few days have more.
STAIRS_ODDS: Final = 1 / 4

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Stretch:
    """Figures (len(FIGURES), n) of one person doing one thing; ``nth`` stretch of it."""

    person: str
    activity: Activity
    nth: int
    values: Floats


def fit_activities(folders: Sequence[Path]) -> ActivityModel:
    """The model of these recordings.

    RecordingError where one cannot be read, or where they do not hold sitting, standing, lying,
    walking and stairs as seen by a sensor at the sternum.
    """
    stretches = [stretch for folder in folders for stretch in _stretches(folder)]
    rest = (Activity.SITTING, Activity.STANDING)
    return ActivityModel(
        standing=_question(stretches, (Activity.SITTING,), Activity.STANDING, FITTED),
        lying=_question(stretches, rest, Activity.LYING, CONFIRMED),
        stairs=_question(stretches, (Activity.WALKING,), Activity.STAIRS, FITTED, STAIRS_ODDS),
        fitted_on=tuple(sorted({stretch.person for stretch in stretches})),
    )


def activity_model_toml(model: ActivityModel) -> str:
    """The model as its file holds it."""
    table = activity_model_table(model)
    lines = [
        "# Fitted by plumbline fit; docs/model-card.md says on whom, how, and how well.",
        "# A second's evidence, in nats, is intercept + the sum of weight × figure.",
        f"version = {table['version']}",
        f"fitted_on = [{', '.join(map(_quoted, table['fitted_on']))}]",
        "figures = [",
        *(f'    "{name}",' for name in table["figures"]),
        "]",
    ]
    for name, question in table["question"].items():
        places = ", ".join(map(_quoted, question["placements"]))
        lines += [
            "",
            f"[question.{name}]",
            f'first = "{question["first"]}"',
            f'second = "{question["second"]}"',
            f"placements = [{places}]",
        ]
        for way in question["ways"]:
            lines += [
                "",
                f"[[question.{name}.ways]]",
                f'name = "{way["name"]}"',
                f"intercept = {way['intercept']}",
                f"weights = [{', '.join(str(weight) for weight in way['weights'])}]",
            ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return f'"{text}"'


def _stretches(folder: Path) -> list[_Stretch]:
    """What a recording with a sensor at the sternum holds; nothing of another."""
    recording = open_recording(folder)
    if Placement.STERNUM not in recording.placements:
        return []
    table = _seconds(recording, Placement.STERNUM)
    seen: dict[Activity, int] = {}
    found = []
    for interval in read_truth(folder):
        nth = seen[interval.activity] = seen.get(interval.activity, 0) + 1
        values = _figures_within(recording, table, interval)
        if values.size:
            found.append(_Stretch(folder.resolve().name, interval.activity, nth, values))
    return found


def _seconds(recording: Recording, placement: Placement) -> SecondTable:
    joiner = Joiner((placement,))
    joiner.add(placement, read_samples(recording, placement))
    table = joiner.close(everything=True)
    if table is None:
        raise RecordingError(
            Reason.BAD_RECORDING,
            f"{recording.folder} holds no sample of {placement}.",
            hint="Leave it out of the fit.",
        )
    return table


def _figures_within(recording: Recording, table: SecondTable, interval: Interval) -> Floats:
    """(len(FIGURES), n) of the seconds of one interval, with nothing of what was before it."""
    start_s = recording.start_ns / NS_PER_S
    first = int(np.searchsorted(table.second, start_s + interval.start_s))
    stop = int(np.searchsorted(table.second, start_s + interval.end_s - 1.0, "right"))
    if stop - first < MIN_MOTION_S:
        return np.empty(0)
    own = table.slice(first, stop)
    reach = np.minimum(np.arange(1, len(own) + 1), MOTION_WINDOW_S)
    before = BestSensor.nothing(MOTION_WINDOW_S - 1)
    return figures(before.before(BestSensor.of(own)), reach)[:, MIN_MOTION_S - 1 :]


def _question(
    stretches: Sequence[_Stretch],
    firsts: tuple[Activity, ...],
    second: Activity,
    placements: tuple[Placement, ...],
    odds: float = 1.0,
) -> Question:
    """Weights of each way of ``second`` against all of ``firsts`` together; ``odds``: before evidence."""
    one = [s for s in stretches if s.activity in firsts]
    other = [s for s in stretches if s.activity is second]
    if not one or not other:
        raise RecordingError(
            Reason.BAD_RECORDING,
            f"no recording with a sensor at the sternum holds {' or '.join(firsts)} and {second}.",
            hint="Fit on recordings of people who did both, each with its truth.csv.",
        )
    nths = sorted({s.nth for s in other})
    ways = [[s for s in other if s.nth == nth] for nth in nths]
    base = _mean(one)
    means = [_mean(way) for way in ways]
    precision = np.linalg.inv(_covariance([(one, base), *zip(ways, means, strict=True)]))
    fitted = []
    for nth, mean in zip(nths, means, strict=True):
        weights = precision @ (mean - base)
        intercept = float(np.log(odds)) - float(weights @ (mean + base)) / 2
        name = second.value if len(nths) == 1 else f"{second.value} {nth}"
        rounded = tuple(float(weight) for weight in np.round(weights, DECIMALS))
        fitted.append(Way(name=name, intercept=round(intercept, DECIMALS), weights=rounded))
    return Question(first=firsts[0], second=second, placements=placements, ways=tuple(fitted))


def _mean(stretches: Sequence[_Stretch]) -> Floats:
    """(len(FIGURES),) in which each stretch counts the same."""
    mean: Floats = np.mean([s.values.mean(axis=1) for s in stretches], axis=0)
    return mean


def _covariance(ways: Sequence[tuple[Sequence[_Stretch], Floats]]) -> Floats:
    """(len(FIGURES), len(FIGURES)) about each way's mean, correlations shrunk."""
    scatter = []
    for stretches, mean in ways:
        parts = []
        for stretch in stretches:
            off = stretch.values - mean[:, None]
            parts.append(off @ off.T / off.shape[1])
        scatter.append(np.mean(parts, axis=0))
    pooled: Floats = np.mean(scatter, axis=0)
    variances = np.diag(np.diag(pooled))
    return (1 - SHRINKAGE) * pooled + SHRINKAGE * variances
