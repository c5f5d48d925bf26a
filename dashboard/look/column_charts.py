"""Charts made of columns, as HTML that stays readable at any width. Pure; no text inside a drawing.

A chart is a plot with lines of a scale, a drawing that is stretched under its columns where there is one,
and a column a week or day with what is to be read of it as its title. The words of all columns together
stand in a list for who does not see the chart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

#: Columns that one chart draws.
MAX_COLUMNS: Final = 60
_STEPS: Final = (1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0)
_LINES: Final = 4


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name under the plot (may be empty), what it says, and its marks as HTML."""

    name: str
    said: str
    marks: str
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class Scale:
    """From 0 to ``top`` in steps of ``step``."""

    top: float
    step: float

    def percent(self, value: float) -> float:
        """How far up a value is, 0 to 100."""
        return round(100.0 * min(max(value, 0.0), self.top) / self.top, 2)

    @property
    def lines(self) -> list[float]:
        """The values at which a line is drawn, 0 first."""
        return [n * self.step for n in range(round(self.top / self.step) + 1)]


def scale(values: Sequence[float], least_top: float) -> Scale:
    """A round scale that holds all values, at least up to ``least_top``."""
    highest = max([least_top, *values])
    step = next((s for s in _STEPS if highest / s <= _LINES), _STEPS[-1])
    return Scale(step * math.ceil(highest / step - 1e-9), step)


def chart(
    name: str,
    columns: Sequence[Column],
    scale: Scale,
    *,
    unit: str,
    under: str = "",
    classes: str = "",
) -> str:
    """The chart. ``under`` is a drawing that fills the plot, behind the columns."""
    shown = columns[-MAX_COLUMNS:]
    lines = "".join(
        f'<span class="line" style="bottom:{scale.percent(value)}%">'
        f'<span class="num">{value:g}</span></span>'
        for value in scale.lines
    )
    drawn = "".join(_column(column) for column in shown)
    names = "".join(f"<span>{escape(column.name)}</span>" for column in shown)
    listed = "".join(f"<li>{escape(column.said)}</li>" for column in shown)
    grid = f"grid-template-columns:repeat({len(shown)},minmax(0,1fr))"
    return (
        f'<figure class="pl-chart {classes}"><figcaption class="pl-label">{escape(name)} '
        f'<span class="unit">{escape(unit)}</span></figcaption>'
        f'<div class="plot" aria-hidden="true">{lines}{under}'
        f'<div class="columns" style="{grid}">{drawn}</div></div>'
        f'<div class="names num" style="{grid}" aria-hidden="true">{names}</div>'
        f'<ul class="pl-unseen">{listed}</ul></figure>'
    )


def _column(column: Column) -> str:
    unknown = " unknown" if column.unknown else ""
    return f'<span class="column{unknown}" title="{escape(column.said)}">{column.marks}</span>'


def dot(percent: float, colour: str, *, hollow: bool = False, text: str = "") -> str:
    """A mark in a column at that height, with what stands beside it."""
    shape = "dot hollow" if hollow else "dot"
    beside = f'<b class="num">{escape(text)}</b>' if text else ""
    return f'<i class="{shape}" style="bottom:{percent}%;--mark:{colour}">{beside}</i>'


def bar(percent: float, colour: str, *, hollow: bool = False) -> str:
    """A bar from 0 up to that height; hollow: too little to go by."""
    shape = "bar hollow" if hollow else "bar"
    return f'<i class="{shape}" style="height:{percent}%;--mark:{colour}"></i>'
