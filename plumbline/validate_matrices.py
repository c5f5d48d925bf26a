"""Pictures of confusion matrices and of how far a confidence can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from analytics.validation.figures import ActivityFigures, PostureFigures
from plumbline.validate_style import BLUE, GREY, HALF, INK, LINE, WIDE, Picture, bare, png, styled
from plumbline.validate_words import WORDS, capital, figure, plain, worn

_SHADES = LinearSegmentedColormap.from_list("share", ["#FFFFFF", BLUE])
#: A row's share from which white figures stand out better than dark ones.
_DARK_SHARE = 0.9
MAX_PANELS: Final = 5


def confusion_picture(figures: PostureFigures | ActivityFigures) -> Picture:
    """One matrix, a row a true label: the share of its seconds in colour and in %, and the seconds."""
    seconds = np.array(figures.confusion)
    said = [k for k in range(seconds.shape[1]) if k < len(figures.true) or seconds[:, k].any()]
    seconds = seconds[:, said]
    with np.errstate(invalid="ignore"):
        share = np.nan_to_num(seconds / seconds.sum(axis=1, keepdims=True))
    with styled():
        drawing = Figure(figsize=(HALF, 4.4), layout="constrained")
        axes = drawing.subplots()
        axes.imshow(share, cmap=_SHADES, vmin=0, vmax=1, aspect="auto")
        for i, j in zip(*np.nonzero(seconds), strict=True):
            ink = "white" if share[i, j] > _DARK_SHARE else INK
            text = f"{100 * share[i, j]:.0f} %\n{seconds[i, j]:,} s"
            axes.text(int(j), int(i), text, ha="center", va="center", color=ink, fontsize=8)
        _name_axes(axes, figures.true, [figures.said[k] for k in said])
        image = png(drawing)
    title = capital(f"{WORDS[figures.study]}, {worn(figures.sensors)}")
    part = "postures" if isinstance(figures, PostureFigures) else "activities"
    return Picture(
        part=part,
        name=f"confusion-{figures.study}-{figures.sensors.replace(',', '-')}",
        title=f"{title}: truth against what was said",
        alt=_confusion_alt(figures, seconds, said),
        png=image,
    )


def reliability_picture(study: Sequence[PostureFigures]) -> Picture:
    """A panel a set of sensors: share right by confidence, and how many seconds there were."""
    study = study[:MAX_PANELS]
    with styled():
        drawing = Figure(figsize=(WIDE, 3.6), layout="constrained")
        # as many columns as there are sets at most, so that a panel is as large in every picture
        panels = drawing.subplots(
            2, MAX_PANELS, sharex=True, sharey="row", height_ratios=[4, 1], squeeze=False
        )
        for column, figures in enumerate(study):
            _draw_reliability(panels[0, column], panels[1, column], figures)
        for axes in panels[:, len(study) :].flat:
            axes.set_axis_off()
        panels[0, 0].set_ylabel("share right")
        panels[1, 0].set_ylabel("seconds")
        image = png(drawing)
    words = "; ".join(
        f"{worn(f.sensors)}: {plain(f.reliability.expected_error.value, 3)}" for f in study
    )
    name = WORDS[study[0].study]
    return Picture(
        part="confidence",
        name=f"confidence-{study[0].study}",
        title=f"{capital(name)}: share of seconds that were right, by the confidence said",
        alt=f"Reliability diagrams, {name}. Points on the diagonal mean that the confidence is true. "
        f"Expected calibration error by sensors: {words}.",
        png=image,
        wide=True,
    )


def _draw_reliability(upper: Axes, lower: Axes, figures: PostureFigures) -> None:
    rows = [row for row in figures.reliability.rows if row.seconds]
    upper.plot([0, 1], [0, 1], color=LINE, linewidth=1.2)
    sizes = [12 + 150 * (row.seconds / figures.seconds) ** 0.5 for row in rows]
    at = [row.mean_confidence for row in rows]
    upper.scatter(at, [row.right for row in rows], s=sizes, color=BLUE, zorder=3, clip_on=False)
    upper.set(xlim=(0, 1), ylim=(0, 1.03), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
    upper.set_title(worn(figures.sensors))
    error = f"off by {figure(figures.reliability.expected_error).replace(' ', chr(10))}"
    # below the diagonal: few confidences are that much too high
    upper.text(0.99, 0.03, error, color=GREY, fontsize=9, ha="right", va="bottom")
    low = [row.low for row in rows]
    lower.bar(low, [row.seconds for row in rows], width=0.094, align="edge", color=GREY)
    lower.set(xlabel="confidence", yticks=[])
    bare(upper)
    bare(lower, "left")


def _name_axes(axes: Axes, true: Sequence[str], said: Sequence[str]) -> None:
    axes.set_xticks(range(len(said)), [name.replace("_", "\n") for name in said])
    axes.set_yticks(range(len(true)), [name.replace("_", " ") for name in true])
    axes.set_xticks(np.arange(0.5, len(said) - 1), minor=True)
    axes.set_yticks(np.arange(0.5, len(true) - 1), minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.tick_params(which="both", length=0)
    axes.set(xlabel="said", ylabel="true")
    bare(axes, "left", "bottom")


def _confusion_alt(
    figures: PostureFigures | ActivityFigures, seconds: np.ndarray, said: Sequence[int]
) -> str:
    wrong = [
        (int(seconds[i, j]), figures.true[i], figures.said[k])
        for i in range(len(figures.true))
        for j, k in enumerate(said)
        if i != k
    ]
    most, of, called = max(wrong)
    mistake = f"The largest mistake: {of} called {called}, {most:,} s." if most else "No mistake."
    return (
        f"Confusion matrix, {WORDS[figures.study]}, sensors {worn(figures.sensors)}, {figures.seconds:,} s "
        f"of {figures.people} people: accuracy {plain(figures.accuracy.value, 3)}. "
        f"{mistake}".replace("_", " ")
    )
