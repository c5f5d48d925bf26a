"""Statistics of worn days, shared by the client's and the therapist's pages. Pure.

A day is its worn seconds and the rounded ones among them. The figure throughout is rounded minutes a
worn hour, over several days *weighted by worn time*: the rounded minutes of all of them for the worn
hours of all of them. So a day of ten worn minutes does not weigh as much as one of eight hours.

What is uncertain is which days were had, not how a second was told: the bootstrap draws whole days
(seconds of a day hang together). Its random numbers are seeded from the days themselves, so that the same
days give the same interval on every page and in every print.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

#: A day with less is hardly worn: its seconds count, it does not count as a worn day.
MIN_DAY_S: Final = 1800
#: Fewer worn days than this have no interval: two days can be alike by chance.
MIN_DAYS: Final = 3
#: Draws of the bootstrap. The interval's ends stand within some 0.2 min/h of those of many more.
DRAWS: Final = 1000
#: The part of the draws that an interval holds.
HELD: Final = 0.95
#: Days that one bootstrap looks at, the latest.
MAX_DAYS: Final = 400


class DaySeconds(NamedTuple):
    """A day's worn seconds, and the rounded ones among them.

    ``told``: the posture could be told for half of the time worn or more. A day on which it could not, as
    before a calibration, has no rate: what is not known is not upright.
    """

    worn_s: int
    rounded_s: int
    told: bool = True


class Interval(NamedTuple):
    """From ``low`` to ``high``, both within."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """How much the rounded minutes a worn hour of some days are above those of others before.

    ``interval`` is None where one side has fewer than :data:`MIN_DAYS` worn days.
    """

    before_min_h: float
    after_min_h: float
    before_days: int
    after_days: int
    interval: Interval | None

    @property
    def min_h(self) -> float:
        """After less before, rounded minutes a worn hour."""
        return self.after_min_h - self.before_min_h

    @property
    def may_be_chance(self) -> bool:
        """Whether these days would show as much without any change: 0 is within, or days are few."""
        return self.interval is None or self.interval.low <= 0.0 <= self.interval.high


def rate_min_h(days: Sequence[DaySeconds]) -> float | None:
    """Rounded minutes a worn hour over all days that were told; None where none was."""
    told = _with_data(days)
    worn_s = sum(day.worn_s for day in told)
    return 60.0 * sum(day.rounded_s for day in told) / worn_s if worn_s else None


def worn_days(days: Sequence[DaySeconds]) -> int:
    """How many of the days were worn for :data:`MIN_DAY_S` or more."""
    return sum(day.worn_s >= MIN_DAY_S for day in days)


def rate_interval(days: Sequence[DaySeconds]) -> Interval | None:
    """Where the rate of such days lies, by drawing days anew; None below :data:`MIN_DAYS` worn days."""
    worn = _with_data(days)[-MAX_DAYS:]
    if worn_days(worn) < MIN_DAYS:
        return None
    return _middle(_draws(worn, _generator(worn)))


def difference(before: Sequence[DaySeconds], after: Sequence[DaySeconds]) -> Difference | None:
    """The rates of two groups of days and how sure their difference is; None where one was not worn."""
    first, second = _with_data(before)[-MAX_DAYS:], _with_data(after)[-MAX_DAYS:]
    before_min_h, after_min_h = rate_min_h(first), rate_min_h(second)
    if before_min_h is None or after_min_h is None:
        return None
    interval = None
    counted = worn_days(first), worn_days(second)
    if min(counted) >= MIN_DAYS:
        generator = _generator([*first, DaySeconds(0, 0), *second])
        interval = _middle(_draws(second, generator) - _draws(first, generator))
    return Difference(before_min_h, after_min_h, *counted, interval)


def middle(values: Sequence[float | None]) -> float | None:
    """The median of what is known; None where nothing is."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    return float(median(known)) if known else None


def _with_data(days: Sequence[DaySeconds]) -> list[DaySeconds]:
    return [day for day in days if day.worn_s > 0 and day.told]


def _generator(days: Sequence[DaySeconds]) -> np.random.Generator:
    """Random numbers that are the same for the same days."""
    said = np.array([day[:2] for day in days], dtype="<i8").tobytes()
    return np.random.default_rng(int.from_bytes(hashlib.sha256(said).digest()[:8], "little"))


def _draws(days: Sequence[DaySeconds], generator: np.random.Generator) -> NDArray[np.float64]:
    """(DRAWS,) rates of as many days, drawn with replacement."""
    seconds = np.array(days, dtype=np.float64)
    drawn = seconds[generator.integers(0, len(days), (DRAWS, len(days)))].sum(axis=1)
    rates: NDArray[np.float64] = 60.0 * drawn[:, 1] / drawn[:, 0]
    return rates


def _middle(draws: NDArray[np.float64]) -> Interval:
    edge = 100.0 * (1.0 - HELD) / 2.0
    low, high = np.percentile(draws, (edge, 100.0 - edge))
    return Interval(float(low), float(high))
