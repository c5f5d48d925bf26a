"""The nudge delays of those who let nudges fade: by what is stored of the week before, once a day each."""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from analytics.roster import Roster, WearerPlan
from contracts.fading import faded, fading_window_ns
from contracts.units import NS_PER_S
from store.ports import SeriesStore

#: Whether somebody's day has begun is looked at this often; only a new day asks the store.
LOOK_EVERY_NS: Final = 600 * NS_PER_S


class FadedDelays:
    """Puts the delay of today in the place of a wearer's own, where the wearer lets nudges fade."""

    def __init__(self, store: SeriesStore) -> None:
        self._store = store
        self._known: dict[str, tuple[tuple[float, int, int], float]] = {}
        self._look_ns = 0

    def due(self, now_ns: int) -> bool:
        """Whether somebody's day may have begun since :meth:`apply`."""
        return bool(self._known) and now_ns >= self._look_ns

    def apply(self, roster: Roster, now_ns: int) -> Roster:
        """The roster with the delays of today. StoreError where the store cannot say."""
        self._look_ns = now_ns + LOOK_EVERY_NS
        fading = {w for w, plan in roster.wearers.items() if plan.settings.nudge_fading}
        self._known = {w: known for w, known in self._known.items() if w in fading}
        plans = {w: self._faded(p, now_ns) if w in fading else p for w, p in roster.wearers.items()}
        return replace(roster, wearers=plans)

    def _faded(self, plan: WearerPlan, now_ns: int) -> WearerPlan:
        own_s = plan.settings.nudge_after_s
        window_ns = fading_window_ns(now_ns, ZoneInfo(plan.timezone))
        key = (own_s, *window_ns)
        known = self._known.get(plan.wearer)
        if known is None or known[0] != key:
            after_s = faded(own_s, self._store.nudges(plan.wearer, *window_ns)).after_s
            known = self._known[plan.wearer] = (key, after_s)
        settings = msgspec.structs.replace(plan.settings, nudge_after_s=known[1])
        return replace(plan, settings=settings)
