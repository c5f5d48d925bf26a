"""View models as small pieces of HTML. Pure; every word that comes from data is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from html import escape
from typing import Final
from zoneinfo import ZoneInfo

from contracts.errors import PlumblineError
from contracts.records import Episode, FocusArea
from contracts.units import NS_PER_S
from dashboard.look import clock, text
from dashboard.look.safety import Muscle, muscle, safety
from dashboard.look.theme import ACTIVITY_COLOUR, POSTURE_COLOUR
from dashboard.reading.focus import DayFocus
from dashboard.reading.freshness import News
from dashboard.reading.queries import Day, Numbers, Person, Sensor, Timeline

_RETRY: Final = "This page tries again by itself every few seconds."
NO_EPISODE: Final = (
    "In the time worn, no rounding was held long enough to count as an episode.",
    "Time not worn is unknown.",
)
SENSOR_STATE: Final = {
    "absent": "out of reach",
    "backing_off": "out of reach, trying again",
    "preparing": "connecting",
    "ended": "switched off",
    "holding": "waiting for room",
    "offline": "gateway offline",
    "stopped": "gateway stopped",
    "unknown": "not seen yet",
}
#: A sensor of which readings were due, and neither they nor a word of its gateway have come.
NOT_HEARD: Final = "not heard just now"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _wrap(inner: str, classes: str = "") -> str:
    return f'<div class="pl {classes}">{inner}</div>'


def brand() -> str:
    """The product's mark: a plumb bob and its name."""
    return _wrap('<div class="pl-brand"><span class="pl-bob"></span>Plumbline</div>')


def head(person: Person, title: str, *, own: bool) -> str:
    """What the page is about: a day or a week; of somebody else (``own`` is False) whose it is first."""
    chip = '<span class="pl-chip">simulated</span>' if person.simulated else ""
    first, then = (title, "") if own else (person.label, title)
    quiet = f'<span class="quiet">{escape(then)}</span>' if then else ""
    return _wrap(f'<div class="pl-head"><h1>{escape(first)}</h1>{quiet}{chip}</div>')


def title(words: str) -> str:
    """The headline of a page that is about nobody in particular."""
    return _wrap(f'<div class="pl-head"><h1>{escape(words)}</h1></div>')


def part(title: str) -> str:
    """The title of a part of a page, under its headline."""
    return _wrap(f"<h2>{escape(title)}</h2>", "pl-part")


def news(word: News, sensors: Sequence[Sensor]) -> str:
    """How fresh the data is, a backlog's progress, the sensors, and what to do where nothing comes."""
    bar = ""
    if word.progress is not None:
        share = f"{word.progress:.0%}"
        bar = (
            f'<span class="pl-bar" role="progressbar" aria-label="Sync" aria-valuemin="0" '
            f'aria-valuemax="100" aria-valuenow="{word.progress * 100:.0f}">'
            f'<span style="width:{share}"></span></span>'
        )
    detail = f'<span class="quiet num">{escape(word.detail)}</span>' if word.detail else ""
    advice = f'<span class="advice">{escape(word.advice)}</span>' if word.advice else ""
    worn = "".join(f"<span>{_sensor(s)}</span>" for s in sensors)
    listed = f'<span class="pl-sensors">{worn}</span>' if worn else ""
    return _wrap(
        f'<div class="pl-news"><span class="pl-chip"><span class="pl-dot {word.kind.value}"></span>'
        f'<span class="num">{escape(word.headline)}</span></span>{bar}{detail}{listed}{advice}</div>'
    )


def _sensor(sensor: Sensor) -> str:
    name = text.PLACEMENT[sensor.placement]
    if sensor.health is None:
        return f"{name}: not seen yet"
    state = SENSOR_STATE.get(sensor.health.state, text.sentence(sensor.health.state).lower())
    battery = sensor.health.battery_percent
    charge = "" if battery is None else f", battery {battery} %"
    return escape(f"{name}: {state}{charge}")


