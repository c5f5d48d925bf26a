"""What the client or an agent said the wearer does, laid over what the trunk told."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from analytics.core.results import ContextMark
from contracts.units import NS_PER_S
from contracts.vocabulary import ACTIVITIES, ACTIVITY_SOURCES, Activity

MAX_MARKS: Final = 64


class Marks:
    """Marks that hold for seconds not yet labelled."""

    def __init__(self) -> None:
        self._marks: list[ContextMark] = []

    def add(self, mark: ContextMark) -> None:
        """One more; beyond MAX_MARKS the first one added is forgotten."""
        self._marks = [*self._marks, mark][-MAX_MARKS:]

    def apply(
        self, second: NDArray[np.int64], activity: NDArray[np.uint8], source: NDArray[np.uint8]
    ) -> None:
        """Replace what a mark speaks of, (n,) each, but not_worn; a mark holds until the next one."""
        worn = activity != ACTIVITIES.index(Activity.NOT_WORN)
        marks = sorted(self._marks, key=lambda m: m.start_ns)
        for mark, following in zip_longest(marks, marks[1:]):
            if mark.activity is Activity.UNKNOWN:
                continue
            end_ns = mark.end_ns if following is None else following.start_ns
            if mark.end_ns is not None and following is not None:
                end_ns = min(mark.end_ns, following.start_ns)
            inside = worn & (second * NS_PER_S >= mark.start_ns)
            if end_ns is not None:
                inside &= second * NS_PER_S < end_ns
            activity[inside] = ACTIVITIES.index(mark.activity)
            source[inside] = ACTIVITY_SOURCES.index(mark.source)
        self._marks = _still_needed(marks, int(second[-1]) * NS_PER_S)

    def state(self) -> list[Any]:
        """Plain values."""
        return [msgspec.to_builtins(mark) for mark in self._marks]

    def load(self, state: list[Any]) -> None:
        """Go on from :meth:`state`."""
        self._marks = [msgspec.convert(mark, ContextMark) for mark in state]


def _still_needed(marks: list[ContextMark], now_ns: int) -> list[ContextMark]:
    """Marks without those that ended, or that a later one replaced, before ``now_ns``."""
    kept = []
    for mark, following in zip_longest(marks, marks[1:]):
        replaced = following is not None and following.start_ns <= now_ns
        ended = mark.end_ns is not None and mark.end_ns <= now_ns
        if not (replaced or ended):
            kept.append(mark)
    return kept
