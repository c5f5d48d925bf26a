"""The client's week in sentences. Pure; a difference that may be chance is called so."""

from __future__ import annotations

from typing import Final

from dashboard.look import text
from dashboard.today.goal import Progress, Standing
from dashboard.week.day_statistics import MIN_DAY_S, MIN_DAYS, Difference
from dashboard.week.model import Week

#: A difference of less rounds to none.
_NONE_BELOW_MIN: Final = 0.5


def compared(value_min_h: float, before_min_h: float) -> str:
    """``3 min more``, ``3 min less``, ``about as much``: of a rate against one before."""
    beyond_min = value_min_h - before_min_h
    if abs(beyond_min) < _NONE_BELOW_MIN:
        return "about as much"
    return f"{text.minutes(abs(beyond_min))} {'more' if beyond_min > 0 else 'less'}"


def changed(week: Week) -> str:
    """What changed against the week before, in one plain sentence."""
    so_far = " so far" if week.under_way else ""
    this = "this week" if week.under_way else "in that week"
    rate = week.figures.rounded_min_h
    if rate is None and week.figures.worn_s:
        worn = text.duration(week.figures.worn_s)
        return f"Worn {worn} {this}{so_far}, and no posture could be told: nothing is known of it."
    if rate is None:
        return f"Not worn {this}{so_far}: nothing is known of it."
    if week.figures.worn_s < MIN_DAY_S:
        return f"Worn {text.duration(week.figures.worn_s)} {this}{so_far}: too little to tell."
    said = f"{text.minutes(rate)} rounded in an hour worn{so_far}"
    if week.change is None or week.before.worn_s < MIN_DAY_S:
        return f"{said}; the week before was hardly worn, so there is nothing to set it against."
    return f"{said}, {_against(week.change)} the week before{_chance(week.change)}."


def _against(found: Difference) -> str:
    words = compared(found.after_min_h, found.before_min_h)
    return f"{words} as in" if words.startswith("about") else f"{words} than in"


def _chance(found: Difference) -> str:
    if abs(found.min_h) < _NONE_BELOW_MIN:
        return ""
    return ", which may be chance" if found.may_be_chance else ""


def certainty(week: Week) -> str:
    """How sure the difference is: from where to where days like these would put it, or that they are few."""
    found = week.change
    if found is None or min(week.figures.worn_s, week.before.worn_s) < MIN_DAY_S:
        return ""
    if found.interval is None:
        return (
            f"Too few days to say how sure that is: {text.count(found.after_days, 'day')} worn here, "
            f"{found.before_days} the week before; {MIN_DAYS} of each are needed."
        )
    low, high = found.interval
    return (
        f"Days differ anyway: drawn anew from these days, the difference is between {_signed(low)} and "
        f"{_signed(high)} 95 times of 100."
    )


def _signed(beyond_min: float) -> str:
    if abs(beyond_min) < _NONE_BELOW_MIN:
        return "none"
    return f"{text.minutes(abs(beyond_min))} {'more' if beyond_min > 0 else 'less'}"


def extremes(week: Week) -> str:
    """The least and the most rounded day, of those worn long enough; empty with fewer than two."""
    days = week.worn_days
    if len(days) < 2:
        return ""
    least, most = days[0], days[-1]
    low_min_h, high_min_h = least.rounded_min_h or 0.0, most.rounded_min_h or 0.0
    if high_min_h - low_min_h < _NONE_BELOW_MIN:
        return "Rounding was about the same on each day worn."
    return (
        f"Least on {least.day:%A} ({text.minutes(low_min_h)} in an hour worn), "
        f"most on {most.day:%A} ({text.minutes(high_min_h)})."
    )


def goal_days(week: Week) -> str:
    """On how many of the days worn long enough the goal was kept."""
    days = week.worn_days
    if not days:
        return ""
    progress = [Progress(d.figures.worn_s, d.figures.rounded_s, week.goal_min_h) for d in days]
    kept = sum(p.standing is not Standing.OVER for p in progress)
    goal = f"The goal of at most {text.minutes(week.goal_min_h)}"
    if len(days) == 1:
        return f"{goal} was {'kept' if kept else 'not kept'} on the one day worn."
    return f"{goal} was kept on {kept} of {len(days)} days worn."
