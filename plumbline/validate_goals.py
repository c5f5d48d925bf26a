"""What is wanted of the product on people it has never seen, beside what was published or is simple."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from analytics.validation.bootstrap import Estimate
from analytics.validation.figures import PostureFigures
from analytics.validation.mounting import RANDOM
from analytics.validation.scoring import Study
from plumbline.validate_summary import Summary
from plumbline.validate_words import Sheet, difference, figure, plain, worn

KIT: Final = "T4,L5"
FOUR: Final = "C7,T4,T12,L5"
#: The accuracy that a car or another mounting may cost.
MAX_LOSS: Final = 0.01
MAX_TILT_ERROR_DEG: Final = 1.0


@dataclass(frozen=True, slots=True)
class Goal:
    """One line: ``before`` is published or a simple method's, ``found`` is what was measured now."""

    part: str
    what: str
    before: str
    wanted: str
    found: str
    reached: bool


def goals(summary: Summary) -> list[Goal]:
    """Those whose recordings there are and whose part was asked for."""
    made = [
        *(*_held(summary), *_episodes(summary), *_changed(summary), *_done(summary)),
        *_tilted(summary),
    ]
    return [goal for goal in made if summary.shows(goal.part)]


def goal_sheet(found: Sequence[Goal]) -> Sheet:
    """The goals as a table."""
    rows = [
        (g.what, g.before, g.wanted, g.found, "reached" if g.reached else "not reached")
        for g in found
    ]
    columns = ("what", "published, or a simple method", "wanted", "found", "")
    return Sheet("goals", "What is wanted, and what was found", columns, tuple(rows))


def _held(summary: Summary) -> Iterator[Goal]:
    rows: tuple[tuple[str, str, str, float, Callable[[PostureFigures], Estimate]], ...] = (
        ("six postures, accuracy", KIT, "0.87 (logistic regression)", 0.95, lambda f: f.accuracy),
        ("rounded, F1", KIT, "0.73 (boosted trees, two poses)", 0.90, lambda f: f.f1["rounded"]),
        (
            "six postures, accuracy",
            FOUR,
            "0.865 (neural network, published)",
            0.97,
            lambda f: f.accuracy,
        ),
        ("rounded, F1", FOUR, "0.70 (neural network, published)", 0.93, lambda f: f.f1["rounded"]),
        (
            "upright against rounded",
            "T4",
            "0.996 (one threshold)",
            0.998,
            lambda f: f.upright_rounded_two,
        ),
    )
    for what, sensors, before, wanted, of in rows:
        figures = _seated(summary, sensors)
        if figures is not None:
            found = of(figures)
            digits = 4 if wanted == 0.998 else 3
            name = f"{what}, {worn(sensors)}"
            reached = found.value >= wanted
            yield Goal(
                "postures", name, before, f"{wanted:.{digits - 1}f}", figure(found, digits), reached
            )
    for sensors in (KIT, FOUR):
        figures = _seated(summary, sensors)
        if figures is not None:
            error = figures.reliability.expected_error
            name = f"expected calibration error, {worn(sensors)}"
            yield Goal("confidence", name, "–", "at most 0.05", figure(error), error.value <= 0.05)


def _episodes(summary: Summary) -> Iterator[Goal]:
    figures = _seated(summary, KIT)
    if figures is None:
        return
    episodes, recall = figures.episodes, figures.episode_recall
    name = "sustained rounded episodes, T4 + L5"
    yield Goal("episodes", f"{name}: recall", "–", "0.98", figure(recall), recall.value >= 0.98)
    for words, rate, most, wanted in (
        ("false an hour while upright", episodes.false_an_hour_upright, 0.0, "none"),
        ("false an hour of the rest", episodes.false_an_hour_other, 0.1, "at most 0.1"),
    ):
        yield Goal("episodes", f"{name}: {words}", "–", wanted, plain(rate), rate <= most)
    late = episodes.onset_error_abs_p95_s
    yield Goal(
        *("episodes", f"{name}: onset error in s, 95th", "–", "within 3", plain(late, 1)), late <= 3
    )


def _changed(summary: Summary) -> Iterator[Goal]:
    wanted = f"within {MAX_LOSS}"
    for one in summary.driving:
        if one.sensors == KIT:
            lost = one.difference
            name = "accuracy under a car's acceleration less at rest, T4 + L5"
            yield Goal("driving", name, "–", wanted, difference(lost), lost.value >= -MAX_LOSS)
    for row in summary.mountings:
        if (row.study, row.mounting) == (Study.SITTING, RANDOM):
            lost = row.compared.difference
            name = f"accuracy, randomly rotated less as recorded, {worn(row.compared.sensors)}"
            reached = lost.value >= -MAX_LOSS
            yield Goal("mounting", name, "–", wanted, difference(lost), reached)


def _done(summary: Summary) -> Iterator[Goal]:
    for figures in summary.activities:
        found = figures.macro_f1
        name = f"five activities, macro F1, {worn(figures.sensors)}"
        yield Goal(
            "activities", name, "0.81 (extra trees)", "0.92", figure(found), found.value >= 0.92
        )


def _tilted(summary: Summary) -> Iterator[Goal]:
    trials = summary.orientation
    if trials:
        mean_deg = sum(trial.packets_deg for trial in trials) / len(trials)
        name = "inclination against cameras, 50 Hz int16 packets, mean of the trials in degrees"
        reached = mean_deg <= MAX_TILT_ERROR_DEG
        yield Goal(
            "orientation",
            name,
            "0.72 (VQF, 286 Hz, nine axes)",
            "at most 1.0",
            plain(mean_deg),
            reached,
        )


def _seated(summary: Summary, sensors: str) -> PostureFigures | None:
    rows = (f for f in summary.postures if (f.study, f.sensors) == (Study.SITTING, sensors))
    return next(rows, None)
