"""The week's review as the words and shapes of the session sheet: what :mod:`dashboard.sheet.sheet` prints. Pure.

Every figure comes from :class:`dashboard.review.model.WeekReview` and every sentence that the page has too from
:mod:`dashboard.review.words`, so that sheet and page cannot say different things.
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from contracts.records import Episode
from contracts.units import NS_PER_S
from contracts.vocabulary import Posture
from dashboard.body.regions import title_of
from dashboard.look import clock, text
from dashboard.look.safety import muscle, safety
from dashboard.look.theme import POSTURE_COLOUR
from dashboard.reading.focus_order import ReviewedArea
from dashboard.review import heat_map
from dashboard.review import words as review_words
from dashboard.review.before_after import SIDE_DAYS, SessionEffect
from dashboard.review.model import USUAL_WEEKS, TrendWeek, WeekReview
from store.people_ports import PainTap, Verdict

#: Episodes that are printed; the page has the rest.
TOP_EPISODES: Final = 5
#: Entries of a list that are handed to the sheet, which shows what fits of them.
MAX_ENTRIES: Final = 8
#: Characters of a name, a sensor's name, the sentence at the top and other texts; longer ones are cut.
MAX_NAME: Final = 80
MAX_SENSOR: Final = 22
MAX_HEADLINE: Final = 230
MAX_LINE: Final = 140
MAX_WHY: Final = 220
#: An activity of less than this in a week is left out.
WORTH_A_LINE_S: Final = 60
MORE: Final = "…, more on the page"
#: Scripts that the sheet's typefaces have; any other letter is printed as UNPRINTABLE.
_SCRIPTS: Final = ("LATIN", "GREEK", "CYRILLIC", "HEBREW", "ARABIC", "GEORGIAN", "ARMENIAN")
_LETTERS: Final = ("L", "M")
_EAST_ASIAN: Final = 0x2E80  # its letters and signs begin here; emoji and old scripts lie beyond
UNPRINTABLE: Final = "▯"
_TICKS_MIN_H: Final = (1, 2, 5, 10, 15, 20)
_EN_DASH_UNKNOWN: Final = "–"


def words(review: WeekReview, *, named: bool, version: str) -> dict[str, Any]:
    """Everything on the sheet, as JSON holds it. ``named``: with the client's name, not the id alone."""
    shown = shown_areas(review)
    return {
        **_head(review, named=named),
        "numbers": _numbers(review),
        "trend": _trend(review.trend),
        "heat": _heat(review),
        "sensors": _sensors(review),
        "calibration": _calibration(review),
        "postures": _postures(review),
        "activities": _activities(review),
        "episodes": [_episode(e, review) for e in review.episodes[:TOP_EPISODES]],
        "more_episodes": max(0, len(review.episodes) - TOP_EPISODES),
        "no_episode": "None in what was worn." if review.figures.worn_s else "Nothing was worn.",
        "focus": [_area(n + 1, area) for n, area in enumerate(shown[:MAX_ENTRIES])],
        "more_focus": max(0, len(shown) - MAX_ENTRIES),
        "no_focus": "No episode of this week points to an area.",
        "before_after": _before_after(review.sessions),
        "pain": _pain(review.pain),
        "notes": _notes(review),
        "standing": safety().standing,
        "warnings": [{"title": w.title, "items": ", ".join(w.items)} for w in safety().warnings],
        "foot": {
            "left": f"Time not worn is unknown and in none of the figures. {UNPRINTABLE} stands for a letter "
            "that this sheet’s typefaces lack.",
            "right": f"{version}, made {_moment(review.made_ns, review)}",
        },
    }


def shown_areas(review: WeekReview) -> list[ReviewedArea]:
    """The areas that are printed: accepted ones first, rejected ones not at all."""
    kept = [area for area in review.areas if area.verdict is not Verdict.REJECTED]
    return sorted(kept, key=lambda area: area.verdict is not Verdict.ACCEPTED)


def printable(given: str, limit: int, tail: str = MORE) -> str:
    """``given`` in one line, at most ``limit`` characters, with letters of other scripts made visible.

    ``tail`` is the end of a line that was cut.
    """
    kept = "".join(_printable(letter) for letter in unicodedata.normalize("NFC", given))
    line = " ".join(kept.split())
    return line if len(line) <= limit else f"{line[: limit - len(tail)].rstrip()}{tail}"


def _printable(letter: str) -> str:
    kind = unicodedata.category(letter)
    if kind[0] == "C":  # controls, and what turns the direction of a line
        return " "
    if kind[0] == "Z" or letter.isascii():
        return letter
    if kind == "So" or ord(letter) >= _EAST_ASIAN:
        return UNPRINTABLE
    if kind[0] not in _LETTERS:
        return letter
    name = unicodedata.name(letter, "")
    known = name.startswith((*_SCRIPTS, "COMBINING", "MODIFIER"))
    return letter if known else UNPRINTABLE


