"""The employer's weeks: how it is, how it goes, how it is counted. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from dashboard.office.team_model import FEWEST, GROUP, MIN_WORN_S, Quartiles, TeamView, TeamWeek

NOT_YET: Final = (
    (
        f"A figure stands here when at least {FEWEST} people agree to be counted and have worn their "
        "sensors through a whole week."
    ),
    "Each agrees alone, under My data; nobody sees who did.",
)
_HOW: Final = (
    (
        f"Every figure is of at least {FEWEST} people who agreed to it. There is nothing about anyone alone, "
        "and nothing to filter by."
    ),
    f"People are counted in groups of {GROUP}, by the order in which they agreed.",
    (
        "A week’s figures are made once, after it is over, and then stay as they are. Who agrees is counted from "
        "the next week on. Who takes it back is in no week that is made from then on."
    ),
    f"A week counts somebody from {MIN_WORN_S // 3600} worn hours on. Time not worn is unknown, and in no figure.",
    "A week stands here two days after it has ended.",
)
_LEAST_END_MIN_H: Final = 20
_ROOM: Final = 1.15


def headline(view: TeamView) -> str:
    """The latest week that has figures, in numbers; empty where none has."""
    week = _latest(view)
    if week is None or week.rounded_min_h is None or week.worn_h is None:
        return ""
    rounded, worn = week.rounded_min_h, week.worn_h
    cells = (
        ("Rounded", f"{rounded.middle} min", "in a worn hour: half of them less, half more"),
        (
            "Half of them",
            f"{rounded.low}–{rounded.high} min",
            "between a quarter and three quarters",
        ),
        ("Worn", f"{worn.middle} h", f"in the week; half of them {worn.low}–{worn.high} h"),
        ("People", f"{week.people} or more", "counted in whole groups of five"),
    )
    body = "".join(
        f'<section class="pl-card pl-number"><div class="pl-label">{label}</div>'
        f'<div class="big num">{escape(big)}</div><div class="sub">{escape(sub)}</div></section>'
        for label, big, sub in cells
    )
    return f'<div class="pl pl-wide"><div class="pl-numbers">{body}</div></div>'


def said(view: TeamView) -> str:
    """Which week the numbers are of, and how they are against the one before."""
    week = _latest(view)
    if week is None or week.rounded_min_h is None:
        return ""
    before = [w for w in view.weeks if w.rounded_min_h is not None and w.week < week.week]
    words = f"{week.week.said()}."
    if before and before[-1].rounded_min_h is not None:
        change = week.rounded_min_h.middle - before[-1].rounded_min_h.middle
        how = "as" if not change else f"{abs(change)} min {'more' if change > 0 else 'less'} than"
        words += f" The middle is {how} in the week of {before[-1].week.said()}."
    return words


def weeks(view: TeamView) -> str:
    """Weeks side by side: the middle half as a bar, the middle as a line, both in words as well."""
    end = max([_LEAST_END_MIN_H, *(w.rounded_min_h.high for w in view.weeks if w.rounded_min_h)])
    body = "".join(_column(week, end * _ROOM) for week in view.weeks)
    return (
        '<div class="pl"><section class="pl-card pl-team" aria-label="Rounding by week">'
        '<div class="pl-label">Rounded minutes in a worn hour, by week</div>'
        f'<ol class="weeks">{body}</ol>'
        '<ul class="pl-legend"><li><span class="key line"></span>the middle, in figures: half of the people are below, half above</li>'
        '<li><span class="key"></span>the middle half of the people</li>'
        '<li><span class="pl-swatch none"></span>fewer than ten people: not shown</li></ul></section></div>'
    )


def _column(week: TeamWeek, end_min_h: float) -> str:
    first = week.week.days[0]
    name = f"{first.day} {first:%b}"
    if week.rounded_min_h is None:
        body = f'<div class="plot none"></div><span class="pl-unseen">{FEWEST} people are not there</span>'
    else:
        body = _box(week.rounded_min_h, end_min_h)
    return f'<li>{body}<span class="name num">{name}</span></li>'


def _box(found: Quartiles, end_min_h: float) -> str:
    low, middle, high = (100 * v / end_min_h for v in (found.low, found.middle, found.high))
    words = f"{found.middle} min; the middle half {found.low} to {found.high} min"
    return (
        f'<div class="plot" aria-hidden="true"><i class="half" style="bottom:{low:.1f}%;height:{high - low:.1f}%"></i>'
        f'<i class="middle" style="bottom:{middle:.1f}%"></i>'
        f'<span class="value num" style="bottom:{high:.1f}%">{found.middle}</span></div>'
        f'<span class="pl-unseen">{words}</span>'
    )


def how(view: TeamView) -> str:
    """How all of it is counted."""
    lines = (*_HOW, *_simulated(view))
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return (
        f'<div class="pl"><section class="pl-card"><ul class="pl-how">{items}</ul></section></div>'
    )


def _simulated(view: TeamView) -> Sequence[str]:
    return ["All of them are simulated."] if view.simulated else []


def _latest(view: TeamView) -> TeamWeek | None:
    return next((week for week in reversed(view.weeks) if week.people is not None), None)
