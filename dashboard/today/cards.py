"""The posture of this moment and the day's numbers, as small pieces of HTML. Pure."""

from __future__ import annotations

from html import escape
from typing import Final
from zoneinfo import ZoneInfo

from contracts.settings import PostureSettings
from contracts.vocabulary import Activity, Posture, Quality
from dashboard.look import clock, text
from dashboard.look.theme import POSTURE_COLOUR
from dashboard.reading.freshness import Moment
from dashboard.reading.queries import Now, Numbers

#: The gauge's end; flexion beyond it fills the bar.
_GAUGE_DEG: Final = 45.0


def now(state: Now, zone: ZoneInfo) -> str:
    """The posture of this moment; what is not known is said, and nothing is called good for it."""
    moment = state.moment
    if moment is None:
        return _now_card(
            "Waiting for data", "", "The posture shows here within seconds of the first reading."
        )
    if not moment.current:
        seen = _what(moment)
        at = clock.clock_time(moment.frame.start_ns, zone)
        note = (
            f"Last seen at {at}: {seen.lower()}."
            if moment.worn
            else f"Not worn when last seen at {at}."
        )
        return _now_card("Not known now", "", note)
    if not moment.worn:
        return _now_card(
            "Not worn", _held(moment), "Time not worn counts as unknown, never as good posture."
        )
    return _now_card(
        _what(moment),
        _held(moment),
        _more(moment),
        POSTURE_COLOUR[moment.frame.posture],
        _gauge(moment, state.settings),
    )


def _what(moment: Moment) -> str:
    return text.POSTURE[moment.frame.posture] if moment.worn else text.ACTIVITY[Activity.NOT_WORN]


def _held(moment: Moment) -> str:
    if moment.held_s is None:
        return "for how long is not known yet"
    least = "at least " if moment.at_least and moment.held_s >= 60 else ""
    return f"for {least}{text.duration(moment.held_s)}"


def _more(moment: Moment) -> str:
    frame = moment.frame
    parts = []
    if frame.activity is not Activity.UNKNOWN:
        source = text.SOURCE[frame.activity_source]
        parts.append(text.ACTIVITY[frame.activity] + (f", {source}" if source else ""))
    else:
        parts.append("Activity not known")
    if frame.posture is not Posture.UNKNOWN:
        parts.append(f"{text.confidence(frame.confidence)} ({text.percent(frame.confidence, 1.0)})")
    if frame.missing:
        parts.append("no readings from " + ", ".join(text.PLACEMENT[p] for p in frame.missing))
    if frame.quality is Quality.UNCALIBRATED:
        parts.append("not calibrated yet")
    return " · ".join(parts)


def _now_card(
    what: str, held: str, more: str, colour: str = POSTURE_COLOUR[Posture.UNKNOWN], gauge: str = ""
) -> str:
    held_html = f'<div class="held num">{escape(held)}</div>' if held else ""
    return (
        f'<section class="pl-card pl-now" style="--posture:{colour}" aria-label="Posture now">'
        f'<div class="pl-label">Posture now</div><div class="what">{escape(what)}</div>{held_html}'
        f'{gauge}<div class="more">{escape(more)}</div></section>'
    )


def _gauge(moment: Moment, settings: PostureSettings) -> str:
    """Trunk flexion between upright and the gauge's end, with the person's own marks, which decide nothing."""
    frame = moment.frame
    deg, name = frame.trunk_flexion_deg, "Trunk flexion"
    if deg is None:
        deg, name = frame.thorax_flexion_deg, "Upper trunk inclination"
    if deg is None:
        return ""
    marks = "".join(
        f'<span class="tick" style="left:{_share(at)}"></span>'
        f'<span class="mark num" style="left:{_share(at)}">{at:.0f}°</span>'
        for at in (settings.rounded_warn_deg, settings.rounded_high_deg)
    )
    return (
        f'<div class="pl-gauge"><div class="pl-label">{name} <span class="num">{text.degrees(deg)}</span></div>'
        f'<div class="track"><div class="fill" style="width:{_share(deg)}"></div></div>{marks}</div>'
    )


def _share(deg: float) -> str:
    return f"{100 * min(max(deg, 0.0), _GAUGE_DEG) / _GAUGE_DEG:.1f}%"


def numbers(day: Numbers) -> str:
    """Worn time, rounded time, episodes, longest: four cards."""
    rounded = (
        text.duration(day.rounded_s),
        f"{text.percent(day.rounded_s, day.worn_s)} of worn time",
    )
    if day.worn_s and not any(s for p, s in day.posture_s.items() if p is not Posture.UNKNOWN):
        rounded = "–", "no posture could be told"
    longest = text.duration(day.longest_s) if day.episodes else "–"
    cells = (
        ("Worn", text.duration(day.worn_s), "time not worn is not counted"),
        ("Rounded", *rounded),
        ("Episodes", str(day.episodes), "of sustained rounding"),
        ("Longest episode", longest, "in one stretch" if day.episodes else "none so far"),
    )
    return (
        '<div class="pl-numbers">'
        + "".join(
            f'<div class="pl-card pl-number"><div class="pl-label">{label}</div>'
            f'<div class="big num">{escape(big)}</div><div class="sub">{escape(sub)}</div></div>'
            for label, big, sub in cells
        )
        + "</div>"
    )


def top(state: Now | None, zone: ZoneInfo, day: Numbers) -> str:
    """The posture now (of today only) beside the day's numbers."""
    if state is None:
        return f'<div class="pl pl-wide">{numbers(day)}</div>'
    return f'<div class="pl"><div class="pl-top">{now(state, zone)}{numbers(day)}</div></div>'


def waiting(state: Now, zone: ZoneInfo) -> str:
    """The posture now beside the word that nothing of the day is there yet, while it is on its way."""
    coming = (
        '<section class="pl-card pl-coming" aria-label="Today so far"><div class="pl-label">Today so far</div>'
        '<div class="what">On its way</div><div class="more">What the sensors kept arrives in the order in which '
        "it was measured. Time worn, rounding and episodes of today show here by themselves.</div></section>"
    )
    return f'<div class="pl"><div class="pl-top">{now(state, zone)}{coming}</div></div>'


def second(goal: str, nudges: str) -> str:
    """The cards of the goal and of the nudges beside each other."""
    return f'<div class="pl"><div class="pl-second">{goal}{nudges}</div></div>'
