"""Who has which sensor at a moment. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from store.ports import Assignment


def worn_sensors(assignments: Iterable[Assignment], at_ns: int) -> set[str]:
    """The sensors that somebody wears at a moment."""
    return {
        a.sensor
        for a in assignments
        if a.start_ns <= at_ns and (a.end_ns is None or a.end_ns > at_ns)
    }
