"""The drawings of the week's review: trend, heat map, pain over exposure. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import date
from typing import Final

from contracts.vocabulary import Posture
from dashboard.body.figure import inks
from dashboard.look import drawn, text
from dashboard.look.column_charts import Column, Scale, bar, chart, dot, scale
from dashboard.look.theme import POSTURE_COLOUR, Paper
from dashboard.review import heat_map
from dashboard.review.model import ReviewDay, TrendWeek
from dashboard.review.words import min_h, span
from dashboard.week.day_statistics import MIN_DAY_S

ROUNDED: Final = POSTURE_COLOUR[Posture.ROUNDED]
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_LEAST_TOP_MIN_H: Final = 20.0
_NO_TAP: Final = "No pain tap in these four weeks. A client taps where it hurts under My body."
_PAIN_SCALE: Final = Scale(10.0, 5.0)
#: Drawings that are stretched to the plot have this size inside.
_WIDE: Final = 1000.0
_HIGH: Final = 100.0
#: A share of this or more has the strongest tint of the heat map.
_FULL_SHARE: Final = 0.6
_FULL_TINT: Final = 70


def trend(weeks: Sequence[TrendWeek], page: Paper) -> str:
    """Rounded minutes a worn hour by week, with where it lies by its days; hollow: too little worn."""
    highs = [week.interval.high for week in weeks if week.interval is not None]
    rates = [rate for week in weeks if (rate := week.figures.rounded_min_h) is not None]
    fitted = scale([*highs, *rates], _LEAST_TOP_MIN_H)
    columns = [_trend_column(week, fitted, last=week is weeks[-1]) for week in weeks]
    under = drawn.image(_band(weeks, fitted, page), "", "under")
    return chart(
        "Rounded, by week", columns, fitted, unit="min a worn hour", under=under, classes="trend"
    )


def _trend_column(week: TrendWeek, fitted: Scale, *, last: bool) -> Column:
    rate = week.figures.rounded_min_h
    name = short(week.week.monday)
    if rate is None:
        return Column(name, f"Week of {name}: not worn, unknown", "", unknown=True)
    found = "" if week.interval is None else f", by its days {span(week.interval)}"
    thin = ", too little worn to go by" if week.thin else ""
    worn = (
        f"worn {text.duration(week.figures.worn_s)} on {text.count(week.figures.worn_days, 'day')}"
    )
    mark = dot(fitted.percent(rate), ROUNDED, hollow=week.thin, text=f"{rate:.0f}" if last else "")
    return Column(name, f"Week of {name}: {min_h(rate)}{found}; {worn}{thin}", mark)


def _band(weeks: Sequence[TrendWeek], fitted: Scale, page: Paper) -> str:
    """The line through the weeks that were worn, and the band of those that have an interval."""
    step = _WIDE / len(weeks)

    def at(place: int, value: float) -> str:
        return f"{(place + 0.5) * step:.1f} {_HIGH - fitted.percent(value):.1f}"

    shapes, lines = [], []
    for (i, one), (j, other) in itertools.pairwise(enumerate(weeks)):
        first, second = one.figures.rounded_min_h, other.figures.rounded_min_h
        if first is not None and second is not None:
            lines.append(f"M{at(i, first)}L{at(j, second)}")
        if one.interval is not None and other.interval is not None:
            shapes.append(
                f"M{at(i, one.interval.high)}L{at(j, other.interval.high)}"
                f"L{at(j, other.interval.low)}L{at(i, one.interval.low)}Z"
            )
    return drawn.stretched(
        _WIDE,
        _HIGH,
        f"<path d='{''.join(shapes)}' fill='{ROUNDED}' fill-opacity='.2'/>",
        f"<path d='{''.join(lines)}' fill='none' stroke='{page.ink}' stroke-width='1.5' "
        "vector-effect='non-scaling-stroke'/>",
    )


def short(day: date) -> str:
    """``2 Mar``."""
    return f"{day.day} {day:%b}"


def heat(cells: Sequence[heat_map.Cell]) -> str:
    """Hour × weekday as a table: the rounded share in each cell, hatched where it is unknown."""
    hours = heat_map.hours_shown(cells)
    heads = "".join(f'<th scope="col">{hour}</th>' for hour in hours)
    rows = "".join(
        f'<tr><th scope="row">{name}</th>'
        + "".join(_cell(cells[weekday * heat_map.HOURS + hour]) for hour in hours)
        + "</tr>"
        for weekday, name in enumerate(_WEEKDAYS)
    )
    return (
        '<table class="pl-heat num"><caption class="pl-label">Rounded share of worn time, percent, by '
        f"weekday and hour</caption><thead><tr><td></td>{heads}</tr></thead><tbody>{rows}</tbody></table>"
        f'<p class="pl-heat-key">{_ramp()}</p>'
    )


def _cell(cell: heat_map.Cell) -> str:
    when = f"{_WEEKDAYS[cell.weekday]} {cell.hour}:00"
    if cell.share is None:
        worn = f"worn {text.duration(cell.worn_s)}" if cell.worn_s else "not worn"
        return (
            f'<td class="unknown" title="{when}: unknown, {worn}">'
            '<span class="pl-unseen">unknown</span></td>'
        )
    said = (
        f"{when}: {text.percent(cell.rounded_s, cell.worn_s)} of {text.duration(cell.worn_s)} worn"
    )
    return f'<td style="--tint:{tint(cell.share)}%" title="{said}">{100 * cell.share:.0f}</td>'


def tint(share: float) -> int:
    """How strong the colour of a share is, percent: even steps up to the strongest that ink is read on."""
    return round(_FULL_TINT * min(share, _FULL_SHARE) / _FULL_SHARE)


def _ramp() -> str:
    shares = ((0.0, "0 %"), (0.2, "20 %"), (0.4, "40 %"), (_FULL_SHARE, "60 % or more"))
    steps = "".join(
        f'<span><i class="step" style="--tint:{tint(share)}%"></i>{words}</span>'
        for share, words in shares
    )
    return (
        f'{steps}<span><i class="step unknown"></i>unknown: worn for less than 10 minutes of the '
        "hour</span>"
    )


def pain_over_exposure(days: Sequence[ReviewDay], page: Paper) -> str:
    """Day by day, how much it was said to hurt over how much was rounded. Nothing is said of a cause.

    Pain has the colour that it has on the body figure, and a shape of its own.
    """
    rates = [rate for day in days if (rate := day.figures.rounded_min_h) is not None]
    fitted = scale(rates, _LEAST_TOP_MIN_H)
    rounded = [_day_column(day, fitted) for day in days]
    below = chart("Rounded, by day", rounded, fitted, unit="min a worn hour", classes="days")
    if not any(day.taps for day in days):
        return f'<p class="quiet">{_NO_TAP}</p>{below}'
    pain = [_pain_column(day, inks(page).pain) for day in days]
    above = chart("Pain, mean of the day's taps", pain, _PAIN_SCALE, unit="0 to 10", classes="pain")
    return above + below


def _pain_column(day: ReviewDay, colour: str) -> Column:
    if day.mean_pain is None:
        return Column("", f"{_named(day.day)}: no tap", "")
    said = f"{_named(day.day)}: {day.mean_pain:.1f} of 10, {text.count(day.taps, 'tap')}"
    mark = dot(_PAIN_SCALE.percent(day.mean_pain), colour, text=f"{day.mean_pain:.0f}")
    return Column("", said, mark)


def _day_column(day: ReviewDay, fitted: Scale) -> Column:
    rate = day.figures.rounded_min_h
    name = short(day.day) if day.day.weekday() == 0 else ""
    if rate is None:
        return Column(name, f"{_named(day.day)}: not worn, unknown", "", unknown=True)
    thin = day.figures.worn_s < MIN_DAY_S
    said = f"{_named(day.day)}: {min_h(rate)}, worn {text.duration(day.figures.worn_s)}"
    return Column(name, said, bar(fitted.percent(rate), ROUNDED, hollow=thin))


def _named(day: date) -> str:
    return f"{_WEEKDAYS[day.weekday()]} {short(day)}"
