"""What was before and after a therapy session: a difference, how sure it is, and no word of a cause. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from dashboard.look import clock
from dashboard.week.day_statistics import MIN_DAY_S, DaySeconds, Difference, difference
from store.people_ports import TherapySession

#: So many worn days before a session are set against as many after it,
SIDE_DAYS: Final = 10
#: looked for within this many calendar days on either side. The day of the session is on neither.
REACH_DAYS: Final = 28
#: Sessions that are shown, the latest.
MAX_SESSIONS: Final = 6


@dataclass(frozen=True, slots=True)
class SessionEffect:
    """A session with the rounded minutes a worn hour of the worn days around it.

    ``difference`` is None where one side has no worn day. Sides of two sessions may overlap.
    """

    session: TherapySession
    day: date
    difference: Difference | None


def effects(
    sessions: Sequence[TherapySession], days: Mapping[date, DaySeconds], zone: ZoneInfo
) -> tuple[SessionEffect, ...]:
    """The latest sessions, latest first, each with its difference. ``days``: all there are, by date."""
    latest = sorted(sessions, key=lambda session: -session.at_ns)[:MAX_SESSIONS]
    return tuple(_effect(session, days, clock.day_of(session.at_ns, zone)) for session in latest)


def _effect(session: TherapySession, days: Mapping[date, DaySeconds], on: date) -> SessionEffect:
    before = _side(days, [on - timedelta(days=n) for n in range(1, REACH_DAYS + 1)])
    after = _side(days, [on + timedelta(days=n) for n in range(1, REACH_DAYS + 1)])
    return SessionEffect(session, on, difference(before, after))


def _side(days: Mapping[date, DaySeconds], nearest_first: Sequence[date]) -> list[DaySeconds]:
    worn = [days[day] for day in nearest_first if day in days and days[day].worn_s >= MIN_DAY_S]
    return worn[:SIDE_DAYS]
