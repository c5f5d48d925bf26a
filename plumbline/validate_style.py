"""How the pictures of the report look: the dashboard's light paper, few lines, readable in print."""

from __future__ import annotations

import io
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from contracts.vocabulary import Posture
from dashboard.look.theme import LIGHT, POSTURE_COLOUR

DOTS_PER_INCH: Final = 144
#: Inches of a picture that takes half of the page's width, and all of it: letters are alike in both.
HALF: Final = 5.4
WIDE: Final = 11.1
BLUE: Final = POSTURE_COLOUR[Posture.UPRIGHT]
ORANGE: Final = POSTURE_COLOUR[Posture.ROUNDED]
GREY: Final = LIGHT.quiet
LINE: Final = LIGHT.line
INK: Final = LIGHT.ink
#: Fonts in order of liking: every machine with matplotlib has the last one.
STYLE: Final[dict[Any, Any]] = {
    "font.family": ["sans-serif"],
    "font.sans-serif": ["Inter", "Liberation Sans", "Arial", "DejaVu Sans"],
    "font.size": 10.0,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": GREY,
    "axes.titlecolor": INK,
    "axes.titlesize": 11.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "figure.facecolor": LIGHT.background,
    "grid.color": LINE,
    "grid.linewidth": 0.8,
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG and what it shows in words, for who cannot see it. ``name`` is its file, without .png."""

    part: str
    name: str
    title: str
    alt: str
    png: bytes
    wide: bool = False


def styled() -> AbstractContextManager[None]:
    """The context in which every figure is made and saved."""
    return mpl.rc_context(STYLE)


def png(figure: Figure) -> bytes:
    """The figure's bytes; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return buffer.getvalue()


def bare(axes: Axes, *sides: str) -> None:
    """Take spines and tick marks off these sides."""
    for side in sides:
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0)
