"""Device clock → UTC for one epoch of one sensor. Pure: every value is immutable, no clock is read.

A clock is a short list of anchors (device time, UTC, how far the two may be apart), piecewise linear
between them and extended beyond them at the drift they show. Times of a sensor's samples never run
backwards and contiguous samples stay contiguous: where a new anchor moves the line, what was already
given out (the cursor) is left where it is and the difference is worked off slowly.
"""

from __future__ import annotations

import itertools
from typing import Final

import msgspec

from contracts.checks import FUTURE_LIMIT_NS, check_utc_ns
from contracts.errors import InvariantError
from contracts.gatt import SyncInfo
from contracts.messages import MAX_PERIOD_DEVIATION
from contracts.units import NS_PER_MS, NS_PER_S, NS_PER_US
from device_gateway.assembly import Run

#: Crystals are sold at ±20 to ±50 ppm, and age and cold double that; more is a wrong anchor.
MAX_DRIFT: Final = 200e-6
#: How far a crystal's drift itself wanders with the temperature of a worn sensor.
DRIFT_WANDER: Final = 5e-6
#: Half a round trip of a gateway we know nothing of: one connection interval of a phone (30 ms) and
#: some waiting for it.
SYNC_UNCERTAINTY_NS: Final = 20 * NS_PER_MS
#: A correction is worked off at 8 ms a second: below the 1 % that a batch's period may deviate, and a
#: third of a second, as NTP may put right, within a minute.
SLEW: Final = 0.008
#: A line that is ahead by more is stepped to: at the slew rate it would take minutes of wrong times.
STEP_AHEAD_NS: Final = NS_PER_S
#: Closer anchors would turn their own errors into drift.
MIN_SPACING_NS: Final = 10 * NS_PER_S
#: Two anchors bound a piece of the line when their errors bend it by less than this,
MAX_BEND: Final = 0.003
#: and a third is kept between them when the drift of each piece is known this well.
KEPT_BEND: Final = 50e-6
MAX_KNOTS: Final = 32
#: An anchor that contradicts the drift limit is believed when as many in a row say the same: the
#: host's clock was set, and stays so.
CONFIRMATIONS: Final = 3
#: Rounding of µs and of a batch's integer period.
ROUNDING_NS: Final = 5 * NS_PER_US
MAX_ERROR_NS: Final = 24 * 3600 * NS_PER_S


class Anchor(msgspec.Struct, frozen=True, array_like=True):
    """The device clock said ``device_ns`` at ``utc_ns``, give or take ``uncertainty_ns``."""

    device_ns: int
    utc_ns: int
    uncertainty_ns: int


class Placed(msgspec.Struct, frozen=True):
    """When a run of samples was taken: first sample and period in UTC ns, and the error's bound."""

    t0_ns: int
    period_ns: int
    error_ns: int


