"""Sustained rounded posture: runs of rounded seconds to episodes, with dwell and bridging.

=============  ========================================  =============================================
state          goes on                                   ends
=============  ========================================  =============================================
none           –                                         with the first rounded second: candidate
candidate      every second rounded                      any other second or a gap: none; at
                                                         ``candidate_s``: open
open           other seconds, fewer than ``bridge_s``    ``bridge_s`` of other seconds, or a gap
=============  ========================================  =============================================

An open run that spans ``episode_s`` is an episode: it is said then, once a minute as it grows, and when
it ends. One that is not sure enough on the whole is not said; it is looked at again every CHECK_S. Its
start is drawn where the way into it began: LEAD_S before it at most, seconds in which rounding was
possible, if not the likeliest. All sums are of whole hundredths, so they are the same wherever the data
was cut.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analytics.core.focus import LONG_SEATED, SEATED, FocusTable
from analytics.core.patterns import PATTERNS
from analytics.core.runs import follows, run_length
from contracts.records import Episode, FocusArea
from contracts.settings import PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import ACTIVITIES, Activity, Pattern

GROWTH_S: Final = 60
CHECK_S: Final = 5
#: A therapist draws the onset where the trunk goes into the slump; it settles within so long.
LEAD_S: Final = 4
#: Mean confidence, in hundredths, from which a run is an episode. One sensor alone is seldom sure, since
#: rounding and leaning at the hip look alike to it: there only what is plainly something else is left out.
SURE_C: Final = 60
SURE_ALONE_C: Final = 25

#: An episode and the second at which it was said.
Said = tuple[int, Episode]

_WORDS: Final = {
    Pattern.UPPER_THORACIC: "mostly in the upper back",
    Pattern.FORWARD_HEAD: "with the head bent forward",
    Pattern.COLLAPSED_CHEST: "with the chest collapsed onto the lower ribs",
    Pattern.LUMBAR_SLUMP: "with the pelvis rolled back",
    Pattern.UNSPECIFIED: "though the sensors worn cannot say where",
}
_DOING: Final = {
    Activity.SITTING: "while sitting",
    Activity.TYPING: "while typing",
    Activity.DRIVING: "while driving",
    Activity.STANDING: "while standing",
    Activity.WALKING: "while walking",
    Activity.STAIRS: "on stairs",
    Activity.CARRYING: "while carrying",
}


@dataclass(frozen=True, slots=True, eq=False)
class RoundedSeconds:
    """What episodes are made of, (n,) each: whole hundredths of degrees and confidence.

    ``sure_c``: the confidence that is asked for, SURE_C or SURE_ALONE_C; ``possible``: rounding was
    possible, whatever was likeliest.
    """

    second: NDArray[np.int64]
    rounded: NDArray[np.bool_]
    flexion_cdeg: NDArray[np.int64]
    confidence_c: NDArray[np.int64]
    sure_c: NDArray[np.int64]
    possible: NDArray[np.bool_]
    activity: NDArray[np.uint8]
    pattern: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class RunSeconds:
    """Of each second, (n,): the span in s of its rounded run up to it, 0 where it is not rounded; and
    whether that run is sure enough up to it, as is asked of an episode.
    """

    span_s: NDArray[np.int32]
    sure: NDArray[np.bool_]


@dataclass(slots=True)
class _Run:
    """A run of rounded seconds under way; ``lead_s`` before ``start_s`` were on the way into it."""

    start_s: int
    lead_s: int
    last_s: int
    rounded_s: int = 0
    flexion_cdeg: int = 0
    peak_cdeg: int = -(2**31)
    confidence_c: int = 0
    sure_c: int = 0
    activity_s: list[int] = field(default_factory=lambda: [0] * len(ACTIVITIES))
    pattern_s: list[int] = field(default_factory=lambda: [0] * len(PATTERNS))
    open: bool = False
    said_s: int = 0  # the span at which it was said last, 0: not yet
    due_s: int = 0  # the span at which it is looked at next
    return_s: int = 0  # other seconds since the last rounded one

    @classmethod
    def begin(cls, second: int, lead_s: int) -> _Run:
        return cls(start_s=second, lead_s=lead_s, last_s=second - 1)

    @property
    def begin_s(self) -> int:
        """Where a therapist would draw its start."""
        return self.start_s - self.lead_s

    @property
    def span_s(self) -> int:
        return self.last_s + 1 - self.begin_s

    @property
    def sure(self) -> bool:
        return self.confidence_c >= self.sure_c

    def sure_along(self, block: RoundedSeconds, first: int, stop: int) -> NDArray[np.bool_]:
        """Whether it will be sure up to each of its next seconds, [first, stop)."""
        lacking = block.sure_c[first:stop] - block.confidence_c[first:stop]
        return np.cumsum(lacking) <= self.confidence_c - self.sure_c


class EpisodeDetector:
    """Seconds in, episodes out, and how long each rounded second's run has lasted."""

    def __init__(self, settings: PostureSettings, focus_table: FocusTable) -> None:
        self.settings = settings
        self.focus_table = focus_table
        self._candidate_s = math.ceil(settings.candidate_s)
        self._episode_s = max(self._candidate_s, math.ceil(settings.episode_s))
        self._bridge_s = max(1, math.ceil(settings.bridge_s))
        self._run: _Run | None = None
        self._previous_s = -1
        self._possible_s = 0  # how long rounding was possible, but not said, up to the last second

    def update(self, block: RoundedSeconds) -> tuple[list[Said], RunSeconds]:
        """Episodes said in a non-empty block, and the runs that its seconds are of."""
        connected = follows(block.second, self._previous_s)
        edge = np.flatnonzero(~connected[1:] | (block.rounded[1:] != block.rounded[:-1])) + 1
        edges = [0, *edge.tolist(), block.second.size]
        possible_s = run_length(block.possible & ~block.rounded, connected, self._possible_s)
        lead_s = np.concatenate([[self._possible_s], possible_s])
        span_s = np.zeros(block.second.size, np.int32)
        sure = np.zeros(block.second.size, np.bool_)
        said: list[Said] = []
        for first, last in pairwise(edges):
            if not connected[first]:
                said.extend((int(block.second[first]), episode) for episode in self.end())
            if block.rounded[first]:
                before_s = min(int(lead_s[first]), LEAD_S) if connected[first] else 0
                run = self._run = self._run or _Run.begin(int(block.second[first]), before_s)
                sure[first:last] = run.sure_along(block, first, last)
                said.extend(self._go_on(run, block, first, last))
                span_s[first:last] = block.second[first:last] + 1 - run.start_s
            else:
                said.extend(self._return(block, first, last))
        self._previous_s, self._possible_s = int(block.second[-1]), int(possible_s[-1])
        return said, RunSeconds(span_s, sure)

    def end(self) -> list[Episode]:
        """The wearer's data stops here: the episode under way, if it is one, ends."""
        run, self._run = self._run, None
        if run is None or not (run.said_s or (run.span_s >= self._episode_s and run.sure)):
            return []
        return [self._episode(run, ongoing=False)]

    def _go_on(self, run: _Run, block: RoundedSeconds, first: int, last: int) -> list[Said]:
        run.return_s = 0
        said: list[Said] = []
        while first < last:
            due_s = max(run.due_s, self._episode_s)
            due = first + max(0, run.begin_s + due_s - 1 - int(block.second[first]))
            stop = min(last, due + 1)
            _add(run, block, first, stop)
            if run.span_s >= due_s:
                run.due_s = run.span_s + CHECK_S
                if run.said_s or run.sure:
                    run.said_s, run.due_s = run.span_s, run.span_s + GROWTH_S
                    said.append((run.last_s, self._episode(run, ongoing=True)))
            first = stop
        run.open = run.open or run.span_s - run.lead_s >= self._candidate_s
        return said

    def _return(self, block: RoundedSeconds, first: int, last: int) -> list[Said]:
        run = self._run
        if run is None:
            return []
        ends_at = first + (self._bridge_s - run.return_s if run.open else 1) - 1
        if ends_at >= last:
            run.return_s += last - first
            return []
        # A shorter bridge set meanwhile may have passed before this block.
        ends_at = max(ends_at, first)
        return [(int(block.second[ends_at]), episode) for episode in self.end()]

    def _episode(self, run: _Run, *, ongoing: bool) -> Episode:
        pattern = PATTERNS[_most(run.pattern_s)]
        activity = ACTIVITIES[_most(run.activity_s)]
        mean_deg = round(run.flexion_cdeg / run.rounded_s / 100, 2)
        return Episode(
            start_ns=run.begin_s * NS_PER_S,
            end_ns=(run.last_s + 1) * NS_PER_S,
            pattern=pattern,
            activity=activity,
            mean_flexion_deg=mean_deg,
            peak_flexion_deg=run.peak_cdeg / 100,
            rounded_s=run.rounded_s,
            confidence=round(run.confidence_c / run.rounded_s / 100, 2),
            ongoing=ongoing,
            explanation=_explain(run, pattern, activity, mean_deg),
            focus=self._focus(run),
        )

    def _focus(self, run: _Run) -> tuple[FocusArea, ...]:
        share_of = {
            pattern.value: seconds / run.rounded_s
            for pattern, seconds in zip(PATTERNS, run.pattern_s, strict=True)
        }
        seated_s = sum(s for a, s in zip(ACTIVITIES, run.activity_s, strict=True) if a in SEATED)
        if seated_s >= self.settings.break_after_s:
            share_of[LONG_SEATED] = seated_s / run.rounded_s
        return self.focus_table.areas(share_of)

    def state(self) -> dict[str, Any]:
        """All there is to know to go on, as plain values."""
        run = self._run
        fields = None if run is None else {name: getattr(run, name) for name in _Run.__slots__}
        return {"previous_s": self._previous_s, "possible_s": self._possible_s, "run": fields}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state`."""
        self._previous_s = state["previous_s"]
        self._possible_s = state["possible_s"]
        self._run = None if state["run"] is None else _Run(**state["run"])


def _add(run: _Run, block: RoundedSeconds, first: int, stop: int) -> None:
    """Rounded seconds [first, stop) join the run."""
    run.rounded_s += stop - first
    run.last_s = int(block.second[stop - 1])
    run.flexion_cdeg += int(block.flexion_cdeg[first:stop].sum())
    run.peak_cdeg = max(run.peak_cdeg, int(block.flexion_cdeg[first:stop].max()))
    run.confidence_c += int(block.confidence_c[first:stop].sum())
    run.sure_c += int(block.sure_c[first:stop].sum())
    for counts, codes in ((run.activity_s, block.activity), (run.pattern_s, block.pattern)):
        for code, seconds in enumerate(np.bincount(codes[first:stop]).tolist()):
            counts[code] += seconds


def _most(counts: list[int]) -> int:
    """The code with most seconds; the first of equals."""
    return counts.index(max(counts))


def _explain(run: _Run, pattern: Pattern, activity: Activity, mean_deg: float) -> str:
    minutes, seconds = divmod(run.span_s, 60)
    length = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    doing = f" {_DOING[activity]}" if activity in _DOING else ""
    bridged_s = run.span_s - run.lead_s - run.rounded_s
    returns = f"; short returns of {bridged_s} s in all are bridged" if bridged_s else ""
    return (
        f"Rounded for {length}{doing}, by {mean_deg:.0f}° on average and {run.peak_cdeg / 100:.0f}° at "
        f"most, {_WORDS[pattern]}{returns}."
    )
