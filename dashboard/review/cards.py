"""The week's review as HTML: headline, numbers, activities, areas, sessions. Pure; words of data are escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from contracts.doubts import listed
from contracts.records import Episode
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from dashboard.frame import cards
from dashboard.look import clock, text
from dashboard.look.safety import safety
from dashboard.reading.focus_order import ReviewedArea
from dashboard.review import words as review_words
from dashboard.review.before_after import SIDE_DAYS, SessionEffect
from dashboard.review.charts import short
from dashboard.review.model import USUAL_WEEKS, ActivityFigures, WeekReview
from dashboard.review.words import min_h, tenths
from dashboard.week.day_statistics import Interval
from store.people_ports import FocusEdit, Verdict

#: Bars and intervals of changes reach this far to either side, rounded minutes a worn hour.
_REACH_MIN_H: Final = 15.0
#: An hour of rounding in an hour fills the bar.
_BAR_MIN_H: Final = 40.0
#: An activity of less than this in a week is left out of the table.
_WORTH_A_ROW_S: Final = 60
#: Times that an area names of its episodes.
_NAMED_EPISODES: Final = 4
NO_SESSION: Final = (
    "Add a session, and the worn days before and after it are set against one another.",
)
_VERDICT: Final = {Verdict.ACCEPTED: "accepted", Verdict.REJECTED: "rejected"}


def _wrap(inner: str, classes: str = "") -> str:
    return f'<div class="pl {classes}">{inner}</div>'


def figure(inner: str) -> str:
    """A chart or table on a card of its own."""
    return _wrap(f'<section class="pl-card pl-figure">{inner}</section>')


def undone(edits: Sequence[FocusEdit]) -> str:
    """What taking back would take back, in words."""
    if len(edits) != 1:
        return "the new order"
    (edit,) = edits
    noted = ", with its note" if edit.note else ""
    return f"{text.pattern(edit.rule)} {_VERDICT.get(edit.verdict, 'open')}{noted}"


def headline(review: WeekReview) -> str:
    """What changed, in a sentence, and how sure that is."""
    more = ""
    if review.change is not None and review.change.interval is not None:
        found = review_words.interval(review.change.interval)
        more = (
            f'<p class="quiet">Difference to the {USUAL_WEEKS} weeks before, by days: '
            f"{escape(found)} min/h.</p>"
        )
    so_far = "This week so far" if review.under_way else "This week"
    return _wrap(
        f'<section class="pl-card pl-headline"><div class="pl-label">{so_far}</div>'
        f'<p class="said">{escape(review_words.headline(review))}</p>{more}</section>'
    )


def links(review: WeekReview) -> str:
    """The printed sheet, and the week as files."""
    wearer, week = review.person.wearer, review.week.name
    sheet = f"/session-sheet?{urlencode({'client': wearer, 'week': week})}"
    files = (("PDF", "sheet.pdf"), ("CSV", "week.csv"), ("FHIR", "week.fhir.json"))
    listed = "".join(
        f'<a href="/export/{quote(wearer, safe="")}/{kind}?week={week}" target="_self">{name}</a>'
        for name, kind in files
    )
    return _wrap(
        f'<nav class="pl-links" aria-label="Take along"><a class="main" href="{escape(sheet)}" '
        f'target="_self">Session sheet</a>{listed}</nav>'
    )


def numbers(review: WeekReview) -> str:
    """Worn, rounded minutes a worn hour, episodes, the longest: each against what is usual."""
    now, usual = review.figures, review.usual
    days = text.count(now.worn_days, "day")
    longest = text.duration(now.longest_s) if now.episodes else "–"

    def against(words: str | None) -> str:
        return f"usually {words}" if words is not None else "nothing to compare with"

    cells = (
        ("Worn", text.duration(now.worn_s), f"on {days}, {against(_hours(usual.worn_s))}"),
        (
            "Rounded",
            min_h(now.rounded_min_h),
            against(None if usual.rounded_min_h is None else min_h(usual.rounded_min_h)),
        ),
        (
            "Episodes",
            str(now.episodes),
            against(None if usual.episodes is None else f"{usual.episodes:.0f}"),
        ),
        ("Longest episode", longest, against(_duration(usual.longest_s))),
    )
    shown = "".join(
        f'<div class="pl-card pl-number"><div class="pl-label">{label}</div>'
        f'<div class="big num">{escape(big)}</div><div class="sub">{escape(sub)}</div></div>'
        for label, big, sub in cells
    )
    basis = (
        f"Usually: the median of the {USUAL_WEEKS} weeks before"
        + ("" if usual.weeks == USUAL_WEEKS else f", of which {usual.weeks} were worn")
        + f". {_measured(review)}"
    )
    return _wrap(
        f'<div class="pl-numbers">{shown}</div><p class="pl-source">{escape(basis)}</p>', "pl-wide"
    )


def _measured(review: WeekReview) -> str:
    """What the figures rest on: where sensors sat, and the calibration."""
    places = {a.placement for a in review.assignments}
    worn = listed([text.PLACEMENT[p] for p in Placement if p in places]) or "none assigned"
    state, zone = review.calibration, review.person.zone
    if state.accepted_ns is None:
        return f"Sensors: {worn}. Not calibrated: no posture can be told."
    day, today = (clock.day_of(at_ns, zone) for at_ns in (state.accepted_ns, review.made_ns))
    due = ", due again" if state.due(review.made_ns) else ""
    refused = "; a later calibration was refused" if state.refused else ""
    since = text.day_name(day, today)
    when = since[0].lower() + since[1:] if (today - day).days in (0, 1) else f"on {since}"
    return f"Sensors: {worn}. Calibrated {when}{due}{refused}."


def _hours(seconds: float | None) -> str | None:
    """Of a whole week, minutes say nothing."""
    return None if seconds is None else f"{seconds / 3600:.0f} h"


def _duration(seconds: float | None) -> str | None:
    return None if seconds is None else text.duration(seconds)


def activities(found: Sequence[ActivityFigures]) -> str:
    """What was done, how much of it rounded, and what is usual while doing it."""
    rows = "".join(_activity(entry) for entry in found if entry.worn_s >= _WORTH_A_ROW_S)
    heads = "".join(
        f'<th scope="col">{head}</th>' for head in ("During", "Rounded", "", "Usually", "Worn")
    )
    return (
        f'<table class="pl-activities"><caption class="pl-label">Rounded minutes an hour of each '
        f"activity</caption><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _activity(entry: ActivityFigures) -> str:
    rate = entry.rounded_min_h or 0.0
    width = 100.0 * min(rate, _BAR_MIN_H) / _BAR_MIN_H
    return (
        f'<tr><th scope="row">{escape(text.ACTIVITY[entry.activity])}</th>'
        f'<td class="num">{min_h(entry.rounded_min_h)}</td>'
        f'<td class="bar"><span style="width:{width:.0f}%"></span></td>'
        f'<td class="num quiet">{min_h(entry.usual_min_h)}</td>'
        f'<td class="num">{text.duration(entry.worn_s)}</td></tr>'
    )


def when(episode: Episode, zone: ZoneInfo) -> str:
    """``Tue 3 Mar, 09:14 – 09:45``."""
    day = clock.day_of(episode.start_ns, zone)
    return f"{day:%a} {short(day)}, {cards.hours(episode, zone)}"


def episode_line(episode: Episode, zone: ZoneInfo) -> str:
    """An episode in the week's list, by its rounded time."""
    return cards.episode_entry(when(episode, zone), episode.rounded_s, episode)