class DeviceClock(msgspec.Struct, frozen=True, array_like=True):
    """The mapping of one epoch. ``cursor``: where the last batch ended, device ns and UTC ns.

    A cursor with no device time is a floor left by an earlier epoch. ``most_drift``: what its clock
    may be off, more than a crystal where it is a count of samples.
    """

    epoch: int
    knots: tuple[Anchor, ...] = ()
    cursor_device_ns: int | None = None
    cursor_utc_ns: int | None = None
    doubts: int = 0
    doubt_ns: int = 0
    most_drift: float = MAX_DRIFT

    @property
    def known(self) -> bool:
        """Whether there is any anchor to place samples by."""
        return bool(self.knots)

    def next_epoch(self, epoch: int) -> DeviceClock:
        """The clock of a later epoch: no anchors, and nothing before what was given out."""
        return DeviceClock(epoch, cursor_utc_ns=self.cursor_utc_ns)

    def with_sync(self, sync: SyncInfo) -> DeviceClock:
        """Begin with what others set the sensor's clock to. Ignored where we have anchors of our own."""
        if self.knots or not sync.known:
            return self
        first, last = (
            Anchor(device_us * NS_PER_US, utc_us * NS_PER_US, SYNC_UNCERTAINTY_NS)
            for device_us, utc_us in (
                (sync.first_device_us, sync.first_utc_us),
                (sync.last_device_us, sync.last_utc_us),
            )
        )
        begun = msgspec.structs.replace(self, knots=(last,))
        if not _too_close(first, last) and _plausible(first, last):
            begun = msgspec.structs.replace(self, knots=(first, last))
        return begun

    def with_anchor(self, anchor: Anchor, *, trusted: bool = False) -> DeviceClock:
        """The clock with a new anchor at its end.

        ``trusted``: what contradicts it gives way at once (the first anchor of our own against what
        others said). Otherwise a contradiction must be confirmed before it is believed.
        """
        if not self.knots:
            return msgspec.structs.replace(self, knots=(anchor,), doubts=0, doubt_ns=0)
        if not _plausible(self.knots[-1], anchor):
            return self._doubt(anchor, confirmed=trusted)
        if trusted:
            consistent = tuple(k for k in self.knots if _plausible(k, anchor))
            return _appended(msgspec.structs.replace(self, knots=consistent), anchor)
        return _appended(self, anchor)

    def _doubt(self, anchor: Anchor, *, confirmed: bool) -> DeviceClock:
        doubts = self.doubts + 1
        if anchor.device_ns <= self.knots[-1].device_ns:  # the sensor counts anew
            return DeviceClock(self.epoch, (anchor,), cursor_utc_ns=self.cursor_utc_ns)
        if self.utc_ns(anchor.device_ns) > anchor.utc_ns + FUTURE_LIMIT_NS:
            # The host's clock was set back by more than a day. Nobody takes times from there, so
            # that to go on from them would lose all samples until the day has come.
            return DeviceClock(self.epoch, (anchor,))
        if confirmed or doubts >= CONFIRMATIONS:
            return msgspec.structs.replace(self, knots=(anchor,), doubts=0, doubt_ns=0)
        apart_ns = abs(anchor.utc_ns - self._line_ns(anchor.device_ns))
        return msgspec.structs.replace(self, doubts=doubts, doubt_ns=apart_ns)

    def with_line(
        self, left: Anchor, right: Anchor, *, doubt_ns: int, most_drift: float
    ) -> DeviceClock:
        """The clock by a line that was drawn elsewhere, through two anchors; what it gave out stays.

        ``doubt_ns`` is added to its error; ``most_drift``: what the sensor's clock may be off.
        """
        knots = (right,) if left.device_ns >= right.device_ns else (left, right)
        made = msgspec.structs.replace(
            self, knots=knots, doubts=0, doubt_ns=doubt_ns, most_drift=most_drift
        )
        if (self.cursor_utc_ns or 0) > right.utc_ns + FUTURE_LIMIT_NS:  # as in _doubt
            return msgspec.structs.replace(made, cursor_device_ns=None, cursor_utc_ns=None)
        return made

    def is_past(self, knot: Anchor) -> bool:
        """Whether all times up to an anchor were given out."""
        return self.cursor_device_ns is not None and self.cursor_device_ns >= knot.device_ns

    def _line_ns(self, device_ns: int) -> int:
        """UTC by the anchors alone."""
        knots = self.knots
        if not knots:
            raise InvariantError("A clock without an anchor was asked for the time.")
        if len(knots) == 1 or not knots[0].device_ns <= device_ns <= knots[-1].device_ns:
            near = knots[0] if device_ns < knots[0].device_ns else knots[-1]
            return _extend(near, self._drift(), device_ns)
        for left, right in itertools.pairwise(knots):
            if device_ns <= right.device_ns:
                return _extend(left, _skew(left, right), device_ns)
        raise InvariantError("Anchors of a clock are out of order.")

    def _drift(self) -> float:
        """Rate of UTC against the device clock, less 1, beyond the anchors. 0 where nobody knows."""
        first, last = self.knots[0], self.knots[-1]
        if len(self.knots) == 1 or _bend(first, last) > self.most_drift:
            return 0.0
        return max(-self.most_drift, min(self.most_drift, _skew(first, last)))

    def _drift_error(self) -> float:
        first, last = self.knots[0], self.knots[-1]
        if len(self.knots) == 1 or _bend(first, last) > self.most_drift:
            return self.most_drift
        return min(self.most_drift, _bend(first, last) + DRIFT_WANDER)

    def _behind_ns(self, device_ns: int) -> int:
        """What of an earlier mapping is still to be worked off at ``device_ns``: mapped minus line."""
        if self.cursor_device_ns is None or self.cursor_utc_ns is None:
            return 0
        offset_ns = self.cursor_utc_ns - self._line_ns(self.cursor_device_ns)
        if offset_ns < -STEP_AHEAD_NS:
            return 0
        worked_off_ns = int(SLEW * max(0, device_ns - self.cursor_device_ns))
        rest_ns = max(0, abs(offset_ns) - worked_off_ns)
        return rest_ns if offset_ns > 0 else -rest_ns

    def utc_ns(self, device_ns: int) -> int:
        """UTC of a device time at or after the cursor."""
        return self._line_ns(device_ns) + self._behind_ns(device_ns)

    def error_ns(self, device_ns: int) -> int:
        """How far :meth:`utc_ns` may be from the truth, ns, at most a day."""
        knots = self.knots
        if device_ns < knots[0].device_ns or device_ns > knots[-1].device_ns:
            near = knots[0] if device_ns < knots[0].device_ns else knots[-1]
            away_ns = abs(device_ns - near.device_ns)
            error_ns = near.uncertainty_ns + away_ns * self._drift_error()
        else:
            left = max((k for k in knots if k.device_ns <= device_ns), key=lambda k: k.device_ns)
            right = min((k for k in knots if k.device_ns >= device_ns), key=lambda k: k.device_ns)
            away_ns = min(device_ns - left.device_ns, right.device_ns - device_ns)
            error_ns = max(left.uncertainty_ns, right.uncertainty_ns) + away_ns * DRIFT_WANDER
        error_ns += abs(self._behind_ns(device_ns)) + self.doubt_ns + ROUNDING_NS
        return min(MAX_ERROR_NS, int(error_ns))

    def place(self, run: Run, *, now_ns: int) -> tuple[Placed, DeviceClock]:
        """When a run was taken, and the clock with its cursor behind the run.

        DecodeError where that would be before 2020 or over a day after ``now_ns``.
        """
        start_ns = run.device_us * NS_PER_US
        stop_ns = start_ns + run.count * run.period_ns
        clock = self._not_before_cursor(start_ns, run.period_ns)
        t0_ns = clock.utc_ns(start_ns)
        period_ns = run.period_ns
        if run.count:
            most_ns = int(run.period_ns * MAX_PERIOD_DEVIATION * 0.9)
            mapped_ns = round((clock.utc_ns(stop_ns) - t0_ns) / run.count)
            period_ns = max(run.period_ns - most_ns, min(run.period_ns + most_ns, mapped_ns))
        end_ns = t0_ns + run.count * period_ns
        check_utc_ns("time of a sample", t0_ns, now_ns=now_ns)
        check_utc_ns("time of a sample", end_ns, now_ns=now_ns)
        error_ns = max(clock.error_ns(start_ns), clock.error_ns(stop_ns))
        moved = msgspec.structs.replace(clock, cursor_device_ns=stop_ns, cursor_utc_ns=end_ns)
        return Placed(t0_ns, period_ns, error_ns), moved

    def _not_before_cursor(self, start_ns: int, period_ns: int) -> DeviceClock:
        """A clock whose next sample is after the last: itself, or one that starts there."""
        floor_ns = self.cursor_utc_ns
        if floor_ns is None or self.utc_ns(start_ns) >= floor_ns - period_ns // 2:
            return self
        return msgspec.structs.replace(self, cursor_device_ns=start_ns)


