"""The client's week in a few cards: what changed, and the numbers beside those of the week before. Pure."""

from __future__ import annotations

from html import escape

from dashboard.frame.cards import empty
from dashboard.look import text
from dashboard.week import charts, words
from dashboard.week.day_figures import Figures
from dashboard.week.model import Week


def page(week: Week) -> str:
    """The whole week, as one piece of HTML."""
    return (
        f'<div class="pl pl-weekly">{changed(week)}{numbers(week)}'
        f"{charts.by_day(week)}{charts.by_activity(week)}</div>"
    )


def changed(week: Week) -> str:
    """What changed, in one sentence, and how sure that is."""
    more = (
        words.certainty(week),
        words.extremes(week),
        words.goal_days(week),
        "Time not worn is unknown and counts for nothing.",
    )
    items = "".join(f"<li>{escape(part)}</li>" for part in more if part)
    return (
        '<section class="pl-card pl-changed num" aria-label="What changed">'
        f'<div class="what">{escape(words.changed(week))}</div><ul>{items}</ul></section>'
    )


def numbers(week: Week) -> str:
    """Worn, rounded, episodes and the longest, each with that of the week before."""
    now, before = _words(week.figures), _words(week.before)
    on = f"on {week.longest_on:%A}; " if week.longest_on else ""
    days = text.count(week.figures.worn_days, "day")
    names = ("Rounded in an hour worn", f"Worn, on {days}", "Episodes", "Longest episode")
    cells = [
        (name, is_now, f"{on if name is names[-1] else ''}week before: {was}")
        for name, is_now, was in zip(names, now, before, strict=True)
    ]
    return (
        '<div class="pl-wide"><div class="pl-numbers">'
        + "".join(
            f'<div class="pl-card pl-number"><div class="pl-label">{label}</div>'
            f'<div class="big num">{escape(big)}</div><div class="sub num">{escape(sub)}</div></div>'
            for label, big, sub in cells
        )
        + "</div></div>"
    )


def _words(figures: Figures) -> tuple[str, str, str, str]:
    """Rate, worn time, episodes and the longest. Of what was not worn nothing is known, not none."""
    if not figures.worn_s:
        return ("not worn",) * 4
    rate_min_h = figures.rounded_min_h
    return (
        "–" if rate_min_h is None else text.minutes(rate_min_h),
        text.duration(figures.worn_s),
        str(figures.episodes),
        text.duration(figures.longest_s) if figures.longest_s else "none",
    )


def nothing(week: Week, *, ever: bool) -> str:
    """A week without a second worn. ``ever``: whether the person has data at all."""
    if not ever:
        return empty(
            "Nothing recorded yet",
            "Once sensors are paired under My sensors and worn, the first day shows here by itself.",
        )
    if week.under_way:
        return empty(
            "Not worn this week so far",
            "Put the sensors on; the week fills by itself. Until then nothing is known of it.",
        )
    return empty(
        "Not worn in this week",
        "Nothing is known of it. Other weeks can be chosen above.",
    )
