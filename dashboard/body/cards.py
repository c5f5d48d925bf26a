"""The body page's pieces of HTML: the chosen muscle, its areas, the ranking, the diary. Pure; data is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final
from zoneinfo import ZoneInfo

from contracts.records import Episode
from contracts.units import NS_PER_S
from dashboard.body.figure import inks
from dashboard.body.model import Body, MuscleExposure
from dashboard.body.regions import Region, members, title_of
from dashboard.frame import cards
from dashboard.look import clock, text
from dashboard.look.safety import muscle, safety
from dashboard.look.theme import Paper
from dashboard.reading.focus_order import ReviewedArea
from store.people_ports import PainTap, Verdict

#: Episodes that a card lists, the longest.
MAX_EPISODES: Final = 8
_STEPS: Final = ("under a third", "one to two thirds", "over two thirds")
_VERDICT: Final = {
    Verdict.ACCEPTED: "accepted by the therapist",
    Verdict.REJECTED: "set aside by the therapist",
}


def wrap(inner: str, classes: str = "") -> str:
    """A piece of the page in the product's style."""
    return f'<div class="pl {classes}">{inner}</div>'


def summary(found: Body) -> str:
    """What the figure is made of: worn time, rounded time in episodes; nothing where nothing was worn."""
    if not found.worn_s:
        return ""
    rounded_s = sum(episode.rounded_s for episode in found.episodes)
    return wrap(
        f'<p class="quiet num">Worn {text.duration(found.worn_s)} {found.period.within}; '
        f"{text.duration(rounded_s)} of it rounded in "
        f"{text.count(len(found.episodes), 'episode')}. Time not worn is unknown.</p>"
    )


def legend(page: Paper, *, pain: bool) -> str:
    """What the shades, dashes and diamonds mean."""
    ink = inks(page)
    keys = "".join(
        f'<li><span class="pl-swatch" style="background:{colour}"></span>{words}</li>'
        for colour, words in zip(ink.ramp, _STEPS, strict=True)
    )
    mark = f'<li><span class="pl-pain" style="background:{ink.pain}"></span>pain, latest score</li>'
    return wrap(
        '<p class="quiet">Shade: the part of the rounded time whose episodes point to a muscle. '
        "Dashed: it lies under others.</p>"
        f'<ul class="pl-legend" aria-label="What the figure shows">{keys}{mark if pain else ""}</ul>'
    )


def chosen(region: Region, found: MuscleExposure | None, page: Paper) -> str:
    """The head of the card: which muscle, where it is, and what led there."""
    where = f'<p class="quiet">{escape(text.sentence(region.where))}</p>' if region.where else ""
    if found is None:
        led = "<p>No focus area of this time points here.</p>"
    else:
        count = text.count(len(found.episodes), "episode")
        led = (
            f'<p class="pl-led"><span class="pl-swatch" style="background:'
            f'{inks(page).ramp[found.step - 1]}"></span><b class="num">'
            f"{text.duration(found.exposure_s)}</b> of rounding in {count}, "
            f"{text.percent(found.share, 1.0)} of the rounded time</p>"
        )
    return wrap(f'<h3 class="pl-title">{escape(region.title)}</h3>{where}{led}')


def leading() -> str:
    """The head of the card while nothing is chosen."""
    return wrap(
        '<h3 class="pl-title">Most of the rounded time points here</h3>'
        '<p class="quiet">Choose a muscle on the figure to see what led to it.</p>'
    )


def area(found: ReviewedArea, *, at: str = "") -> str:
    """An area to assess in full: pair, why, standing. ``at``: the key of the muscle it was opened from."""
    one = found.area
    return wrap(
        f'<article class="pl-area"><div class="top"><h4>{escape(text.pattern(one.rule))}</h4>'
        f"{_chips(found)}</div>"
        f'<p class="pl-source">Seen: {escape(one.pattern)}</p>'
        f'<div class="pl-pair">{_side("Front: assess", one.front, at)}'
        f"{_side('Back: related', one.back, at)}</div>"
        f'<p class="pl-why">{escape(one.why)}</p>'
        f'<p class="pl-source">{escape(one.standing)}</p></article>'
    )


def _chips(found: ReviewedArea) -> str:
    known = "inferred" if found.area.inferred else "measured"
    title = (
        "Concluded from posture and activity, not measured at this muscle or joint"
        if found.area.inferred
        else "From the trunk’s measured posture; no muscle is measured"
    )
    verdict = _VERDICT.get(found.verdict, "")
    said = f'<span class="pl-chip {found.verdict}">{verdict}</span>' if verdict else ""
    return f'<span class="pl-chip" title="{title}">{known}</span>{said}'


