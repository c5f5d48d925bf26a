"""Checks that every decoder shares: ids, finite numbers, ranges and believable times.

Each returns the value it was given or raises :class:`~contracts.errors.DecodeError`.
"""

from __future__ import annotations

import math
from typing import Final

from contracts.errors import DecodeError, Reason
from contracts.units import NS_PER_S
from contracts.vocabulary import is_id

#: 2020-01-01T00:00:00Z: no sensor of ours is older, so an earlier time is a clock that was never set.
EARLIEST_UTC_NS: Final = 1_577_836_800 * NS_PER_S
#: A clock may be wrong by a day (a time zone taken for UTC) before what it says is refused.
FUTURE_LIMIT_NS: Final = 24 * 3600 * NS_PER_S
#: The last time that fits in int64 nanoseconds, less the margin above (the year 2262).
LATEST_UTC_NS: Final = 2**63 - 1 - FUTURE_LIMIT_NS
MAX_SHOWN_DIGITS: Final = 40
MAX_QUOTED_CHARS: Final = 100


def check_id(field: str, value: str) -> str:
    """An id of ``[A-Za-z0-9_-]{1,64}``."""
    if not is_id(value):
        raise DecodeError(
            Reason.BAD_ID,
            f"{field} is not an id: {quoted(value)} (wanted [A-Za-z0-9_-], 1 to 64 long).",
        )
    return value


def check_finite(field: str, value: float) -> float:
    """A number that is neither NaN nor infinite. An int is finite, however long it is."""
    if not isinstance(value, int) and not math.isfinite(value):
        raise DecodeError(Reason.NOT_FINITE, f"{field} is {value}, not a finite number.")
    return value


def check_range(field: str, value: float, low: float, high: float) -> float:
    """A finite number in [low, high]."""
    if low <= value <= high and abs(value) != math.inf:  # no NaN is
        return value
    check_finite(field, value)
    raise DecodeError(
        Reason.OUT_OF_RANGE, f"{field} is {shown(value)}; allowed is {low} to {high}."
    )


def check_utc_ns(field: str, utc_ns: int, *, now_ns: int | None) -> int:
    """A UTC time in ns, not before 2020 and not over a day after ``now_ns`` (None: only the year 2262)."""
    if utc_ns < EARLIEST_UTC_NS:
        raise DecodeError(Reason.TIME_BEFORE_2020, f"{field} is {shown(utc_ns)} ns, before 2020.")
    limit_ns = LATEST_UTC_NS if now_ns is None else now_ns + FUTURE_LIMIT_NS
    if utc_ns > limit_ns:
        raise DecodeError(
            Reason.TIME_IN_FUTURE, f"{field} is {shown(utc_ns)} ns, over a day in the future."
        )
    return utc_ns


def quoted(text: str) -> str:
    """What a peer sent as a message shows it: cut, and nothing unprintable."""
    return repr(text[:MAX_QUOTED_CHARS])[: MAX_QUOTED_CHARS + 2]


def shown(value: float) -> str:
    """A number as a message shows it: what a peer sent may be thousands of digits long."""
    if isinstance(value, int) and abs(value) >= 10**MAX_SHOWN_DIGITS:
        return f"a number of over {MAX_SHOWN_DIGITS} digits"
    return str(value)
