"""The day's goal: rounded minutes a worn hour so far against what the person set out to stay under. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from html import escape
from typing import Final

from dashboard.look import text

#: Worn for less than this, an hour's rate says more about chance than about the day.
EARLY_S: Final = 1800
#: Nearer to the goal than this is at the goal: the page shows whole minutes.
_AT_MIN_H: Final = 0.5
#: The bar ends at this many times the goal, or at the rate where that is more.
_BAR: Final = 2.0


class Standing(StrEnum):
    """How a day stands against its goal."""

    EARLY = "early"
    WITHIN = "within"
    AT = "at"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Progress:
    """A day against its goal: seconds worn and rounded so far, and the goal in min a worn hour.

    ``told``: the posture could be told for half of the time worn or more.
    """

    worn_s: int
    rounded_s: int
    goal_min_h: float
    told: bool = True

    @property
    def rate_min_h(self) -> float | None:
        """Rounded minutes a worn hour; None of a time too short to say, or whose posture was not told."""
        known = self.told and self.worn_s >= EARLY_S
        return 60.0 * self.rounded_s / self.worn_s if known else None

    @property
    def standing(self) -> Standing:
        """How it stands, at the exactness that is shown."""
        rate_min_h = self.rate_min_h
        if rate_min_h is None:
            return Standing.EARLY
        beyond_min_h = rate_min_h - self.goal_min_h
        if abs(beyond_min_h) < _AT_MIN_H:
            return Standing.AT
        return Standing.OVER if beyond_min_h > 0 else Standing.WITHIN


def headline(progress: Progress, *, over: bool) -> str:
    """The day against its goal in a few words. ``over``: the day is past, not under way."""
    so_far = "" if over else " so far"
    rate_min_h = progress.rate_min_h
    if not progress.told:
        return "No posture could be told"
    if rate_min_h is None:
        return "Too little worn to tell" if over else "Too early to tell"
    beyond = text.minutes(abs(rate_min_h - progress.goal_min_h))
    return {
        Standing.WITHIN: f"Within the goal{so_far}",
        Standing.AT: f"At the goal{so_far}",
        Standing.OVER: f"{beyond} an hour over the goal{so_far}",
    }[progress.standing]


def card(progress: Progress, *, over: bool = False) -> str:
    """The goal as a quiet bar with its words. Time not worn counts for nothing."""
    what, rate_min_h = headline(progress, over=over), progress.rate_min_h
    if not progress.told:
        worn = f"Worn {text.duration(progress.worn_s)}; "
        return _section(what, f"{worn}what is not known is not set against the goal.", "")
    if rate_min_h is None:
        so_far = "" if over else " so far"
        worn = f"Worn {text.duration(progress.worn_s)}{so_far}." if progress.worn_s else ""
        then = "" if over else " From half an hour worn on the day is set against the goal:"
        goal = f" at most {text.minutes(progress.goal_min_h)} rounded in an hour worn."
        return _section(what, (worn + (then or " The goal is") + goal).strip(), "")
    said = (
        f"{text.minutes(rate_min_h)} rounded in an hour worn, over "
        f"{text.duration(progress.worn_s)} worn."
    )
    return _section(what, said, _bar(rate_min_h, progress.goal_min_h))


def _section(what: str, said: str, bar: str) -> str:
    return (
        '<section class="pl-card pl-goal" aria-label="The day’s goal">'
        f'<div class="pl-label">Goal of the day</div><div class="what">{escape(what)}</div>{bar}'
        f'<div class="more num">{escape(said)}</div></section>'
    )


def _bar(rate_min_h: float, goal_min_h: float) -> str:
    end_min_h = max(_BAR * goal_min_h, rate_min_h)
    done, wanted = (f"{100 * at_min_h / end_min_h:.1f}%" for at_min_h in (rate_min_h, goal_min_h))
    goal = text.minutes(goal_min_h)
    said = f"{text.minutes(rate_min_h)} rounded in an hour worn; the goal is at most {goal}"
    return (
        f'<div class="bar" role="img" aria-label="{escape(said)}">'
        f'<div class="track"><div class="fill" style="width:{done}"></div></div>'
        f'<span class="tick" style="left:{wanted}"></span>'
        f'<span class="mark num" style="left:{wanted}">goal: at most {goal}</span></div>'
    )
