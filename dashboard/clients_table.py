"""A therapist's clients as one table of HTML, cards on a phone. Pure; every word of data is escaped.

One table and not a widget a row: two hundred clients are one element, read and walked as any table is.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final
from urllib.parse import quote

from contracts.vocabulary import Posture
from dashboard import clock, drawn, text
from dashboard.clients_model import ClientRow, SmallWeek
from dashboard.review_words import signed
from dashboard.theme import POSTURE_COLOUR, Paper

#: Clients that one page lists; a name in the search finds the others.
MAX_ROWS: Final = 500
#: Reasons that a row shows; the weightiest say enough.
_SHOWN_REASONS: Final = 3
_SPARK_WIDTH: Final = 96
_SPARK_HEIGHT: Final = 28
_BAR: Final = 9
_STEP: Final = 12
#: Rounded minutes an hour that fill the small trend's height.
_SPARK_TOP_MIN_H: Final = 30.0
_HEADS: Final = ("Client", "Why look", "Rounded", "Change", "8 weeks", "Worn", "Last data")


def table(rows: Sequence[ClientRow], page: Paper, now_ns: int) -> str:
    """The rows as they come, at most :data:`MAX_ROWS`, each with a link to its week review."""
    heads = "".join(f'<th scope="col" role="columnheader">{head}</th>' for head in _HEADS)
    body = "".join(_row(row, page, now_ns) for row in rows[:MAX_ROWS])
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


def _row(row: ClientRow, page: Paper, now_ns: int) -> str:
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
        ("spark", "8 weeks", spark(row.weeks, page)),
        ("num", "Worn", _worn(row)),
        ("last", "Last data", escape(_last(row, now_ns))),
    )
    return (
        f'<tr role="row">{first}'
        + "".join(
            f'<td role="cell" class="{classes}"><span class="head" aria-hidden="true">{head}</span>'
            f"{cell}</td>"
            for classes, head, cell in cells
        )
        + "</tr>"
    )


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
    if ago <= 0:
        return clock.clock_time(row.last_ns, row.zone)
    return "yesterday" if ago == 1 else f"{ago} days ago"


def spark(weeks: Sequence[SmallWeek], page: Paper) -> str:
    """The small trend: a bar a week, hollow where too little was worn, a dot of hatch where nothing was."""
    base = _SPARK_HEIGHT - 1
    parts = [f"<path d='M0 {base}.5H{_SPARK_WIDTH}' stroke='{page.line}'/>"]
    for place, week in enumerate(weeks):
        x = place * _STEP + 1
        if week.rounded_min_h is None:
            continue
        tall = max(1.5, base * min(week.rounded_min_h / _SPARK_TOP_MIN_H, 1.0))
        colour = POSTURE_COLOUR[Posture.ROUNDED]
        paint = f"fill='{colour}'" if week.enough else f"fill='none' stroke='{colour}'"
        parts.append(f"<path d='M{x} {base}V{base - tall:.1f}H{x + _BAR}V{base}Z' {paint}/>")
    return drawn.image(drawn.svg(_SPARK_WIDTH, _SPARK_HEIGHT, *parts), _said(weeks))


def _said(weeks: Sequence[SmallWeek]) -> str:
    known = [
        "unknown" if week.rounded_min_h is None else f"{week.rounded_min_h:.0f}" for week in weeks
    ]
    return f"Rounded minutes a worn hour, oldest week first: {', '.join(known)}"