def _head(review: WeekReview, *, named: bool) -> dict[str, Any]:
    person = review.person
    week = f"Week {review.week.name}{', not over yet' if review.under_way else ''}"
    who = printable(person.label, MAX_NAME, "…") if named else person.wearer
    return {
        "title": f"Session sheet of {person.wearer}, {review.week.name}",
        "who": {
            "label": who,
            "line": f"Client {person.wearer}" if who != person.wearer else "Client, by id",
            "simulated": person.simulated,
        },
        "week": {
            "said": review.week.said(),
            "lines": [week, f"Times in {person.zone.key.replace('_', ' ')}"],
        },
        "headline": printable(review_words.headline(review), MAX_HEADLINE),
    }


def _numbers(review: WeekReview) -> list[dict[str, Any]]:
    figures, usual, week = review.figures, review.usual, review.trend[-1]
    found = review.change
    held = week.interval
    return [
        {
            "label": "Worn",
            "value": text.duration(figures.worn_s) if figures.worn_s else _EN_DASH_UNKNOWN,
            "note": f"{figures.worn_days} of 7 days; the rest is unknown",
        },
        {
            "label": "Rounded",
            "value": review_words.min_h(figures.rounded_min_h),
            "note": "too few worn days for an interval"
            if held is None
            else f"{held.low:.0f} to {held.high:.0f} for 95 of 100 such draws of days",
        },
        {
            "label": f"Against {USUAL_WEEKS} weeks before",
            "value": _EN_DASH_UNKNOWN
            if found is None
            else f"{review_words.signed(found.min_h)} min/h",
            "note": "nothing worn then" if found is None else _chance(found.may_be_chance, usual),
        },
        {
            "label": "Episodes",
            "value": str(figures.episodes) if figures.worn_s else _EN_DASH_UNKNOWN,
            "note": f"longest {text.duration(figures.longest_s)}" if figures.episodes else "",
        },
    ]


def _chance(may_be: bool, usual: Any) -> str:
    sure = "may be chance" if may_be else "more than chance"
    return f"{sure}; usual {review_words.min_h(usual.rounded_min_h)}"


def _trend(weeks: Sequence[TrendWeek]) -> dict[str, Any]:
    highest = max(
        [week.figures.rounded_min_h or 0.0 for week in weeks]
        + [week.interval.high for week in weeks if week.interval],
    )
    step = next((s for s in _TICKS_MIN_H if highest / s <= 3), _TICKS_MIN_H[-1])
    top = max(1, math.ceil(highest / step)) * step
    return {
        "weeks": [_trend_week(week) for week in weeks],
        "top": top,
        "ticks": list(range(0, top + 1, step)),
        "title": f"Rounded minutes a worn hour, {len(weeks)} weeks",
    }


def _trend_week(week: TrendWeek) -> dict[str, Any]:
    rate, held = week.figures.rounded_min_h, week.interval
    return {
        "label": f"W{week.week.name[-2:]}",
        "rate": rate,
        "low": None if held is None else held.low,
        "high": None if held is None else held.high,
        "solid": not week.thin,
        "said": "" if rate is None else f"{rate:.0f}",
    }


def _heat(review: WeekReview) -> dict[str, Any]:
    hours = heat_map.hours_shown(review.cells)
    rows = []
    for weekday, day in enumerate(review.week.days):
        cells = [review.cells[weekday * heat_map.HOURS + hour].share for hour in hours]
        said = [None if share is None else f"{100 * share:.0f}" for share in cells]
        rows.append(
            {
                "day": f"{day:%a} {day.day}",
                "cells": [{"share": s or 0.0, "said": w} for s, w in zip(cells, said, strict=True)],
            }
        )
    return {"hours": [str(hour) for hour in hours], "rows": rows}


def _sensors(review: WeekReview) -> list[dict[str, str]]:
    entries = review.assignments[:MAX_ENTRIES]
    found = [
        {"place": text.PLACEMENT[a.placement], "words": printable(a.sensor, MAX_SENSOR, "…")}
        for a in entries
    ]
    return found or [{"place": "", "words": "No sensor was assigned in this week."}]


def _calibration(review: WeekReview) -> list[str]:
    state = review.calibration
    found = []
    if state.accepted_ns is None:
        found.append("Not calibrated: no posture can be told.")
    else:
        found.append(f"Calibrated {_day(state.accepted_ns, review)}, accepted.")
    if state.refused is not None:
        found.append(f"Refused {_day(state.refused.effective_ns, review)}: {state.refused.message}")
    if state.accepted_ns is not None and state.due(review.made_ns):
        found.append("A new calibration is due: the last is over 30 days old.")
    return [printable(line, MAX_LINE) for line in found]


