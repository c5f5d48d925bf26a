"""How much later nudges come the more of them were followed by sitting up. Pure, from stored rows.

Analytics decides by it and the dashboard explains it, so it stands here once. It goes by whole days of the
wearer's own calendar: what was stored of the seven days before today, however the data came in. That sitting
up came after a nudge is all that is counted, not that the nudge did it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from typing import Final

from contracts.records import Nudge
from contracts.settings import MAX_NUDGE_AFTER_S
from contracts.units import NS_PER_S
from contracts.vocabulary import Afterwards, NudgeKind

FADING_DAYS: Final = 7
#: Fewer nudges say nothing of how somebody takes them.
FEWEST: Final = 10
#: Up to this share nothing changes; from there on the delay grows evenly, to MOST_TIMES of itself.
FROM_SHARE: Final = 0.5
MOST_TIMES: Final = 3.0


@dataclass(frozen=True, slots=True)
class Fading:
    """The delay in force; ``followed`` of the ``known`` nudges were followed by sitting up."""

    after_s: float
    followed: int
    known: int


def fading_window_ns(now_ns: int, zone: tzinfo) -> tuple[int, int]:
    """[start, end) of the days that count on the day of ``now_ns``: the seven before it, in ``zone``."""
    today = datetime.fromtimestamp(now_ns // NS_PER_S, zone).date()
    first, end = (
        datetime.combine(day, time(), zone) for day in (today - timedelta(FADING_DAYS), today)
    )
    return int(first.timestamp()) * NS_PER_S, int(end.timestamp()) * NS_PER_S


def faded(nudge_after_s: float, nudges: Iterable[Nudge]) -> Fading:
    """The delay after the nudges of those days. Whole seconds where it is longer, MAX_NUDGE_AFTER_S at most."""
    seen = [
        n.after
        for n in nudges
        if n.given and n.kind is NudgeKind.POSTURE and n.after not in (None, Afterwards.UNKNOWN)
    ]
    followed = sum(after is Afterwards.UPRIGHT for after in seen)
    if len(seen) < FEWEST:
        return Fading(nudge_after_s, followed, len(seen))
    beyond = max(0.0, followed / len(seen) - FROM_SHARE) / (1 - FROM_SHARE)
    longer_s = float(round(nudge_after_s * (1 + (MOST_TIMES - 1) * beyond)))
    after_s = min(max(nudge_after_s, longer_s), MAX_NUDGE_AFTER_S)
    return Fading(after_s, followed, len(seen))