def episode(chosen: Episode, zone: ZoneInfo) -> str:
    """An episode's figures and why it was found."""
    length_s = (chosen.end_ns - chosen.start_ns) / NS_PER_S
    facts = (
        ("Length", text.duration(length_s)),
        ("Rounded", text.duration(chosen.rounded_s)),
        ("Mean flexion", text.degrees(chosen.mean_flexion_deg)),
        ("Peak flexion", text.degrees(chosen.peak_flexion_deg)),
        ("During", text.ACTIVITY[chosen.activity]),
        ("Confidence", text.confidence(chosen.confidence)),
    )
    listed = "".join(f'<div><dt>{k}</dt><dd class="num">{escape(v)}</dd></div>' for k, v in facts)
    note = text.PATTERN_NOTE.get(chosen.pattern, "")
    noted = f'<p class="pl-source">{escape(note)}</p>' if note else ""
    return _wrap(
        f'<h3 class="pl-title">{escape(text.pattern(chosen.pattern))}</h3>'
        f'<p class="quiet num">{escape(when(chosen, zone))}</p><dl class="pl-facts">{listed}</dl>'
        f'<p class="pl-why">{escape(chosen.explanation)}</p>{noted}'
    )


def area(entry: ReviewedArea, place: int, zone: ZoneInfo) -> str:
    """A focus area to decide on: its exposure, front and back as a pair, the why, its episodes and source."""
    found = entry.area
    inferred = '<span class="pl-chip">inferred</span>' if found.inferred else ""
    word = _VERDICT.get(entry.verdict, "")
    verdict = f'<span class="pl-chip {word}">{word}</span>' if word else ""
    number = "–" if entry.verdict is Verdict.REJECTED else str(place)
    return _wrap(
        f'<article class="pl-decide {word}"><div class="top"><span class="place num">{number}</span>'
        f"<h3>{escape(text.pattern(found.rule))}</h3>{inferred}{verdict}</div>"
        f'<p class="quiet num">{text.duration(entry.exposure_s)} of rounding in '
        f"{text.count(len(entry.episodes), 'episode')}, {100 * entry.share:.0f} % of all there was. "
        f"Longest: {escape(_times(entry, zone))}</p>"
        f"{cards.front_and_back(found.front, found.back)}"
        f'<p class="pl-why">{escape(found.why)}</p>'
        f'<p class="pl-source">Seen: {escape(found.pattern)}. {escape(found.standing)}</p></article>'
    )


