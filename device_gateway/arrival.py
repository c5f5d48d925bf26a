"""What the arrival of notifications says of the time that their samples were taken. Pure.

A notification is never earlier than its last sample, and often hardly later: so the line of the
sensor's time lies under all arrivals, close to the earliest ones. Jitter, bursts and stalls of the link
only add to the delay; they lift single points and leave the lower envelope where it is. Of the lines
under all points of a window the one is taken that comes nearest to them on the whole (the edge of the
lower hull above their mean: Moon, Skelly and Towsley, "Estimation and removal of clock skew from
network delay measurements", 1999).

Arrivals are told on a clock of the host that nobody sets; :class:`HostClock` turns it into UTC.
"""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import dataclass
from typing import Final

from contracts.units import NS_PER_MS, NS_PER_S

#: Long enough for the earliest of thousands of arrivals; a crystal's rate stays as it is for as long.
WINDOW_NS: Final = 60 * NS_PER_S
#: A cheap oscillator's does not while it warms up: by 0.3 % in three minutes it is 2 ms off the line.
WARMING_WINDOW_NS: Final = 30 * NS_PER_S
#: Of the arrivals within a tenth of a second the earliest says it all; 600 points a window.
BUCKET_NS: Final = NS_PER_S // 10
#: How late the quickest notification is nobody can see from arrivals. One connection interval at the
#: most, with the radio's time about 5 ms: the middle of that is reckoned with, half is the error.
LEAST_DELAY_NS: Final = 5 * NS_PER_MS // 2
#: Cheap RC oscillators are off by up to some percent.
MOST_RATE_ERROR: Final = 0.05
#: The rest of a line's error is about how far the worst third of its window stays above it.
THIRDS: Final = 3
SPREAD_FACTOR: Final = 4.0
#: and what changes of the link leave in a line for a while.
LEAST_ERROR_NS: Final = NS_PER_MS // 4
#: What a line through few points may be off: as much as a link stalls, shared among the points.
FEW_POINTS_NS: Final = 200 * NS_PER_MS

#: A host's clock that NTP slews (at most 500 ppm) is followed; what differs by more is a step.
SLEWED_NS: Final = 5 * NS_PER_MS
#: A step is believed when it has lasted: NTP takes a wrong one back within seconds.
STEP_LASTS_NS: Final = 10 * NS_PER_S
#: Part of a difference that is taken over at once: what is read of two clocks may be interrupted.
FOLLOWED_PART: Final = 8


@dataclass(frozen=True, slots=True)
class Line:
    """When samples of a sensor's time arrive at the earliest, and how far off that may be.

    ``ends``: the sensor's time and the host's at both ends of the window, the same where it has but one
    point; between and beyond them the line is straight. ``rate_error``: the host's rate, less 1.
    """

    ends: tuple[tuple[int, int], tuple[int, int]]
    rate_error: float
    error_ns: int

    def at_ns(self, sensor_ns: int) -> int:
        """The host's time at a sensor's time."""
        last_ns, last_at_ns = self.ends[1]
        away_ns = sensor_ns - last_ns
        return last_at_ns + away_ns + round(away_ns * self.rate_error)


