"""The week's focus areas in the therapist's order, with the therapist's word on each. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from contracts.records import Episode, FocusArea
from dashboard.focus import rank
from store.people_ports import FocusEdit, Verdict

#: Longest note on an area.
MAX_NOTE: Final = 500


@dataclass(frozen=True, slots=True)
class ReviewedArea:
    """An area to assess: what led there, and the word in force on it (None: nobody said anything).

    ``exposure_s`` is rounded time × share over ``episodes``, ``share`` its part of all their rounded time.
    """

    area: FocusArea
    exposure_s: float
    share: float
    episodes: tuple[Episode, ...]
    edit: FocusEdit | None

    @property
    def verdict(self) -> Verdict:
        """The therapist's verdict; open where there is none."""
        return Verdict.OPEN if self.edit is None else self.edit.verdict

    @property
    def note(self) -> str:
        """The therapist's note, empty where there is none."""
        return "" if self.edit is None else self.edit.note


def reviewed(episodes: Sequence[Episode], edits: Sequence[FocusEdit]) -> tuple[ReviewedArea, ...]:
    """Areas by exposure, those that a therapist placed at their place, rejected ones at the end."""
    said = {edit.rule: edit for edit in edits}
    found = [
        ReviewedArea(
            entry.area,
            entry.exposure_s,
            entry.share,
            tuple(e for e in episodes if any(a.rule == entry.area.rule for a in e.focus)),
            said.get(entry.area.rule),
        )
        for entry in rank(episodes)
    ]
    kept = [area for area in found if area.verdict is not Verdict.REJECTED]
    placed = [area for area in kept if area.edit is not None and area.edit.place is not None]
    order = [area for area in kept if area.edit is None or area.edit.place is None]
    for area in sorted(placed, key=_place):
        order.insert(min(_place(area) - 1, len(order)), area)
    return (*order, *(area for area in found if area.verdict is Verdict.REJECTED))


def moved(areas: Sequence[ReviewedArea], rule: str, by: int) -> list[str]:
    """The rules of the kept areas in their new order, after ``rule`` goes ``by`` places down (up: < 0)."""
    order = [a.area.rule for a in areas if a.verdict is not Verdict.REJECTED]
    if rule not in order:
        return order
    at = order.index(rule)
    order.insert(min(max(at + by, 0), len(order) - 1), order.pop(at))
    return order


def _place(area: ReviewedArea) -> int:
    return 1 if area.edit is None or area.edit.place is None else max(1, area.edit.place)
