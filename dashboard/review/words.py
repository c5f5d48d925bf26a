"""The week's review in sentences, the same on the page, on the printed sheet and in the exports. Pure."""

from __future__ import annotations

from typing import Final

from dashboard.look import text
from dashboard.review.model import USUAL_WEEKS, WeekReview
from dashboard.week.day_statistics import MIN_DAYS, Difference, Interval

#: A change of less than half a minute an hour rounds to none.
_NONE_BELOW_MIN_H: Final = 0.5
_MINUS: Final = "−"  # the sign, not the hyphen


def min_h(value: float | None) -> str:
    """``21 min/h``; ``–`` where there is none."""
    return "–" if value is None else f"{value:.0f} min/h"


def signed(value: float) -> str:
    """``+6``, ``−3``, ``0``: whole minutes, with a real minus."""
    whole = round(value)
    return "0" if not whole else f"{'+' if whole > 0 else _MINUS}{abs(whole)}"


def tenths(value: float) -> str:
    """``+1.8``, ``−0.3``: to a tenth, with a real minus."""
    return f"{_MINUS if value < 0 else '+'}{abs(value):.1f}"


def interval(found: Interval) -> str:
    """``−0.8 to +7.1``: to a tenth, so that an end beside none does not read as none."""
    return f"{tenths(found.low)} to {tenths(found.high)}"


def span(found: Interval) -> str:
    """``18 to 24``, of a rate itself."""
    return f"{found.low:.0f} to {found.high:.0f}"


def change(found: Difference) -> str:
    """``6 min more``, ``3 min less``, ``about as much``."""
    if abs(found.min_h) < _NONE_BELOW_MIN_H:
        return "about as much"
    return f"{abs(round(found.min_h))} min {'more' if found.min_h > 0 else 'less'}"


def certainty(found: Difference) -> str:
    """How sure a difference is: its interval, and whether it may be chance."""
    if found.interval is None:
        few = min(found.before_days, found.after_days)
        return f"may be chance: {text.count(few, 'worn day')} on one side, fewer than {MIN_DAYS}"
    said = f"{interval(found.interval)} min/h, by days"
    return f"may be chance: {said}" if found.may_be_chance else f"more than chance: {said}"


def headline(review: WeekReview) -> str:
    """What changed, in one or two sentences. Time not worn is unknown and is called nothing else."""
    if review.empty:
        so_far = " so far" if review.under_way else ""
        return f"Not worn this week{so_far}: nothing is known of it."
    rate = review.figures.rounded_min_h
    if rate is None:
        worn = text.duration(review.figures.worn_s)
        return f"Worn {worn}, and no posture could be told: nothing is known of this week."
    begun = f"Rounded {min_h(rate).replace('/h', ' a worn hour')}"
    found = review.change
    if found is None:
        return f"{begun}; nothing was worn in the {USUAL_WEEKS} weeks before to set it against."
    against = f"than in the {USUAL_WEEKS} weeks before"
    if abs(found.min_h) < _NONE_BELOW_MIN_H:
        return (
            f"{begun}, about as much as in the {USUAL_WEEKS} weeks before. {_most(review)}".strip()
        )
    chance = ", which may be chance" if found.may_be_chance else ""
    return f"{begun}: {change(found)} {against}{chance}. {_most(review)}".strip()


def _most(review: WeekReview) -> str:
    """During what most of the rounding was, where one activity holds at least half of it."""
    if not review.activities or not review.figures.rounded_s:
        return ""
    first = review.activities[0]
    if 2 * first.rounded_s < review.figures.rounded_s or first.activity == "unknown":
        return ""
    share = text.percent(first.rounded_s, review.figures.rounded_s)
    return f"{share} of it while {text.ACTIVITY[first.activity].lower()}."
