"""Tables that a spreadsheet opens as they are meant: one writer for all CSV, and the week as one table. Pure.

UTF-8 with a byte order mark: without it Excel takes the file for the machine's own old code page, and names with
other letters than ASCII come out broken; other programs skip it. Lines end as RFC 4180 says. Text that a
spreadsheet would compute is written with an apostrophe before it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from contracts.records import Episode
from contracts.units import NS_PER_S
from dashboard.look import clock
from dashboard.review.model import ReviewDay, WeekReview

Value = str | int | float | bool | None

BOM: Final = b"\xef\xbb\xbf"
#: What a spreadsheet takes for the beginning of a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")
_GUARD: Final = "'"
_ROWS_A_PIECE: Final = 2_000

#: Columns of the week's table. Degrees are of calibrated trunk flexion; times are the client's own.
WEEK_COLUMNS: Final = (
    "row",
    "date",
    "start_local",
    "end_local",
    "start_utc",
    "worn_min",
    "rounded_min",
    "rounded_min_per_worn_h",
    "episodes",
    "longest_episode_min",
    "pain_taps",
    "mean_pain_0_to_10",
    "length_min",
    "pattern",
    "activity",
    "mean_flexion_deg",
    "peak_flexion_deg",
    "confidence",
    "focus_rules",
)


def table(columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> bytes:
    """A whole table as bytes."""
    return b"".join(pieces(columns, rows))


def pieces(columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> Iterator[bytes]:
    """A table as bytes, piece by piece, so that a long one is never in memory whole."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    yield BOM
    for number, row in enumerate(rows, start=1):
        writer.writerow([cell(value) for value in row])
        if number % _ROWS_A_PIECE == 0:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def cell(value: Value) -> str | int | float:
    """A value as it stands in a table: nothing where there is none, numbers as such, text never a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return f"{_GUARD}{value}" if value.lstrip(" ").startswith(_FORMULA) else value
    return value


def minutes(seconds: float) -> float:
    """Seconds as minutes, to a hundredth."""
    return round(seconds / 60, 2)


def hundredths(value: float | None) -> float | None:
    """A figure to a hundredth, None where there is none."""
    return None if value is None else round(value, 2)


def week_table(review: WeekReview) -> bytes:
    """The days of a week and then its episodes, by time, as one table; ``row`` says which a row is."""
    by_time = sorted(review.episodes, key=lambda episode: episode.start_ns)
    rows = [_day(day) for day in review.week_days] + [_episode(e, review) for e in by_time]
    return table(WEEK_COLUMNS, [[row.get(name) for name in WEEK_COLUMNS] for row in rows])


def _day(day: ReviewDay) -> dict[str, Value]:
    figures = day.figures
    known = figures.rounded_min_h is not None
    return {
        "row": "day",
        "date": day.day.isoformat(),
        "worn_min": minutes(figures.worn_s),
        # Of a day that was not worn, or not told, nothing is known: no 0 that would read as good.
        "rounded_min": minutes(figures.rounded_s) if known else None,
        "rounded_min_per_worn_h": hundredths(figures.rounded_min_h),
        "episodes": figures.episodes if known else None,
        "longest_episode_min": minutes(figures.longest_s) if known else None,
        "pain_taps": day.taps,
        "mean_pain_0_to_10": hundredths(day.mean_pain),
    }


def _episode(episode: Episode, review: WeekReview) -> dict[str, Value]:
    begun = clock.local(episode.start_ns, review.person.zone)
    return {
        "row": "episode",
        "date": begun.date().isoformat(),
        "start_local": f"{begun:%H:%M:%S}",
        "end_local": clock.clock_time(episode.end_ns, review.person.zone, seconds=True),
        "start_utc": utc(episode.start_ns),
        "rounded_min": minutes(episode.rounded_s),
        "length_min": minutes((episode.end_ns - episode.start_ns) / NS_PER_S),
        "pattern": str(episode.pattern),
        "activity": str(episode.activity),
        "mean_flexion_deg": episode.mean_flexion_deg,
        "peak_flexion_deg": episode.peak_flexion_deg,
        "confidence": episode.confidence,
        "focus_rules": " ".join(area.rule for area in episode.focus),
    }


def utc(at_ns: int) -> str:
    """``2026-03-02T09:00:00Z``, cut to whole seconds."""
    return f"{datetime.fromtimestamp(at_ns // NS_PER_S, tz=UTC):%Y-%m-%dT%H:%M:%SZ}"