def legend(model: Timeline, day: Numbers) -> str:
    """The postures and activities that are drawn, in their colours, with the day's time in each."""
    postures, activities = (
        {run.value for run in runs} for runs in (model.postures, model.activities)
    )
    upper = [
        _key(f"background:{POSTURE_COLOUR[p]}", text.POSTURE[p], day.posture_s.get(p, 0))
        for p in POSTURE_COLOUR
        if p in postures
    ]
    upper.append('<li><span class="pl-swatch none"></span>No data or not worn</li>')
    lower = [
        _key(f"background:{ACTIVITY_COLOUR[a]}", text.ACTIVITY[a], day.activity_s.get(a, 0))
        for a in ACTIVITY_COLOUR
        if a in activities
    ]
    return _wrap(
        f'<ul class="pl-legend" aria-label="Postures, and the day’s time in each">{"".join(upper)}</ul>'
        f'<ul class="pl-legend" aria-label="Activities, and the day’s time in each">'
        f"{''.join(lower)}</ul>"
    )


def _key(style: str, name: str, seconds: int) -> str:
    return (
        f'<li><span class="pl-swatch" style="{style}"></span>{name} '
        f'<span class="quiet num">{text.duration(seconds)}</span></li>'
    )


def hours(episode: Episode, zone: ZoneInfo) -> str:
    """``09:14 – 09:45``."""
    first, last = (clock.clock_time(t, zone) for t in (episode.start_ns, episode.end_ns))
    return f"{first} – {'now' if episode.ongoing else last}"


def episode_line(episode: Episode, zone: ZoneInfo) -> str:
    """An episode in the day's list, by its whole length."""
    length_s = (episode.end_ns - episode.start_ns) / NS_PER_S
    return episode_entry(hours(episode, zone), length_s, episode)


def episode_entry(when: str, length_s: float, episode: Episode) -> str:
    """An episode in a list, in Markdown: when and how long, below it what and how much.

    One label, since Streamlit's captions of options cannot be clicked.
    """
    return (
        f"**{when}** · {text.duration(length_s)}  \n"
        f":small[{text.pattern(episode.pattern)} · {text.ACTIVITY[episode.activity].lower()} · "
        f"peak {text.degrees(episode.peak_flexion_deg)}]"
    )


def episode_facts(chosen: Episode, zone: ZoneInfo) -> str:
    """An episode's figures and why it was found."""
    length_s = (chosen.end_ns - chosen.start_ns) / NS_PER_S
    facts = (
        ("When", hours(chosen, zone)),
        ("Length", text.duration(length_s)),
        ("Mean flexion", text.degrees(chosen.mean_flexion_deg)),
        ("Peak flexion", text.degrees(chosen.peak_flexion_deg)),
        ("During", text.ACTIVITY[chosen.activity]),
        ("Confidence", _percent(chosen.confidence)),
    )
    listed = "".join(f'<div><dt>{k}</dt><dd class="num">{escape(v)}</dd></div>' for k, v in facts)
    note = text.PATTERN_NOTE.get(chosen.pattern, "")
    noted = f'<p class="pl-source">{escape(note)}</p>' if note else ""
    return _wrap(
        f'<h3 class="pl-title">{escape(text.pattern(chosen.pattern))}</h3>'
        f'<dl class="pl-facts">{listed}</dl>'
        f'<p class="pl-why">{escape(chosen.explanation)}</p>{noted}'
    )


def episode_focus(chosen: Episode, zone: ZoneInfo) -> str:
    """An episode's focus areas, each a pair of front and back, and the words that stand with them."""
    areas = "".join(_area(a) for a in chosen.focus)
    if not areas:
        return _wrap(
            '<p class="quiet">No focus area: no rule points anywhere for this episode.</p>'
        )
    return _wrap(
        f'<h3 class="pl-title">Areas to assess, from the episode of {hours(chosen, zone)}</h3>'
        f'{_standing()}<div class="pl-focus">{areas}</div>'
    )


def _area(area: FocusArea) -> str:
    return (
        f'<article class="pl-area"><div class="top"><h3>{escape(text.pattern(area.rule))}</h3>'
        f'<span class="pl-chip num">{_percent(area.share)} of this episode</span>{_inferred(area)}</div>'
        f'<p class="pl-source">Seen: {escape(area.pattern)}</p>'
        f'<div class="pl-pair">{_side("Front: assess", area.front)}'
        f"{_side('Back: related', area.back)}</div>"
        f'<p class="pl-why">{escape(area.why)}</p>'
        f'<p class="pl-source">{escape(area.standing)}</p></article>'
    )