def _postures(review: WeekReview) -> list[dict[str, Any]]:
    total_s = sum(review.posture_s.values())
    order = [p for p in POSTURE_COLOUR if p is not Posture.UNKNOWN] + [Posture.UNKNOWN]
    return [
        {
            "name": text.POSTURE[posture],
            "colour": POSTURE_COLOUR[posture],
            "share": review.posture_s[posture] / total_s,
            "said": text.percent(review.posture_s[posture], total_s),
        }
        for posture in order
        if review.posture_s.get(posture)
    ]


def _activities(review: WeekReview) -> list[list[str]]:
    done = [found for found in review.activities if found.worn_s >= WORTH_A_LINE_S]
    return [
        [
            text.ACTIVITY[found.activity],
            f"{review_words.min_h(found.rounded_min_h)} in {text.duration(found.worn_s)}",
        ]
        for found in done[:MAX_ENTRIES]
    ] or [["Nothing was worn.", ""]]


def _episode(episode: Episode, review: WeekReview) -> dict[str, str]:
    begun = clock.local(episode.start_ns, review.person.zone)
    return {
        "when": f"{begun:%a} {begun.day} {begun:%b}, {begun:%H:%M}",
        "length": text.duration((episode.end_ns - episode.start_ns) / NS_PER_S),
        "pattern": text.PATTERN[episode.pattern],
        "activity": text.ACTIVITY[episode.activity],
        "peak": text.degrees(episode.peak_flexion_deg),
    }


def _area(place: int, found: ReviewedArea) -> dict[str, Any]:
    area = found.area
    marks = ["accepted"] if found.verdict is Verdict.ACCEPTED else []
    return {
        "place": str(place),
        "name": text.pattern(area.rule),
        "marks": marks + (["inferred"] if area.inferred else []),
        "exposure": f"{text.duration(found.exposure_s)} in {text.count(len(found.episodes), 'episode')}",
        "front": ", ".join(muscle(key).name for key in area.front),
        "back": ", ".join(muscle(key).name for key in area.back),
        "why": printable(f"{area.why} {area.standing}", MAX_WHY),
        "note": printable(found.note, MAX_LINE),
    }


def _before_after(sessions: Sequence[SessionEffect]) -> dict[str, Any]:
    if not sessions:
        return {
            "title": "Before and after a session",
            "lines": ["No session is noted in these weeks."],
        }
    latest = sessions[0]
    title = f"Before and after {latest.day.day} {latest.day:%B}"
    found = latest.difference
    if found is None:
        return {"title": title, "lines": ["Nothing worn on one side: nothing to compare."]}
    sides = (
        f"{review_words.min_h(found.before_min_h)} before "
        f"({text.count(found.before_days, 'worn day')}), "
        f"{review_words.min_h(found.after_min_h)} after ({found.after_days}; {SIDE_DAYS} at most)."
    )
    sure = f"{review_words.change(found).capitalize()}; {review_words.certainty(found)}."
    return {"title": title, "lines": [sides, sure]}


def _pain(taps: Sequence[PainTap]) -> dict[str, Any]:
    by_region: dict[str, list[int]] = {}
    for tap in taps:
        by_region.setdefault(tap.region, []).append(tap.score)
    order = sorted(by_region, key=lambda region: (-max(by_region[region]), region))
    lines = [
        f"{title_of(region)}: {text.count(len(scores), 'tap')}, "
        f"mean {sum(scores) / len(scores):.1f}, highest {max(scores)}"
        for region in order
        if (scores := by_region[region])
    ]
    return {
        "lines": [printable(line, MAX_LINE) for line in lines[:MAX_ENTRIES]]
        or ["None tapped in this week."],
        "more": max(0, len(lines) - MAX_ENTRIES),
    }


def _notes(review: WeekReview) -> dict[str, Any]:
    noted = [s for s in review.sessions if s.session.note.strip()]
    several = {day for day, n in Counter(s.day for s in noted).items() if n > 1}
    return {
        "lines": [
            [_session_day(s, review, timed=s.day in several), printable(s.session.note, MAX_LINE)]
            for s in noted[:MAX_ENTRIES]
        ]
        or [["", "None with a session of these weeks."]],
        "more": max(0, len(noted) - MAX_ENTRIES),
    }


def _session_day(found: SessionEffect, review: WeekReview, *, timed: bool) -> str:
    """The day, with the time where another session of that day stands there too."""
    day = f"{found.day.day} {found.day:%b}"
    return f"{day}, {clock.clock_time(found.session.at_ns, review.person.zone)}" if timed else day


def _day(at_ns: int, review: WeekReview) -> str:
    day = clock.day_of(at_ns, review.person.zone)
    return f"{day.day} {day:%B} {day.year}"


def _moment(at_ns: int, review: WeekReview) -> str:
    return f"{_day(at_ns, review)}, {clock.clock_time(at_ns, review.person.zone)}"
