"""truth.csv of a recording: what the wearer really held and did, [start_s, end_s) from its start."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contracts.checks import quoted
from contracts.errors import Reason, RecordingError
from contracts.units import NS_PER_S
from contracts.vocabulary import ACTIVITIES, POSTURES, Activity, Posture

TRUTH: Final = "truth.csv"
COLUMNS: Final = ("start_s", "end_s", "posture", "activity")
#: A true posture a second for three days; a file beyond is refused rather than read.
MAX_INTERVALS: Final = 262_144
MAX_BYTES: Final = 16 * 1024 * 1024
MAX_TIME_S: Final = 10_000_000.0

_HINT: Final = f"Its columns are {','.join(COLUMNS)}; intervals are in order and do not overlap."


@dataclass(frozen=True, slots=True)
class Interval:
    """[start_s, end_s) from the recording's start; ``unknown`` where truth says nothing."""

    start_s: float
    end_s: float
    posture: Posture
    activity: Activity


def has_truth(folder: Path) -> bool:
    """Whether a recording's folder holds truth."""
    return (folder / TRUTH).is_file()


def read_truth(folder: Path) -> tuple[Interval, ...]:
    """The true intervals of a recording, in time order.

    RecordingError where the file is missing, too long, or says what no recording can hold.
    """
    path = folder / TRUTH
    try:
        if path.stat().st_size > MAX_BYTES:
            raise RecordingError(Reason.TOO_LONG, f"{path} is over {MAX_BYTES} bytes.", hint=_HINT)
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            if tuple(rows.fieldnames or ()) != COLUMNS:
                raise _bad(path, f"its columns are not {','.join(COLUMNS)}.")
            intervals = _intervals(path, rows)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _bad(path, f"it cannot be read: {str(error)[:200]}") from None
    if not intervals:
        raise _bad(path, "it holds no interval.")
    return intervals


def true_codes(
    intervals: Sequence[Interval], start_ns: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.uint8], NDArray[np.uint8]]:
    """Of seconds [start_ns, start_ns + 1 s), ns from the recording's start, in time order.

    (n,) each: whether a second lies wholly inside one true interval, and the codes of that interval's
    posture and activity (those of ``unknown`` elsewhere).
    """
    inside = np.zeros(start_ns.size, np.bool_)
    posture = np.zeros(start_ns.size, np.uint8)
    activity = np.zeros(start_ns.size, np.uint8)
    for interval in intervals:
        first = int(np.searchsorted(start_ns, round(interval.start_s * NS_PER_S), "left"))
        last_ns = round(interval.end_s * NS_PER_S) - NS_PER_S
        stop = max(first, int(np.searchsorted(start_ns, last_ns, "right")))
        inside[first:stop] = True
        posture[first:stop] = POSTURES.index(interval.posture)
        activity[first:stop] = ACTIVITIES.index(interval.activity)
    return inside, posture, activity


def _intervals(path: Path, rows: csv.DictReader[str]) -> tuple[Interval, ...]:
    intervals: list[Interval] = []
    previous_s = 0.0
    for row in rows:
        if len(intervals) >= MAX_INTERVALS:
            raise RecordingError(
                Reason.TOO_LONG, f"{path} holds over {MAX_INTERVALS} intervals.", hint=_HINT
            )
        interval = _interval(path, rows.line_num, row)
        if interval.start_s < previous_s:
            raise _bad(path, f"line {rows.line_num} begins before the line before it ends.")
        previous_s = interval.end_s
        intervals.append(interval)
    return tuple(intervals)


def _interval(path: Path, line: int, row: dict[str, str]) -> Interval:
    if None in row.values() or len(row) != len(COLUMNS):
        raise _bad(path, f"line {line} has not {len(COLUMNS)} values.")
    try:
        start_s, end_s = float(row["start_s"]), float(row["end_s"])
        posture = Posture(row["posture"] or Posture.UNKNOWN)
        activity = Activity(row["activity"] or Activity.UNKNOWN)
    except ValueError as error:
        raise _bad(path, f"line {line}: {quoted(str(error))}.") from None
    if not (math.isfinite(end_s) and 0 <= start_s < end_s <= MAX_TIME_S):
        raise _bad(path, f"line {line}: [{start_s}, {end_s}) is no interval.")
    return Interval(start_s, end_s, posture, activity)


def _bad(path: Path, text: str) -> RecordingError:
    return RecordingError(Reason.BAD_RECORDING, f"{path}: {text}", hint=_HINT)