def _inferred(area: FocusArea) -> str:
    title = "Concluded from posture and activity, not measured at this muscle or joint"
    return f'<span class="pl-chip" title="{title}">inferred</span>' if area.inferred else ""


def _side(title: str, keys: Iterable[str]) -> str:
    entries = "".join(_muscle(muscle(key)) for key in keys)
    return f'<div class="pl-side"><div class="side">{title}</div><ul>{entries}</ul></div>'


def _muscle(entry: Muscle) -> str:
    where = f"<span>{escape(entry.where)}</span>" if entry.where else ""
    return f"<li>{escape(entry.name)}{where}</li>"


def _standing() -> str:
    return f'<p class="pl-standing">{escape(safety().standing)}</p>'


def ranking(areas: Sequence[DayFocus]) -> str:
    """The day's focus areas, most exposed first, each with its pair of front and back."""
    rows = "".join(_ranked(area) for area in areas)
    return _wrap(
        f'<section class="pl-card"><div class="pl-rank">{rows}</div>{_standing()}</section>'
    )


def _ranked(entry: DayFocus) -> str:
    area = entry.area
    return (
        f'<div class="row"><div><b>{escape(text.pattern(area.rule))}</b> {_inferred(area)}'
        f'<div class="share"><span style="width:{entry.share:.0%}"></span></div>'
        f'<div class="quiet num">{text.duration(entry.exposure_s)} in '
        f"{text.count(entry.episodes, 'episode')}, {_percent(entry.share)} of their time</div></div>"
        f"{front_and_back(area.front, area.back)}</div>"
    )


def front_and_back(front: Sequence[str], back: Sequence[str]) -> str:
    """The muscles of an area by name, the front with its back."""
    sides = (("Front", front), ("Back", back))
    named = ((side, ", ".join(escape(muscle(key).name) for key in keys)) for side, keys in sides)
    return f"<dl>{''.join(f'<dt>{side}</dt><dd>{names}</dd>' for side, names in named)}</dl>"


def warnings() -> str:
    """Red flags, refer first, screen before massage, caution sites."""
    blocks = "".join(
        f'<div class="{escape(w.level)}"><h3>{escape(w.title)}</h3><ul>'
        + "".join(f"<li>{escape(item)}</li>" for item in w.items)
        + "</ul></div>"
        for w in safety().warnings
    )
    return _wrap(f'<section class="pl-card pl-safety" aria-label="Safety">{blocks}</section>')


def empty(title: str, *paragraphs: str) -> str:
    """A page or a part with nothing to show: what is so, and what to do. ``paragraphs`` may mark `code`."""
    body = "".join(f"<p>{_code(p)}</p>" for p in paragraphs if p)
    return _wrap(
        f'<section class="pl-card pl-empty" role="status"><h2>{escape(title)}</h2>{body}</section>'
    )


def _code(paragraph: str) -> str:
    parts = escape(paragraph).split("`")
    return "".join(f"<code>{p}</code>" if i % 2 else p for i, p in enumerate(parts))


def trouble(error: PlumblineError, *, for_s: float = 0.0, kept: bool = False) -> str:
    """An error as the person should read it: what is wrong, for how long, and what to do.

    ``kept``: what was read before is shown below it.
    """
    how_long = f"It has been so for {text.duration(for_s)}." if for_s >= 1 else ""
    below = "What is shown below was read before that." if kept else ""
    title = "The data cannot be read just now"
    return empty(title, error.message, error.hint, f"{how_long} {below}".strip(), _RETRY)


def not_done(error: PlumblineError) -> str:
    """Something that was wished and could not be done: why, and what to do."""
    return empty("This was not done", error.message, error.hint)


def empty_day(day: Day, today: date, sensors: Sequence[Sensor]) -> str:
    """A day without data, by whether it may still come."""
    if day.day > today:
        return empty("This day has not come yet", "Choose today or an earlier day.")
    if day.day < today:
        return empty(
            "Nothing recorded on this day",
            "The sensors were not worn, or they have not been near their gateway since. "
            "What they kept comes in by itself when they are.",
        )
    if not sensors:
        return empty(
            "No sensor is assigned yet",
            "Assign a sensor to this client and put it on; `plumbline demo` does both with a simulated one.",
        )
    return empty(
        "No data today yet",
        "Put the sensors on and keep them within reach of the gateway. "
        "The first minute shows here by itself.",
    )