def round_trip_anchor(sent_ns: int, received_ns: int, device_us: int) -> Anchor:
    """The anchor of a command that the sensor took at ``device_us``: the middle of the round trip."""
    if received_ns < sent_ns:  # the host's clock was set back meanwhile
        return Anchor(device_us * NS_PER_US, received_ns, MAX_ERROR_NS)
    half_ns = (received_ns - sent_ns) // 2
    return Anchor(device_us * NS_PER_US, sent_ns + half_ns, half_ns + NS_PER_US)


def narrowed(anchor: Anchor, other: Anchor) -> Anchor:
    """What two round trips say together, at the device time of ``other``, soon after ``anchor``.

    The way there of one may have been quick and the way back of the other: the time lies within both.
    The better of the two where nothing lies within both, since the host's clock was set in between.
    """
    utc_ns = anchor.utc_ns + other.device_ns - anchor.device_ns
    low_ns = max(utc_ns - anchor.uncertainty_ns, other.utc_ns - other.uncertainty_ns)
    high_ns = min(utc_ns + anchor.uncertainty_ns, other.utc_ns + other.uncertainty_ns)
    if low_ns > high_ns:
        return min(anchor, other, key=lambda one: one.uncertainty_ns)
    half_ns = (high_ns - low_ns + 1) // 2
    return Anchor(other.device_ns, low_ns + half_ns, half_ns)