def _times(entry: ReviewedArea, zone: ZoneInfo) -> str:
    longest = sorted(entry.episodes, key=lambda e: -e.rounded_s)
    named = [when(e, zone) for e in longest[:_NAMED_EPISODES]]
    more = len(longest) - len(named)
    return "; ".join([*named, *([f"and {more} more"] if more > 0 else [])])


def standing() -> str:
    """The words that stand with every suggestion."""
    return _wrap(f'<p class="pl-standing">{escape(safety().standing)}</p>')


def sessions(effects: Sequence[SessionEffect], now_ns: int, zone: ZoneInfo) -> str:
    """Before and after each session, with how sure the difference is. Nothing is said of a cause."""
    today = clock.day_of(now_ns, zone)
    rows = "".join(
        f'<tr><th scope="row">{escape(text.day_name(effect.day, today))}, '
        f"{clock.clock_time(effect.session.at_ns, zone)}"
        f'<span class="quiet">{escape(effect.session.note)}</span></th>{_effect(effect)}</tr>'
        for effect in effects
    )
    return _wrap(
        '<table class="pl-sessions"><caption class="pl-label">Rounded minutes a worn hour of up to '
        f"{SIDE_DAYS} worn days before and after</caption><thead><tr><th>Session</th><th>Before → after</th>"
        f"<th>Change</th><th>How sure</th></tr></thead><tbody>{rows}</tbody></table>"
        '<p class="pl-source">A difference in time, not an effect: much else changes between two '
        "fortnights.</p>"
    )


def _effect(effect: SessionEffect) -> str:
    found = effect.difference
    if found is None:
        return '<td class="quiet" colspan="3">Not worn on one side: unknown.</td>'
    drawn = "" if found.interval is None else _whisker(found.min_h, found.interval)
    return (
        f'<td class="num">{found.before_min_h:.1f} → {found.after_min_h:.1f}</td>'
        f'<td class="num">{escape(tenths(found.min_h))}{drawn}</td>'
        f"<td>{escape(review_words.certainty(found).capitalize())}.</td>"
    )


def _whisker(value: float, found: Interval) -> str:
    """The interval as a line around none, with the difference on it."""

    def left(at: float) -> float:
        return 50.0 + 50.0 * min(max(at / _REACH_MIN_H, -1.0), 1.0)

    low, high = left(found.low), left(found.high)
    return (
        f'<span class="whisker" aria-hidden="true"><i class="none"></i>'
        f'<i class="reach" style="left:{low:.0f}%;width:{high - low:.0f}%"></i>'
        f'<i class="at" style="left:{left(value):.0f}%"></i></span>'
    )


def nothing(review: WeekReview) -> str:
    """A week without data: what is so, and what to do."""
    if review.under_way:
        return cards.empty(
            "Nothing worn this week so far",
            "What the sensors measure shows here within seconds. Until then the week is unknown.",
        )
    return cards.empty(
        "Nothing worn in this week",
        "It is unknown, neither good nor bad. Choose another week above.",
    )
