"""No nudges for a while: what holds now, and what may be wished. Pure."""

from __future__ import annotations

from html import escape
from typing import Final
from zoneinfo import ZoneInfo

from contracts.settings import NotNow
from contracts.units import NS_PER_S
from dashboard.look import clock

#: What is offered: long enough for a talk, a meal, a film.
WISHES_MIN: Final = (30, 60, 120)


def holds(wish: NotNow | None, now_ns: int) -> bool:
    """Whether there are no nudges now because the client said so."""
    return wish is not None and wish.start_ns <= now_ns < wish.end_ns


def until(wish: NotNow, zone: ZoneInfo) -> str:
    """Until when there are none."""
    at = escape(clock.clock_time(wish.end_ns, zone))
    return (
        f'<div class="pl" role="status"><b class="num">No nudges until {at}, as you said.</b></div>'
    )


def wished(minutes: int, now_ns: int) -> NotNow:
    """No nudges for so many minutes from now on."""
    return NotNow(start_ns=now_ns, end_ns=now_ns + minutes * 60 * NS_PER_S)
