"""What Today says of calibration: that there is none yet, or that the last one was refused. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from zoneinfo import ZoneInfo

from contracts.records import CalibrationOutcome
from contracts.vocabulary import Quality
from dashboard.look import text
from dashboard.look.clock import clock_time, day_of
from dashboard.reading.queries import Now


def card(
    outcomes: Sequence[CalibrationOutcome], state: Now, zone: ZoneInfo, *, now_ns: int, link: str
) -> str:
    """The one thing to do about calibration; empty where there is none.

    ``outcomes`` by effective time. ``link``: where to do it; empty for who may not.
    """
    last = outcomes[-1] if outcomes else None
    if last is not None and not last.accepted:
        day = text.day_name(day_of(last.effective_ns, zone), day_of(now_ns, zone))
        when = f"{day}, {clock_time(last.effective_ns, zone)}"
        before = any(outcome.accepted for outcome in outcomes)
        still = " The calibration before it stays in force." if before else ""
        return _card(
            "The last calibration was refused",
            f"{when}: {last.message} {last.hint}{still}",
            link,
            "Calibrate again",
        )
    if last is None and state.sensors and _unnamed(state):
        return _card(
            "Not calibrated yet",
            "Until the sensors know how you hold yourself upright, no posture is named. It takes about a minute.",
            link,
            "Calibrate now",
        )
    return ""


def _unnamed(state: Now) -> bool:
    """Whether the last second, if there is one, went without a calibration."""
    return state.moment is None or state.moment.frame.quality is Quality.UNCALIBRATED


def _card(what: str, more: str, link: str, do: str) -> str:
    led = f'<a class="pl-do" href="{escape(link)}" target="_self">{do}</a>' if link else ""
    return (
        '<div class="pl"><section class="pl-card pl-doubt" role="status" aria-label="Calibration">'
        f'<div class="what">{escape(what)}</div><div class="more">{escape(more)}</div>{led}'
        "</section></div>"
    )
