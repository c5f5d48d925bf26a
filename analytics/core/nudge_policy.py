"""What keeps a reminder back: one table of reasons, first to last, and how many there were lately.

What a reason needs of a second is in :class:`NudgeSeconds`; the reasons and their order are
:class:`contracts.vocabulary.KeptBack`. All of it goes by the time of the data, not of the clock.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.core.zones import minutes_of_day
from contracts.settings import MAX_NUDGES_AN_HOUR, NotNow, PostureSettings
from contracts.units import NS_PER_S
from contracts.vocabulary import ACTIVITIES, Activity, KeptBack

HOUR_S: Final = 3600
#: Buzzing then helps nobody, or is dangerous.
DOING: Final = {
    Activity.DRIVING: KeptBack.DRIVING,
    Activity.WALKING: KeptBack.MOVING,
    Activity.STAIRS: KeptBack.MOVING,
    Activity.CARRYING: KeptBack.CARRYING,
    Activity.LYING: KeptBack.LYING,
    Activity.NOT_WORN: KeptBack.NOT_WORN,
}
#: Codes of :meth:`NudgePolicy.reasons`: 0 is none, i is REASONS[i - 1].
REASONS: Final = tuple(KeptBack)
_CODE: Final = {reason: code for code, reason in enumerate(REASONS, 1)}


@dataclass(frozen=True, slots=True, eq=False)
class NudgeSeconds:
    """What reminders are decided on, (n,) each.

    ``span_s``: how long the run of a rounded second has lasted, else 0; ``sure``: whether the run is told
    surely enough up to there; ``bent``: the lower trunk is bent forward beyond what a slump does.
    """

    second: NDArray[np.int64]
    span_s: NDArray[np.int32]
    sure: NDArray[np.bool_]
    upright: NDArray[np.bool_]
    bent: NDArray[np.bool_]
    activity: NDArray[np.uint8]


class NudgePolicy:
    """The reasons of one wearer, and the reminders of the last hour that they ask after."""

    def __init__(
        self, settings: PostureSettings, zone: tzinfo, not_now: NotNow | None = None
    ) -> None:
        doing = {a: _CODE[reason] for a, reason in DOING.items()}
        if settings.nudge_driving:
            del doing[Activity.DRIVING]
        self._doing = np.array([doing.get(a, 0) for a in ACTIVITIES], np.uint8)
        self._settings = settings
        self._zone = zone
        self._not_now = not_now
        self._pause_s = math.ceil(settings.nudge_pause_s)
        self._given_s: list[int] = []

    def reasons(self, of: NudgeSeconds) -> NDArray[np.uint8]:
        """(n,) codes of what keeps any reminder back at the end of each second."""
        at_s = of.second + 1
        doing = self._doing[of.activity]
        table: tuple[tuple[NDArray[np.bool_], NDArray[np.uint8] | int], ...] = (
            (self._quiet_hours(at_s), _CODE[KeptBack.QUIET]),
            (self._unwanted(at_s), _CODE[KeptBack.NOT_NOW]),
            (doing > 0, doing),
            (of.bent, _CODE[KeptBack.BENDING]),
        )
        found = np.zeros(at_s.size, np.uint8)
        for holds, code in table:
            found = np.where((found == 0) & holds, code, found).astype(np.uint8)
        return found

    def crowded(self, at_s: int) -> KeptBack | None:
        """Whether a posture nudge at ``at_s`` would be too soon after the one before, or too many."""
        if self._given_s and at_s - self._given_s[-1] < self._pause_s:
            return KeptBack.TOO_SOON
        most = self._settings.nudges_an_hour
        if len(self._given_s) >= most and at_s - self._given_s[-most] < HOUR_S:
            return KeptBack.TOO_MANY
        return None

    def given(self, at_s: int) -> None:
        """A nudge or a prompt was decided at ``at_s``."""
        recent = [given_s for given_s in self._given_s if at_s - given_s < HOUR_S]
        self._given_s = [*recent, at_s][-MAX_NUDGES_AN_HOUR:]

    def _quiet_hours(self, at_s: NDArray[np.int64]) -> NDArray[np.bool_]:
        first, end = self._settings.quiet_from_min, self._settings.quiet_until_min
        if first == end:
            return np.zeros(at_s.size, np.bool_)
        minute = minutes_of_day(at_s, self._zone)
        after, before = minute >= first, minute < end
        return after & before if first < end else after | before

    def _unwanted(self, at_s: NDArray[np.int64]) -> NDArray[np.bool_]:
        if self._not_now is None:
            return np.zeros(at_s.size, np.bool_)
        at_ns = at_s * NS_PER_S
        wish = self._not_now
        unwanted: NDArray[np.bool_] = (at_ns >= wish.start_ns) & (at_ns < wish.end_ns)
        return unwanted

    def state(self) -> list[int]:
        """The reminders of the last hour."""
        return list(self._given_s)

    def load(self, state: Sequence[int]) -> None:
        """Go on from :meth:`state`."""
        self._given_s = list(state)[-MAX_NUDGES_AN_HOUR:]
