"""Weeks of many people as the registry keeps them: what was shown once is shown for good. Pure."""

from __future__ import annotations

import msgspec

from contracts.errors import PlumblineError, Reason, StoreError
from dashboard.look.weeks import IsoWeek
from dashboard.office.team_model import Quartiles, TeamWeek
from store.people_ports import MadeWeek


class _Figures(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The JSON of a week: quartiles as [low, middle, high]."""

    people: int
    rounded_min_h: tuple[int, int, int]
    worn_h: tuple[int, int, int]


def to_keep(week: TeamWeek, made_ns: int, *, simulated: bool) -> MadeWeek:
    """A week with figures as a row. ValueError where it has none."""
    if week.people is None or week.rounded_min_h is None or week.worn_h is None:
        raise ValueError("a week without figures is not kept")
    figures = _Figures(week.people, _ordered(week.rounded_min_h), _ordered(week.worn_h))
    return MadeWeek(week.week.name, simulated, made_ns, msgspec.json.encode(figures).decode())


def from_kept(made: MadeWeek) -> TeamWeek:
    """The week of a row. StoreError where the row cannot be read."""
    try:
        figures = msgspec.json.decode(made.body, type=_Figures)
        week = IsoWeek.parse(made.week)
    except (msgspec.MsgspecError, PlumblineError) as error:
        raise StoreError(
            Reason.STORE_CORRUPT,
            f"The team's week {made.week[:20]} in the registry cannot be read: {str(error)[:200]}.",
            hint="Put back a copy of the registry.",
        ) from None
    return TeamWeek(
        week, figures.people, Quartiles(*figures.rounded_min_h), Quartiles(*figures.worn_h)
    )


def _ordered(found: Quartiles) -> tuple[int, int, int]:
    return found.low, found.middle, found.high
