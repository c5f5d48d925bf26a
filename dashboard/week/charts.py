"""The client's week drawn as bars of HTML: every figure is a word beside its bar. Pure.

A bar's whole height or width is the same rate in all of a drawing. What is unknown has no bar: a day
hardly worn is hatched, one not worn is empty, and both are named.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final

from dashboard.look import text
from dashboard.look.theme import ACTIVITY_COLOUR
from dashboard.week.model import Wear, Week, WeekActivity, WeekDay
from dashboard.week.words import compared

#: A drawing's end is at least this, so that a calm week does not look like a wild one.
_LEAST_END_MIN_H: Final = 20.0
_ROOM: Final = 1.08


def by_day(week: Week) -> str:
    """Rounded minutes a worn hour of each day, the goal across them, hours worn under each."""
    end_min_h = _end_min_h(week, (m for d in week.days for m in (d.rounded_min_h, d.before_min_h)))
    bars = "".join(_column(day, week, end_min_h) for day in week.days)
    return (
        '<section class="pl-card pl-week" aria-label="Rounding by day">'
        '<div class="pl-label">Rounded minutes in an hour worn, by day</div>'
        f'<ol class="pl-bars" style="--goal:{_share(week.goal_min_h, end_min_h)}">{bars}</ol>'
        f"{_day_legend(week)}</section>"
    )


def _column(day: WeekDay, week: Week, end_min_h: float) -> str:
    rate_min_h = day.rounded_min_h
    bar = (
        ""
        if rate_min_h is None
        else f'<i class="bar" style="height:{_share(rate_min_h, end_min_h)}"></i>'
    )
    was = ""
    if day.before_min_h is not None and day.wear is not Wear.AHEAD:
        was = f'<i class="was" style="bottom:{_share(day.before_min_h, end_min_h)}"></i>'
    value = "–" if rate_min_h is None else text.minutes(rate_min_h)
    is_today = ' aria-current="date"' if day.day == week.today else ""
    return (
        f'<li class="is-{day.wear}"{is_today}><span class="day"><b>{day.day:%a}</b> {day.day.day}</span>'
        f'<span class="col">{bar}{was}</span>'
        f'<span class="val num">{value}</span><span class="worn num">{_worn(day)}</span></li>'
    )


def _worn(day: WeekDay) -> str:
    if day.wear is Wear.AHEAD:
        return "to come"
    if day.wear is Wear.NOTHING:
        return "not worn"
    if day.wear is Wear.LITTLE:
        return f"{text.duration(day.figures.worn_s)} worn"
    return f"{day.figures.worn_s / 3600:.1f} h worn"


def _day_legend(week: Week) -> str:
    wears = {day.wear for day in week.days}
    keys = [
        f'<li><span class="pl-key goal"></span>Goal: at most {text.minutes(week.goal_min_h)}</li>'
    ]
    if any(day.before_min_h is not None and day.wear is not Wear.AHEAD for day in week.days):
        keys.append('<li><span class="pl-key was"></span>The same day a week before</li>')
    if Wear.LITTLE in wears:
        keys.append(
            '<li><span class="pl-swatch none"></span>Worn under half an hour: too little to tell</li>'
        )
    if Wear.NOTHING in wears:
        keys.append("<li>– not worn: unknown</li>")
    return f'<ul class="pl-legend">{"".join(keys)}</ul>'


def by_activity(week: Week) -> str:
    """Rounded minutes an hour of each activity, against the week before; empty where nothing was worn."""
    known = [a for a in week.activities if a.rounded_min_h is not None]
    if not known:
        return ""
    end_min_h = _end_min_h(week, (m for a in known for m in (a.rounded_min_h, a.before_min_h)))
    rows = "".join(_row(activity, end_min_h) for activity in known)
    short = ", ".join(
        f"{text.ACTIVITY[a.activity].lower()} {text.duration(a.worn_s)}"
        for a in week.activities
        if a.rounded_min_h is None
    )
    noted = (
        f'<p class="quiet">Under half an hour, too little to tell: {escape(short)}.</p>'
        if short
        else ""
    )
    return (
        '<section class="pl-card pl-week" aria-label="Rounding by activity">'
        '<div class="pl-label">Rounded minutes in an hour of each activity</div>'
        f'<ul class="pl-acts">{rows}</ul>{noted}</section>'
    )


def _row(activity: WeekActivity, end_min_h: float) -> str:
    rate_min_h, before_min_h = activity.rounded_min_h or 0.0, activity.before_min_h
    was = against = ""
    if before_min_h is not None:
        was = f'<i class="was" style="left:{_share(before_min_h, end_min_h)}"></i>'
        against = f'<span class="quiet">{_than_before(rate_min_h, before_min_h)}</span>'
    return (
        f'<li><span class="name"><span class="pl-swatch" style="background:'
        f'{ACTIVITY_COLOUR[activity.activity]}"></span>{text.ACTIVITY[activity.activity]}</span>'
        f'<span class="track"><i class="bar" style="width:{_share(rate_min_h, end_min_h)}"></i>{was}</span>'
        f'<span class="val num"><b>{text.minutes(rate_min_h)}</b> in {text.duration(activity.worn_s)}'
        f"{against}</span></li>"
    )


def _than_before(rate_min_h: float, before_min_h: float) -> str:
    words = compared(rate_min_h, before_min_h)
    return f"{words} {'as' if words.startswith('about') else 'than'} the week before"


def _end_min_h(week: Week, rates_min_h: Iterable[float | None]) -> float:
    known = [rate for rate in rates_min_h if rate is not None]
    return _ROOM * max(*known, week.goal_min_h, _LEAST_END_MIN_H, 0.0)


def _share(value_min_h: float, end_min_h: float) -> str:
    return f"{100 * value_min_h / end_min_h:.1f}%"
