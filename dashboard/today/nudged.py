"""The day's nudges: how many were given, and how often the rounding ended soon after. Pure, from rollups.

That it ended soon after is what was seen, not what the nudge did: runs of rounding end anyway.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from html import escape
from statistics import median
from typing import Final

from contracts.fading import FEWEST, Fading
from contracts.records import HELD_MOST_S, Episode, Nudge, Rollup
from contracts.settings import PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import Afterwards, KeptBack, NudgeKind, Posture
from dashboard.look import text

#: Why a nudge was not given, after a number.
_WHY: Final = {
    KeptBack.QUIET: "in quiet hours",
    KeptBack.NOT_NOW: "put off by a not now",
    KeptBack.DRIVING: "while driving",
    KeptBack.MOVING: "while walking or on stairs",
    KeptBack.CARRYING: "while carrying",
    KeptBack.LYING: "while lying",
    KeptBack.NOT_WORN: "while not worn",
    KeptBack.BENDING: "while bending down",
    KeptBack.UNSURE: "where the posture was not sure",
    KeptBack.TOO_SOON: "too soon after another",
    KeptBack.TOO_MANY: "beyond the most in an hour",
    KeptBack.BACKLOG: "known too late",
    KeptBack.NO_SENSOR: "with no sensor to pulse",
}
MINUTE_NS: Final = 60 * NS_PER_S


class After(StrEnum):
    """What was seen in the minute after a nudge."""

    CHANGED = "changed"  # the rounding ended, and another posture was seen
    WENT_ON = "went-on"
    UNKNOWN = "unknown"  # taken off, no word of the run, or the minute is not over


@dataclass(frozen=True, slots=True)
class Nudged:
    """Nudges of a day that were given, by what came after; ``breaks``: prompts to get up.

    ``unfelt``: given, and no sensor pulsed; ``held_s``: upright for so long after each nudge of which that
    is known; ``kept_back``: how many were not given, by why, most first.
    """

    changed: int
    went_on: int
    unknown: int
    breaks: int
    unfelt: int = 0
    held_s: tuple[int, ...] = ()
    kept_back: tuple[tuple[KeptBack, int], ...] = ()

    @property
    def posture(self) -> int:
        """Nudges about posture."""
        return self.changed + self.went_on + self.unknown


def nudged(
    nudges: Sequence[Nudge], episodes: Sequence[Episode], minutes: Sequence[Rollup]
) -> Nudged:
    """The given ones among ``nudges``, with what the day's episodes and minutes say of the time after."""
    known = {m.start_ns: m for m in minutes}
    given = [n for n in nudges if n.given]
    seen = Counter(after(n, episodes, known) for n in given if n.kind is NudgeKind.POSTURE)
    return Nudged(
        changed=seen[After.CHANGED],
        went_on=seen[After.WENT_ON],
        unknown=seen[After.UNKNOWN],
        breaks=sum(n.kind is NudgeKind.BREAK for n in given),
        unfelt=sum(n.felt is False for n in given),
        held_s=tuple(n.held_s for n in given if n.held_s is not None),
        kept_back=tuple(Counter(n.kept_back for n in nudges if n.kept_back).most_common()),
    )


_TOO_LATE: Final = "A nudge is given while it happens. For what is still coming in it is too late."


def after(nudge: Nudge, episodes: Sequence[Episode], minutes: dict[int, Rollup]) -> After:
    """What came within a minute after a nudge: the end of its episode and then another known posture.

    ``minutes`` by their start. A run that never became an episode says nothing, unless the wearer was
    seen upright after it.
    """
    if nudge.after is Afterwards.UPRIGHT:
        return After.CHANGED
    until_ns = nudge.at_ns + MINUTE_NS
    run = next((e for e in episodes if e.start_ns <= nudge.at_ns <= _reach_ns(e)), None)
    if run is None:
        return After.UNKNOWN
    if run.end_ns > until_ns:
        return After.WENT_ON
    if run.ongoing:
        return After.UNKNOWN
    first_ns = run.end_ns - run.end_ns % MINUTE_NS
    other = any(_another(minutes.get(at_ns)) for at_ns in (first_ns, first_ns + MINUTE_NS))
    return After.CHANGED if other else After.UNKNOWN


def _reach_ns(episode: Episode) -> int:
    """An episode under way is written once a minute."""
    return episode.end_ns + (MINUTE_NS if episode.ongoing else 0)


def _another(minute: Rollup | None) -> bool:
    """Whether a posture other than rounded was told in the minute."""
    if minute is None:
        return False
    return any(
        seconds > 0 and posture not in {Posture.ROUNDED, Posture.UNKNOWN}
        for posture, seconds in minute.posture_s.items()
    )


def card(day: Nudged, *, on: bool, over: bool = False, late: bool = False, fading: str = "") -> str:
    """How many nudges there were and what came after.

    ``on``: nudges are on; ``over``: the day is past; ``late``: readings of earlier are still coming in;
    ``fading``: what :func:`fading_words` says.
    """
    so_far = "" if over else " so far"
    if day.posture:
        what = f"{text.count(day.posture, 'nudge')}{so_far}"
        more = _afterwards(day)
    elif on or over:
        what, more = f"None{so_far}", _TOO_LATE if on and late else ""
    else:
        what, more = "Nudges are off", "They can be switched on under Settings."
    if day.breaks:
        more = f"{more} {text.count(day.breaks, 'prompt')} to get up.".strip()
    more = " ".join(filter(None, (more, _held(day), _unfelt(day), _kept_back(day), fading)))
    return (
        '<section class="pl-card pl-nudged" aria-label="Nudges of the day">'
        f'<div class="pl-label">Nudges given</div><div class="what num">{escape(what)}</div>'
        f'<div class="more num">{escape(more)}</div></section>'
    )


def _afterwards(day: Nudged) -> str:
    """What was seen within a minute after the nudges, the unknown said too."""
    if day.changed:
        on = f" and went on after {day.went_on}" if day.went_on else ""
        known = f"Rounding ended within a minute after {day.changed}{on}."
    else:
        known = f"Rounding went on for more than a minute after {day.went_on}." * bool(day.went_on)
    unknown = f"What came after {day.unknown} is not known." * bool(day.unknown)
    return f"{known} {unknown}".strip()


def _held(day: Nudged) -> str:
    if not day.held_s:
        return ""
    middle_s = median(day.held_s)
    beyond = " or more" if middle_s >= HELD_MOST_S else ""
    return f"Upright for {text.duration(middle_s)}{beyond} after a nudge (median)."


def _unfelt(day: Nudged) -> str:
    return f"{text.count(day.unfelt, 'pulse')} did not reach the sensor." * bool(day.unfelt)


def _kept_back(day: Nudged) -> str:
    if not day.kept_back:
        return ""
    return f"Not given: {', '.join(f'{n} {_WHY[why]}' for why, n in day.kept_back)}."


def fading_words(settings: PostureSettings, found: Fading) -> str:
    """What holds today where nudges fade, and by what; empty where they do not."""
    if not (settings.nudges and settings.nudge_fading):
        return ""
    own_s = settings.nudge_after_s
    if found.after_s == own_s:
        if found.known < FEWEST:
            return f"Nudges do not fade yet: that takes {FEWEST} in the seven days before."
        return f"Nudges come after {text.duration(own_s)}, as set."
    return (
        f"Nudges come after {text.duration(found.after_s)} today instead of {text.duration(own_s)}: "
        f"upright again within a minute after {found.followed} of {found.known} nudges of the seven "
        "days before."
    )
