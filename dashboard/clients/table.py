"""A therapist's clients as one table of HTML, cards on a phone. Pure; every word of data is escaped.

One table and not a widget a row: two hundred clients are one element, read and walked as any table is.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final
from urllib.parse import quote

from dashboard.clients.model import ClientRow, SmallWeek
from dashboard.look import clock, text
from dashboard.review.words import signed

#: Clients that one page lists; a name in the search finds the others.
MAX_ROWS: Final = 500
#: Reasons that a row shows; the weightiest say enough.
_SHOWN_REASONS: Final = 3
_SPARK_HEIGHT_PX: Final = 28
#: Rounded minutes an hour that fill the small trend's height.
_SPARK_TOP_MIN_H: Final = 30.0
_HEADS: Final = ("Client", "Why look", "Rounded", "Change", "8 weeks", "Worn", "Last data")


def table(rows: Sequence[ClientRow], now_ns: int) -> str:
    """The rows as they come, at most :data:`MAX_ROWS`, each with a link to its week review."""
    heads = "".join(f'<th scope="col" role="columnheader">{head}</th>' for head in _HEADS)
    body = "".join(_row(row, now_ns) for row in rows[:MAX_ROWS])
    return (
        '<div class="pl"><table class="pl-clients" role="table" aria-label="Clients">'
        f'<thead role="rowgroup"><tr role="row">{heads}</tr></thead>'
        f'<tbody role="rowgroup">{body}</tbody></table>{_left_off(rows)}{_legend()}</div>'
    )


def summary(rows: Sequence[ClientRow]) -> str:
    """How many clients there are, and how many of them need attention."""
    waiting = sum(bool(row.concerns) for row in rows)
    return f"{text.count(len(rows), 'client')}, {waiting} with a reason to look"


def _left_off(rows: Sequence[ClientRow]) -> str:
    more = len(rows) - MAX_ROWS
    return f'<p class="quiet">{more} more: search by name.</p>' if more > 0 else ""


def _legend() -> str:
    return (
        '<p class="pl-source">Rounded: minutes a worn hour in the last 7 days. Change: against the '
        "4 weeks before, where both were worn on 3 days or more. 8 weeks: a bar a week, hollow where "
        "fewer than 3 days were worn, none where nothing is known.</p>"
    )


def _row(row: ClientRow, now_ns: int) -> str:
    chip = '<span class="pl-chip">simulated</span>' if row.simulated else ""
    link = f"/week-review?client={quote(row.wearer, safe='')}"
    first = (
        f'<th scope="row" role="rowheader"><a href="{escape(link)}" target="_self">'
        f"{escape(row.label)}</a>{chip}</th>"
    )
    cells = (
        ("why", "Why look", _reasons(row)),
        ("num", "Rounded", _rate(row)),
        ("num", "Change", _change(row)),
        ("spark", "8 weeks", spark(row.weeks)),
        ("num", "Worn", _worn(row)),
        ("last", "Last data", escape(_last(row, now_ns))),
    )
    # on a phone the style sheet shows each cell's heading, which is said of the column anyway
    shown = "".join(
        f'<td role="cell" class="{classes}" data-head="{head}">{cell}</td>'
        for classes, head, cell in cells
    )
    return f'<tr role="row">{first}{shown}</tr>'


def _reasons(row: ClientRow) -> str:
    if not row.concerns:
        return '<span class="quiet">nothing stands out</span>'
    shown = [escape(concern.words) for concern in row.concerns[:_SHOWN_REASONS]]
    first, rest = shown[0], shown[1:]
    begun = first[:1].upper() + first[1:]
    more = f'<span class="quiet">{" · ".join(rest)}</span>' if rest else ""
    return f"<b>{begun}</b>{more}"


def _rate(row: ClientRow) -> str:
    if row.rounded_min_h is None:
        return '<span class="quiet">unknown</span>'
    return f'{row.rounded_min_h:.0f} <span class="quiet">min/h</span>'


def _change(row: ClientRow) -> str:
    if row.change_min_h is None:
        return '<span class="quiet" title="too little worn to compare">–</span>'
    return escape(signed(row.change_min_h))


def _worn(row: ClientRow) -> str:
    if not row.worn_s:
        return '<span class="quiet">not worn</span>'
    return escape(_hours(row.worn_s))


def _hours(seconds: int) -> str:
    """Whole hours from two on: minutes of a week's wear say nothing."""
    return f"{round(seconds / 3600)} h" if seconds >= 7200 else text.duration(seconds)


def _last(row: ClientRow, now_ns: int) -> str:
    if row.last_ns is None:
        return "none yet"
    day, today = clock.day_of(row.last_ns, row.zone), clock.day_of(now_ns, row.zone)
    ago = (today - day).days
    if ago < 0:  # of a clock that was ahead
        return f"{day.day} {day:%b} {day.year}"
    if ago == 0:
        return f"today {clock.clock_time(row.last_ns, row.zone)}"
    return "yesterday" if ago == 1 else f"{ago} days ago"


def spark(weeks: Sequence[SmallWeek]) -> str:
    """The small trend: a bar a week, hollow where too little was worn, none where nothing is known.

    Plain elements, since two hundred drawings would take a browser longer than all else on the page.
    """
    bars = "".join(_bar(week) for week in weeks)
    return f'<span class="bars" role="img" aria-label="{_said(weeks)}">{bars}</span>'


def _bar(week: SmallWeek) -> str:
    if week.rounded_min_h is None:
        return "<i></i>"
    tall = max(2, round(_SPARK_HEIGHT_PX * min(week.rounded_min_h / _SPARK_TOP_MIN_H, 1.0)))
    few = "" if week.enough else ' class="few"'
    return f'<i{few} style="height:{tall}px"></i>'


def _said(weeks: Sequence[SmallWeek]) -> str:
    known = [
        "unknown" if week.rounded_min_h is None else f"{week.rounded_min_h:.0f}" for week in weeks
    ]
    return f"Rounded minutes a worn hour, oldest week first: {', '.join(known)}"
