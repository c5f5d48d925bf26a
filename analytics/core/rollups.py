"""Seconds to minutes and to days in the wearer's time zone.

Each update gives the minutes and days it touched, as they stand; a later row replaces an earlier one of
the same start. An episode counts in the minute and day in which it was recognised.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analytics.core.zones import MINUTE_S, day_of, zone_of
from contracts.records import Episode, Rollup
from contracts.units import NS_PER_S
from contracts.vocabulary import ACTIVITIES, POSTURES, Activity, Posture

_ROUNDED: Final = POSTURES.index(Posture.ROUNDED)
_NOT_WORN: Final = ACTIVITIES.index(Activity.NOT_WORN)


@dataclass(frozen=True, slots=True, eq=False)
class CountedSeconds:
    """What rollups count, (n,) each; ``curl_cdeg`` is valid where ``has_curl``."""

    second: NDArray[np.int64]
    posture: NDArray[np.uint8]
    activity: NDArray[np.uint8]
    curl_cdeg: NDArray[np.int64]
    has_curl: NDArray[np.bool_]


@dataclass(slots=True)
class _Span:
    """A minute or day under way: [start_s, end_s)."""

    start_s: int
    end_s: int
    posture_s: list[int]
    activity_s: list[int]
    rounded_activity_s: list[int]
    curl_cdeg: int = 0
    curl_s: int = 0
    episodes: int = 0
    longest_episode_s: int = 0

    @classmethod
    def begin(cls, start_s: int, end_s: int) -> _Span:
        return cls(
            start_s, end_s, [0] * len(POSTURES), [0] * len(ACTIVITIES), [0] * len(ACTIVITIES)
        )

    def add(self, block: CountedSeconds, first: int, stop: int) -> None:
        """Count seconds [first, stop) of the block."""
        posture, activity = block.posture[first:stop], block.activity[first:stop]
        _count(self.posture_s, posture)
        _count(self.activity_s, activity)
        _count(self.rounded_activity_s, activity[posture == _ROUNDED])
        self.curl_cdeg += int(block.curl_cdeg[first:stop].sum())
        self.curl_s += int(block.has_curl[first:stop].sum())

    def rollup(self) -> Rollup:
        """The span as it stands."""
        mean_deg = round(self.curl_cdeg / self.curl_s / 100, 2) if self.curl_s else None
        return Rollup(
            start_ns=self.start_s * NS_PER_S,
            worn_s=sum(self.activity_s) - self.activity_s[_NOT_WORN],
            posture_s=_named(POSTURES, self.posture_s),
            activity_s=_named(ACTIVITIES, self.activity_s),
            rounded_activity_s=_named(ACTIVITIES, self.rounded_activity_s),
            mean_trunk_flexion_deg=mean_deg,
            episodes=self.episodes,
            longest_episode_s=self.longest_episode_s,
        )


class RollupCounter:
    """Seconds and episodes in, minutes and days out."""

    def __init__(self, timezone: str) -> None:
        self._zone = zone_of(timezone)
        self._minute: _Span | None = None
        self._day: _Span | None = None
        self._counted_episode_ns = -1  # start of the episode that was counted last

    def update(
        self, block: CountedSeconds, said: Sequence[tuple[int, Episode]]
    ) -> tuple[list[Rollup], list[Rollup]]:
        """Minutes and days that a non-empty block touched.

        ``said``: episodes with the second, of this block, at which they were said, in order.
        """
        events = [(at_s, e, self._is_new(e)) for at_s, e in said]
        minutes, self._minute = self._advance(self._minute, block, events, self._minute_of)
        days, self._day = self._advance(self._day, block, events, self._day_of)
        return minutes, days

    def finish(self, said: Sequence[Episode]) -> tuple[list[Rollup], list[Rollup]]:
        """The minute and day under way, with episodes said after the last second."""
        rows: tuple[list[Rollup], list[Rollup]] = ([], [])
        events = [(e, self._is_new(e)) for e in said]
        for span, out in zip((self._minute, self._day), rows, strict=True):
            if span is None or not events:
                continue
            for episode, new in events:
                _note(span, episode, new)
            out.append(span.rollup())
        return rows

    def _is_new(self, episode: Episode) -> bool:
        new = episode.start_ns != self._counted_episode_ns
        self._counted_episode_ns = episode.start_ns
        return new

    def _advance(
        self,
        span: _Span | None,
        block: CountedSeconds,
        events: Sequence[tuple[int, Episode, bool]],
        span_of: Any,
    ) -> tuple[list[Rollup], _Span | None]:
        rows: list[Rollup] = []
        first, size, pending = 0, block.second.size, list(events)
        while first < size:
            second = int(block.second[first])
            if span is None or second >= span.end_s:
                span = _Span.begin(*span_of(second))
            stop = int(np.searchsorted(block.second, span.end_s))
            span.add(block, first, stop)
            while pending and pending[0][0] < span.end_s:
                _, episode, new = pending.pop(0)
                _note(span, episode, new)
            rows.append(span.rollup())
            first = stop
        return rows, span

    @staticmethod
    def _minute_of(second: int) -> tuple[int, int]:
        start_s = second - second % MINUTE_S
        return start_s, start_s + MINUTE_S

    def _day_of(self, second: int) -> tuple[int, int]:
        return day_of(second, self._zone)

    def state(self) -> dict[str, Any]:
        """All there is to know to go on, as plain values."""
        return {
            "minute": _span_state(self._minute),
            "day": _span_state(self._day),
            "counted_episode_ns": self._counted_episode_ns,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state`."""
        self._minute = None if state["minute"] is None else _Span(**state["minute"])
        self._day = None if state["day"] is None else _Span(**state["day"])
        self._counted_episode_ns = state["counted_episode_ns"]


def _note(span: _Span, episode: Episode, new: bool) -> None:
    span.episodes += new
    length_s = (episode.end_ns - episode.start_ns) // NS_PER_S
    span.longest_episode_s = max(span.longest_episode_s, length_s)


def _count(counts: list[int], codes: NDArray[np.uint8]) -> None:
    for code, seconds in enumerate(np.bincount(codes).tolist()):
        counts[code] += seconds


def _named(names: Sequence[Any], counts: Sequence[int]) -> dict[Any, int]:
    return {name: seconds for name, seconds in zip(names, counts, strict=True) if seconds}


def _span_state(span: _Span | None) -> dict[str, Any] | None:
    return None if span is None else {name: getattr(span, name) for name in _Span.__slots__}