def _appended(clock: DeviceClock, anchor: Anchor) -> DeviceClock:
    """``clock`` with a plausible anchor at its end, and no more anchors than it needs."""
    knots = list(clock.knots)
    if _too_close(knots[-1], anchor) and anchor.uncertainty_ns > knots[-1].uncertainty_ns:
        return msgspec.structs.replace(clock, doubts=0, doubt_ns=0)
    if len(knots) > 1 and _bend(knots[-1], anchor) > KEPT_BEND and not _is_needed(clock):
        knots.pop()
    while knots and _too_close(knots[-1], anchor):
        knots.pop()
    knots.append(anchor)
    if len(knots) > MAX_KNOTS:
        knots.pop(0 if clock.is_past(knots[1]) else -2)
    return msgspec.structs.replace(clock, knots=tuple(knots), doubts=0, doubt_ns=0)


def _is_needed(clock: DeviceClock) -> bool:
    """Whether the last anchor, a good one, still places samples that were not given a time yet."""
    before, last = clock.knots[-2:]
    return not clock.is_past(last) and _bend(before, last) <= KEPT_BEND


def _extend(anchor: Anchor, drift: float, device_ns: int) -> int:
    away_ns = device_ns - anchor.device_ns
    return anchor.utc_ns + away_ns + round(away_ns * drift)


def _skew(left: Anchor, right: Anchor) -> float:
    device_ns = right.device_ns - left.device_ns
    return (right.utc_ns - left.utc_ns - device_ns) / device_ns


def _bend(left: Anchor, right: Anchor) -> float:
    """How much of the drift between two anchors may be their own errors."""
    apart_ns = abs(right.device_ns - left.device_ns)
    return (left.uncertainty_ns + right.uncertainty_ns) / max(1, apart_ns)


def _too_close(left: Anchor, right: Anchor) -> bool:
    apart_ns = right.device_ns - left.device_ns
    return apart_ns < MIN_SPACING_NS or _bend(left, right) > MAX_BEND


def _plausible(left: Anchor, right: Anchor) -> bool:
    """Whether one crystal within the drift limit can have given both anchors."""
    device_ns = right.device_ns - left.device_ns
    apart_ns = abs(right.utc_ns - left.utc_ns - device_ns)
    allowed_ns = left.uncertainty_ns + right.uncertainty_ns + ROUNDING_NS
    return device_ns >= 0 and apart_ns <= allowed_ns + MAX_DRIFT * device_ns
