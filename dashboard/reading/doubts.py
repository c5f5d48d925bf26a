"""A sensor that cannot be believed now: which, since when, and what to do. One calm card."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Final
from zoneinfo import ZoneInfo

from contracts.doubts import Doubt, doubts_of
from contracts.records import FRAME_NS, FrameBlock
from contracts.units import NS_PER_S
from contracts.vocabulary import Quality
from dashboard.look import text
from dashboard.look.clock import clock_time

#: A trouble that ended this long ago is still said, so that the card does not come and go.
_STILL_NS: Final = 10 * NS_PER_S
#: A sensor that trembles at the edge of its range for a moment is no news.
_WORTH_SAYING_S: Final = 10
_LASTING: Final = frozenset({Quality.STUCK, Quality.SLIPPED, Quality.SWAPPED})
#: What happened at a moment rather than goes on.
_AT: Final = frozenset({Quality.SLIPPED, Quality.SWAPPED})
_UNTIL: Final = {
    Quality.LOSING: "What does arrive is used, with less certainty.",
    Quality.SATURATED: "Such seconds are less certain.",
    Quality.STUCK: "The posture comes from the other sensors.",
    Quality.SLIPPED: "Until then the posture is much less certain.",
    Quality.SWAPPED: "Until then the posture is much less certain.",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """The worst trouble at the end of some frames. ``at_least``: it began before the first of them."""

    doubt: Doubt
    at_least: bool


def standing(frames: FrameBlock) -> Standing | None:
    """What to say of a wearer whose last frames these are; None where all is well."""
    if not len(frames):
        return None
    now_ns = int(frames.start_ns[-1]) + FRAME_NS
    worst = None
    for doubt in doubts_of(frames):
        worth = doubt.quality in _LASTING or doubt.seconds >= _WORTH_SAYING_S
        if worth and doubt.placements and now_ns - doubt.end_ns <= _STILL_NS:
            worst = doubt if worst is None else max(worst, doubt, key=_badness)
    if worst is None:
        return None
    return Standing(worst, at_least=worst.start_ns == int(frames.start_ns[0]))


def card(found: Standing, zone: ZoneInfo) -> str:
    """What is wrong, since when, and what to do."""
    doubt = found.doubt
    names = tuple(text.PLACEMENT[p] for p in doubt.placements)
    word = "since before" if found.at_least else "at" if doubt.quality in _AT else "since"
    title = f"{doubt.what(names)} {word} {clock_time(doubt.start_ns, zone)}"
    return (
        '<div class="pl"><section class="pl-card pl-doubt" role="status" aria-label="A sensor">'
        f'<div class="what num">{escape(title)}</div>'
        f'<div class="more">{escape(doubt.advice)} {escape(_UNTIL[doubt.quality])}</div>'
        "</section></div>"
    )


def _badness(doubt: Doubt) -> int:
    return list(Quality).index(doubt.quality)