class Envelope:
    """The earliest arrivals of a sliding window. ``most_rate_error``: what the sensor's clock can be off."""

    def __init__(
        self, *, most_rate_error: float = MOST_RATE_ERROR, window_ns: int = WINDOW_NS
    ) -> None:
        self._most = most_rate_error
        self._window_ns = window_ns
        self._origin: tuple[int, int] | None = None
        self._points: deque[tuple[int, int, int]] = deque()  # bucket, sensor's time, late
        self._rate_error = 0.0
        self._seen = 0

    def __len__(self) -> int:
        return len(self._points)

    def add(self, sensor_ns: int, at_ns: int) -> None:
        """A sample of ``sensor_ns``, later than all before it, arrived at ``at_ns``."""
        if self._origin is None:
            self._origin = (sensor_ns, at_ns)
        elapsed_ns, since_ns = sensor_ns - self._origin[0], at_ns - self._origin[1]
        late_ns = since_ns - elapsed_ns
        self._seen += 1
        bucket = at_ns // BUCKET_NS
        points = self._points
        if points and points[-1][0] >= bucket:
            _, other_ns, other_late_ns = points[-1]
            if late_ns - other_late_ns > self._rate_error * (elapsed_ns - other_ns):
                return
            points.pop()
        points.append((bucket, elapsed_ns, late_ns))
        oldest = bucket - self._window_ns // BUCKET_NS
        while points[0][0] < oldest:
            points.popleft()

    def lower(self, by_ns: int) -> None:
        """Take all arrivals so far for later ones: a line under what follows lies lower by so much."""
        self._points = deque((bucket, at, late - by_ns) for bucket, at, late in self._points)

    def rescaled(self, zero_ns: int, period_ns: int, new_period_ns: int) -> Envelope:
        """The same arrivals by a time that is 0 at ``zero_ns`` and counts other periods."""
        made = Envelope(most_rate_error=self._most, window_ns=self._window_ns)
        made._seen = self._seen
        if self._origin is None:
            return made
        sensor_ns, at_ns = self._origin
        made._origin = ((sensor_ns - zero_ns) * new_period_ns // period_ns, at_ns)
        for bucket, elapsed_ns, late_ns in self._points:
            scaled_ns = elapsed_ns * new_period_ns // period_ns
            made._points.append((bucket, scaled_ns, late_ns + elapsed_ns - scaled_ns))
        return made

    def line(self) -> Line | None:
        """The line under all points; None where there is none."""
        if self._origin is None or not self._points:
            return None
        points = [(elapsed_ns, late_ns) for _, elapsed_ns, late_ns in self._points]
        skew = max(-self._most, min(self._most, _hull_slope(points)))
        base_ns = min(late_ns - skew * elapsed_ns for elapsed_ns, late_ns in points)
        self._rate_error = skew
        sensor_ns, at_ns = self._origin

        def end(elapsed_ns: int) -> tuple[int, int]:
            return sensor_ns + elapsed_ns, at_ns + elapsed_ns + round(base_ns + skew * elapsed_ns)

        ends = end(points[0][0]), end(points[-1][0])
        return Line(ends, skew, self._error_ns(points, skew, base_ns))

    def _error_ns(self, points: list[tuple[int, int]], skew: float, base_ns: float) -> int:
        """Beside the least delay: how well each part of the window bears the line out."""
        first_ns, last_ns = points[0][0], points[-1][0]
        least = [float(FEW_POINTS_NS)] * THIRDS
        for elapsed_ns, late_ns in points:
            third = min(THIRDS - 1, THIRDS * (elapsed_ns - first_ns) // max(1, last_ns - first_ns))
            least[third] = min(least[third], late_ns - skew * elapsed_ns - base_ns)
        few_ns = FEW_POINTS_NS / max(1, self._seen)
        return LEAST_ERROR_NS + round(SPREAD_FACTOR * max(least) + few_ns)


def _hull_slope(points: list[tuple[int, int]]) -> float:
    """Slope of the lower hull's edge above the mean of the points; 0 where there is but one."""
    hull: list[tuple[int, int]] = []
    for x, y in points:
        while len(hull) > 1 and _turns_down(hull[-2], hull[-1], (x, y)):
            hull.pop()
        if hull and hull[-1][0] == x:
            if hull[-1][1] <= y:
                continue
            hull.pop()
        hull.append((x, y))
    mean = sum(x for x, _ in points) / len(points)
    for (left, low), (right, high) in itertools.pairwise(hull):
        if right >= mean:
            return (high - low) / (right - left)
    return 0.0


def _turns_down(a: tuple[int, int], b: tuple[int, int], c: tuple[int, int]) -> bool:
    """Whether ``b`` lies on or above the line from ``a`` to ``c``."""
    return (b[0] - a[0]) * (c[1] - a[1]) <= (c[0] - a[0]) * (b[1] - a[1])


class HostClock:
    """UTC of the host's monotonic clock. A step of UTC is doubted until it has lasted."""

    def __init__(self) -> None:
        self._ahead_ns: int | None = None
        self._stepped_ns = 0
        self._since_ns: int | None = None
        self.doubt_ns = 0

    def seen(self, at_ns: int, utc_ns: int) -> None:
        """Both clocks, read one after the other."""
        ahead_ns = utc_ns - at_ns
        if self._ahead_ns is None:
            self._ahead_ns = ahead_ns
        apart_ns = ahead_ns - self._ahead_ns
        if abs(apart_ns) <= SLEWED_NS:
            self._ahead_ns += apart_ns // FOLLOWED_PART
            self._since_ns, self.doubt_ns = None, 0
            return
        if self._since_ns is None or abs(ahead_ns - self._stepped_ns) > SLEWED_NS:
            self._since_ns = at_ns
        self._stepped_ns, self.doubt_ns = ahead_ns, abs(apart_ns)
        if at_ns - self._since_ns >= STEP_LASTS_NS:
            self._ahead_ns, self._since_ns, self.doubt_ns = ahead_ns, None, 0

    def utc_ns(self, at_ns: int) -> int:
        """UTC at a time of the monotonic clock; that itself before :meth:`seen`."""
        return at_ns + (self._ahead_ns or 0)
