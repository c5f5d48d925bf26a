"""The day's focus areas: what its episodes point to, ranked by the time that led there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.records import Episode, FocusArea


@dataclass(frozen=True, slots=True)
class DayFocus:
    """A focus area and the rounded time that led to it; ``share`` of the time in all episodes."""

    area: FocusArea
    exposure_s: float
    share: float
    episodes: int


def rank(episodes: Sequence[Episode]) -> list[DayFocus]:
    """Focus areas by rule, most exposed first. Exposure is each episode's rounded time × share."""
    exposure_s: dict[str, float] = {}
    areas: dict[str, FocusArea] = {}
    seen: dict[str, int] = {}
    for episode in episodes:
        for area in episode.focus:
            exposure_s[area.rule] = exposure_s.get(area.rule, 0.0) + episode.rounded_s * area.share
            areas[area.rule] = area
            seen[area.rule] = seen.get(area.rule, 0) + 1
    total_s = sum(episode.rounded_s for episode in episodes)
    order = sorted(areas, key=lambda rule: (-exposure_s[rule], rule))
    return [
        DayFocus(
            areas[rule],
            exposure_s[rule],
            min(1.0, exposure_s[rule] / total_s) if total_s else 0.0,
            seen[rule],
        )
        for rule in order
    ]
