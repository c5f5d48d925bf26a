"""Pictures of figures with their intervals, by sensors, by person, in a car, and turned on the body."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analytics.validation.bootstrap import Estimate
from analytics.validation.episodes import ONSET_S
from analytics.validation.figures import WORST, ActivityFigures, PostureFigures
from analytics.validation.orientation import InclinationFigures
from analytics.validation.scoring import Study
from plumbline.validate_goals import KIT, MAX_LOSS, MAX_TILT_ERROR_DEG
from plumbline.validate_matrices import confusion_picture, reliability_picture
from plumbline.validate_style import BLUE, GREY, INK, LINE, ORANGE, WIDE, Picture, bare, png, styled
from plumbline.validate_summary import Mounting, Summary
from plumbline.validate_words import WORDS, capital, difference, figure, plain, signed, worn

#: Onsets further off are drawn at the edge.
MAX_ONSET_S: Final = 10.0


def pictures(summary: Summary) -> list[Picture]:
    """Those of the parts that were asked for, in the order of the report."""
    made = [*_held(summary), *_turned(summary), *_done(summary)]
    if summary.orientation:
        made.append(orientation_picture(summary.orientation))
    return [picture for picture in made if summary.shows(picture.part)]


def _held(summary: Summary) -> Iterator[Picture]:
    for study in (Study.SITTING, Study.DRIVING):
        rows = [f for f in summary.postures if f.study is study]
        if not rows:
            continue
        yield overview_picture(rows)
        yield from (confusion_picture(f) for f in rows if f.sensors != "L5")
        yield reliability_picture(rows)
        kit = next((f for f in rows if f.sensors == KIT), rows[0])
        yield people_picture(kit)
        if kit.episodes.onset_error_s:
            yield onset_picture(kit)


def _turned(summary: Summary) -> Iterator[Picture]:
    by_study = {(f.study, f.sensors): f for f in summary.postures}
    at_rest, in_car = by_study.get((Study.SITTING, KIT)), by_study.get((Study.DRIVING, KIT))
    if at_rest is not None and in_car is not None:
        yield driving_picture(at_rest, in_car)
    if summary.mountings:
        yield mounting_picture(summary.mountings)


def _done(summary: Summary) -> Iterator[Picture]:
    for figures in summary.activities:
        yield confusion_picture(figures)
        yield people_picture(figures)


def overview_picture(rows: Sequence[PostureFigures]) -> Picture:
    """Accuracy and rounded F1 of each set of sensors, with their intervals."""
    panels = (
        ("accuracy, six postures", [f.accuracy for f in rows]),
        ("F1 of rounded", [f.f1["rounded"] for f in rows]),
    )
    with styled():
        drawing = Figure(figsize=(WIDE, 0.42 * len(rows) + 1.0), layout="constrained")
        for axes, (title, estimates) in zip(
            drawing.subplots(1, len(panels), sharey=True), panels, strict=True
        ):
            _dots(axes, estimates)
            axes.set(title=title, xlim=(0, 1))
        drawing.axes[0].set_yticks(range(len(rows)), [worn(f.sensors) for f in rows])
        drawing.axes[0].set_ylim(len(rows) - 0.6, -0.6)
        image = png(drawing)
    name = WORDS[rows[0].study]
    words = "; ".join(
        f"{worn(f.sensors)}: {figure(f.accuracy)} and {figure(f.f1['rounded'])}" for f in rows
    )
    return Picture(
        *("postures", f"overview-{rows[0].study}"),
        title=f"{capital(name)}: by the sensors worn, with 95 % intervals over people",
        alt=f"Accuracy and F1 of rounded by sensors, {name}. {words}.",
        png=image,
        wide=True,
    )


def people_picture(figures: PostureFigures | ActivityFigures) -> Picture:
    """A bar a person, lowest first; the worst few marked."""
    people = sorted(figures.by_person.items(), key=lambda item: (item[1], item[0]))
    marked = WORST if len(people) > 2 * WORST else 0
    with styled():
        drawing = Figure(figsize=(WIDE, 2.9), layout="constrained")
        axes = drawing.subplots()
        colours = [ORANGE] * marked + [BLUE] * (len(people) - marked)
        axes.bar(range(len(people)), [a for _, a in people], color=colours, width=0.72)
        axes.axhline(figures.accuracy.value, color=INK, linewidth=1, linestyle=(0, (4, 3)))
        axes.set_xticks(range(len(people)), [person for person, _ in people])
        axes.set(ylim=(0, 1), ylabel="accuracy", xlabel="person", yticks=[0, 0.25, 0.5, 0.75, 1])
        axes.margins(x=0.01)
        axes.grid(axis="y")
        bare(axes, "left")
        image = png(drawing)
    name = f"{WORDS[figures.study]}, {worn(figures.sensors)}"
    worst = ", ".join(f"person {one.person} {plain(one.accuracy, 3)}" for one in figures.worst)
    held = isinstance(figures, PostureFigures)
    return Picture(
        *("people" if held else "activities", f"people-{figures.study}"),
        title=f"{capital(name)}: accuracy by person; dashed, of all seconds together",
        alt=f"Bars of accuracy by person, {name}. Lowest: {worst}. All: {figure(figures.accuracy)}.",
        png=image,
        wide=True,
    )


def onset_picture(figures: PostureFigures) -> Picture:
    """How early or late episodes began, a bar a second."""
    errors_s = np.clip(figures.episodes.onset_error_s, -MAX_ONSET_S, MAX_ONSET_S)
    with styled():
        drawing = Figure(figsize=(WIDE, 2.3), layout="constrained")
        axes = drawing.subplots()
        axes.axvspan(-ONSET_S, ONSET_S, color=LINE, alpha=0.45, linewidth=0)
        edges = np.arange(-MAX_ONSET_S - 0.5, MAX_ONSET_S + 1.5)
        axes.hist(errors_s, bins=edges.tolist(), color=BLUE, rwidth=0.82)
        axes.set(xlabel="found minus true onset in s (±10 and beyond at the edges)")
        axes.set(ylabel="episodes", xlim=(edges[0], edges[-1]), xticks=range(-10, 11, 2))
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        bare(axes, "left")
        image = png(drawing)
    e = figures.episodes
    name = f"{WORDS[figures.study]}, {worn(figures.sensors)}"
    return Picture(
        *("episodes", f"onset-{figures.study}"),
        title=f"{capital(name)}: how early or late a sustained episode began; grey, within 3 s",
        alt=f"Histogram of onset errors of {e.found} found episodes, {name}: median "
        f"{signed(e.onset_error_median_s, 1)} s, {plain(100 * e.onset_within_3_s, 1)} % within 3 s.",
        png=image,
        wide=True,
    )


def driving_picture(at_rest: PostureFigures, in_car: PostureFigures) -> Picture:
    """A row a person: seated at rest, and seated in a car."""
    both = sorted(
        (person for person in in_car.by_person if person in at_rest.by_person),
        key=lambda person: (in_car.by_person[person], person),
    )
    rest, car = ([f.by_person[person] for person in both] for f in (at_rest, in_car))
    with styled():
        drawing = Figure(figsize=(WIDE, 0.3 * len(both) + 1.0), layout="constrained")
        axes = drawing.subplots()
        axes.hlines(range(len(both)), car, rest, color=LINE, linewidth=2)
        axes.plot(rest, range(len(both)), "o", color=BLUE, clip_on=False, label="seated at rest")
        axes.plot(car, range(len(both)), "o", color=ORANGE, clip_on=False, label="in a car")
        axes.set_yticks(range(len(both)), both)
        axes.set(xlim=(min(0.9, *rest, *car) - 0.005, 1), ylabel="person", xlabel="accuracy")
        axes.grid(axis="x")
        axes.legend(frameon=False, ncols=2, loc="lower left", bbox_to_anchor=(0, 1))
        bare(axes, "left")
        image = png(drawing)
    words = "; ".join(
        f"{p}: {plain(a, 3)} to {plain(b, 3)}" for p, a, b in zip(both, rest, car, strict=True)
    )
    return Picture(
        *("driving", "driving"),
        title="T4 + L5: the same people at rest and in a car",
        alt=f"Accuracy by person at rest and in a car. {words}.",
        png=image,
        wide=True,
    )


def mounting_picture(rows: Sequence[Mounting]) -> Picture:
    """The difference that turning the sensors makes, with its interval."""
    estimates = [row.compared.difference for row in rows]
    names = [f"{WORDS[row.study]}, {worn(row.compared.sensors)}: {row.mounting}" for row in rows]
    with styled():
        drawing = Figure(figsize=(WIDE, 0.25 * len(rows) + 0.9), layout="constrained")
        axes = drawing.subplots()
        axes.axvspan(-MAX_LOSS, MAX_LOSS, color=LINE, alpha=0.6, linewidth=0)
        _dots(axes, estimates, labels=False)
        axes.set_yticks(range(len(names)), names, fontsize=9)
        axes.set(xlabel="accuracy, turned minus as recorded; grey, within 0.01")
        axes.invert_yaxis()
        image = png(drawing)
    told = [f"{n}: {difference(e)}" for n, e in zip(names, estimates, strict=True)]
    return Picture(
        *("mounting", "mounting"),
        title="What it costs when sensors sit otherwise than printed",
        alt=f"Differences in accuracy with sensors turned on the body. {'; '.join(told)}.",
        png=image,
        wide=True,
    )


def orientation_picture(trials: Sequence[InclinationFigures]) -> Picture:
    """A row a trial: the error through the packets, and of VQF alone at the full rate."""
    names = [trial.trial.removesuffix("hz").replace("_", " ") + " Hz" for trial in trials]
    rows = range(len(trials))
    with styled():
        drawing = Figure(figsize=(WIDE, 0.32 * len(trials) + 1.0), layout="constrained")
        axes = drawing.subplots()
        full, sent = [t.full_rate_deg for t in trials], [t.packets_deg for t in trials]
        axes.hlines(rows, full, sent, color=LINE, linewidth=2)
        axes.plot(full, rows, "o", color=GREY, label="VQF alone, full rate, float")
        axes.plot(sent, rows, "o", color=BLUE, label="through the packets, 50 Hz int16")
        axes.axvline(MAX_TILT_ERROR_DEG, color=INK, linewidth=1, linestyle=(0, (4, 3)))
        axes.set_yticks(rows, names, fontsize=9)
        axes.set(xlim=(0, None), xlabel="root mean square error of the inclination in degrees")
        axes.invert_yaxis()
        axes.grid(axis="x")
        axes.legend(frameon=False, ncols=2, loc="lower left", bbox_to_anchor=(0, 1))
        bare(axes, "left")
        image = png(drawing)
    words = "; ".join(f"{n}: {plain(t.packets_deg)}" for n, t in zip(names, trials, strict=True))
    return Picture(
        *("orientation", "orientation"),
        title="Inclination against cameras; dashed, what is wanted of the mean",
        alt=f"Error of the inclination through the packets in degrees. {words}.",
        png=image,
        wide=True,
    )


def _dots(axes: Axes, estimates: Sequence[Estimate], *, labels: bool = True) -> None:
    """A dot and its interval a row, with the figure beside it."""
    for row, one in enumerate(estimates):
        if not np.isfinite(one.value):
            continue
        if np.isfinite(one.low):
            axes.plot([one.low, one.high], [row, row], color=BLUE, linewidth=2, alpha=0.45)
        axes.plot([one.value], [row], "o", color=BLUE, markersize=6, clip_on=False)
        if labels:
            axes.annotate(
                plain(one.value, 3),
                *((one.value, row), (0, 6)),
                textcoords="offset points",
                ha="center",
                fontsize=8.5,
            )
    axes.grid(axis="x")
    bare(axes, "left")
