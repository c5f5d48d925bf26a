"""The week's focus areas in the therapist's order, and what each word of the therapist's is kept as. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.errors import Reason, SettingError
from contracts.records import Episode, FocusArea
from dashboard.reading.focus import rank
from store.people_checks import MAX_NOTE
from store.people_ports import FocusEdit, Verdict


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


@dataclass(frozen=True, slots=True)
class Hand:
    """Whose word it is, on whom, and when."""

    wearer: str
    account: str
    at_ns: int

    def edit(
        self, area: ReviewedArea, *, verdict: Verdict, place: int | None, note: str
    ) -> FocusEdit:
        """A word on one area. A note is cut to what is kept of it."""
        return FocusEdit(
            self.wearer, area.area.rule, self.account, self.at_ns, verdict, place, note[:MAX_NOTE]
        )


def decided(
    areas: Sequence[ReviewedArea], rule: str, verdict: Verdict, hand: Hand
) -> list[FocusEdit]:
    """Accept, reject or leave open. What is rejected loses its place."""
    return [
        hand.edit(
            area,
            verdict=verdict,
            place=None if verdict is Verdict.REJECTED else _kept_place(area),
            note=area.note,
        )
        for area in areas
        if area.area.rule == rule
    ]


def noted(areas: Sequence[ReviewedArea], rule: str, note: str, hand: Hand) -> list[FocusEdit]:
    """Put a note on an area, or take it away."""
    return [
        hand.edit(area, verdict=area.verdict, place=_kept_place(area), note=note.strip())
        for area in areas
        if area.area.rule == rule
    ]


def reordered(areas: Sequence[ReviewedArea], rule: str, by: int, hand: Hand) -> list[FocusEdit]:
    """Move an area; from then on every area that is not rejected has a place of its own."""
    by_rule = {area.area.rule: area for area in areas}
    order = moved(areas, rule, by)
    return [
        hand.edit(by_rule[name], verdict=by_rule[name].verdict, place=n, note=by_rule[name].note)
        for n, name in enumerate(order, 1)
    ]


def restored(
    before: Sequence[ReviewedArea], edits: Sequence[FocusEdit], hand: Hand
) -> list[FocusEdit]:
    """What takes ``edits`` back: the words on those areas as they were ``before``."""
    rules = {edit.rule for edit in edits}
    return [
        hand.edit(area, verdict=area.verdict, place=_kept_place(area), note=area.note)
        for area in before
        if area.area.rule in rules
    ]


def check_standing(edits: Sequence[FocusEdit], now: Sequence[FocusEdit]) -> None:
    """SettingError where one of ``edits`` is no longer what is said ``now``: it is not this tab's to undo."""
    standing = {edit.rule: edit for edit in now}
    for edit in edits:
        last = standing.get(edit.rule)
        if last is None or _words(last) != _words(edit):
            raise SettingError(
                Reason.BAD_SETTING,
                "Somebody has said something else of this area since.",
                hint="It stays as it is now; change it here if it should be otherwise.",
            )


def _words(edit: FocusEdit) -> tuple[Verdict, int | None, str]:
    return edit.verdict, edit.place, edit.note


def _kept_place(area: ReviewedArea) -> int | None:
    return None if area.edit is None else area.edit.place