def _side(title: str, keys: Iterable[str], at: str) -> str:
    entries = "".join(_muscle(key, current=at in members(key)) for key in keys)
    return f'<div class="pl-side"><div class="side">{title}</div><ul>{entries}</ul></div>'


def _muscle(key: str, *, current: bool) -> str:
    entry, mark = muscle(key), ' aria-current="true"' if current else ""
    return f"<li{mark}>{escape(entry.name)}<span>{escape(entry.where)}</span></li>"


def standing() -> str:
    """The words that stand wherever a suggestion does."""
    return wrap(f'<p class="pl-standing">{escape(safety().standing)}</p>')


def episodes(found: Sequence[Episode], zone: ZoneInfo) -> str:
    """The episodes that led somewhere, the longest first, with date, time, length and peak."""
    order = sorted(found, key=lambda e: (e.start_ns - e.end_ns, e.start_ns))
    rows = "".join(_episode(episode, zone) for episode in order[:MAX_EPISODES])
    more = len(order) - MAX_EPISODES
    rest = f'<p class="quiet">and {more} shorter ones</p>' if more > 0 else ""
    return wrap(
        '<table class="pl-episodes"><thead><tr><th scope="col">When</th><th scope="col">Length</th>'
        '<th scope="col">What</th><th scope="col">Peak</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>{rest}"
    )


def _episode(episode: Episode, zone: ZoneInfo) -> str:
    day = clock.local(episode.start_ns, zone)
    length_s = (episode.end_ns - episode.start_ns) / NS_PER_S
    until = "now" if episode.ongoing else clock.clock_time(episode.end_ns, zone)
    return (
        f'<tr><td class="num">{day:%a} {day.day} {day:%b}<span>{day:%H:%M} – {until}</span></td>'
        f'<td class="num">{text.duration(length_s)}</td>'
        f"<td>{escape(text.pattern(episode.pattern))}<span>"
        f"{escape(text.ACTIVITY[episode.activity].lower())}</span></td>"
        f'<td class="num">{text.degrees(episode.peak_flexion_deg)}</td></tr>'
    )


def ranking(areas: Sequence[ReviewedArea]) -> str:
    """Every area of the time in the therapist's order, what was set aside at the end and greyed."""
    rows = "".join(_ranked(found) for found in areas)
    return wrap(f'<section class="pl-card"><div class="pl-rank">{rows}</div></section>')


def _ranked(found: ReviewedArea) -> str:
    one = found.area
    return (
        f'<div class="row {found.verdict}"><div><div class="of"><b>{escape(text.pattern(one.rule))}</b>'
        f'{_chips(found)}</div><div class="share"><span style="width:{found.share:.0%}"></span></div>'
        f'<div class="quiet num">{text.duration(found.exposure_s)} in '
        f"{text.count(len(found.episodes), 'episode')}, {text.percent(found.share, 1.0)} of the "
        f"rounded time</div></div>"
        f"{cards.front_and_back(one.front, one.back)}</div>"
    )


def tap(entry: PainTap, zone: ZoneInfo, page: Paper) -> str:
    """One entry of the diary."""
    at, ink = clock.local(entry.at_ns, zone), inks(page)
    note = f'<p class="quiet">{escape(entry.note)}</p>' if entry.note else ""
    return wrap(
        f'<div class="pl-tap"><span class="pl-score num" style="background:{ink.pain};'
        f'color:{ink.on_pain}">{entry.score}</span><div><b>{escape(title_of(entry.region))}</b> '
        f'<span class="quiet num">{at:%A} {at.day} {at:%B}, {at:%H:%M}</span>{note}</div></div>'
    )


def where_it_hurts(region: Region | None) -> str:
    """The head of the pain form: what to do, or which place was chosen."""
    if region is None:
        return wrap(
            '<h3 class="pl-title">Where does it hurt?</h3>'
            "<p>Choose the place on the figure, front or back, or by its name below the figure.</p>"
        )
    where = f'<p class="quiet">{escape(text.sentence(region.where))}</p>' if region.where else ""
    return wrap(f'<h3 class="pl-title">{escape(region.title)}</h3>{where}')


def no_taps(*, mine: bool) -> str:
    """The diary while there is nothing in it."""
    words = (
        "Nothing told in the last four weeks. What you save is kept here, and those you give "
        "access to see it."
        if mine
        else "Nothing told in the last four weeks."
    )
    return wrap(f'<p class="quiet">{words}</p>')


def together() -> str:
    """What the chart of pain and rounding does not say."""
    return wrap(
        '<p class="pl-standing">Both are shown together so that you can talk about them. That does not '
        "say that one leads to the other: posture is not claimed to cause pain.</p>"
    )
