"""Readings without a log behind them → numbered packets, and a clock for each of their epochs. Pure.

A sensor that only streams numbers nothing. Its samples are numbered here, from 0 in an epoch of their
own for every start of the stream; the line under their arrivals (:mod:`device_gateway.arrival`) is the
clock of the epoch. Where the make sends a time, that is the sensor's time and tells what was lost. Where
it sends none, the count is: what comes late and is followed by what comes in time was only late; what
stays late was preceded by a loss. Until that is known, readings are held back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from contracts.gatt import Position, SamplePacket
from contracts.imu import ImuScale, period_ns_of
from contracts.units import NS_PER_MS, NS_PER_S, NS_PER_US
from device_gateway.arrival import (
    LEAST_DELAY_NS,
    MOST_RATE_ERROR,
    WARMING_WINDOW_NS,
    Envelope,
    HostClock,
    Line,
)
from device_gateway.clock import MAX_DRIFT, Anchor, DeviceClock
from device_gateway.profiles.port import Readings

#: Readings are held back until the first line is drawn: for a crystal, whose rate is known to 0.02 %,
#: one second; for a count, whose rate is to be found, three.
SETTLE_CLOCKED_NS: Final = NS_PER_S
SETTLE_COUNTED_NS: Final = 3 * NS_PER_S
#: A first line of a count that is poorer than this, or than half a period, had a loss in it or a stall:
#: it is left behind, and a new one begun, so many times.
POOR_NS: Final = 15 * NS_PER_MS
MOST_BEGINNINGS: Final = 3
#: Later than so much of a period, and than the link's least delay wanders, is a stall or a loss.
LATE_PART: Final = 0.75
LATE_NS: Final = 8 * NS_PER_MS
#: What did not come in time for so long followed a loss: a link that delays all it has for longer is
#: about to be lost itself.
DECIDE_NS: Final = 2 * NS_PER_S
#: Where exactly it was lost is known to a sample or so: said in the error until that is committed.
UNSURE_NS: Final = NS_PER_S // 2
#: How late a count is for now shows in the earliest of so many seconds.
LATELY_S: Final = 2
#: How often the line is drawn anew; sooner where something came earlier than it allows.
REFIT_NS: Final = NS_PER_S
REFIT_LEAST_NS: Final = NS_PER_S // 10
EARLY_NS: Final = NS_PER_MS // 2
#: What comes earlier by more than a good line can be off shows that all before it was later than it
#: seemed (a first line from a stall, a loss that was none): the line steps, and does not bend down.
STEP_EARLY_NS: Final = 5 * NS_PER_MS
#: A time that is this much ahead of its arrival: the sensor's clock was set.
SET_AHEAD_NS: Final = NS_PER_S
#: A batch may deviate by 1 % from the rate it tells, of which corrections of the time need most. A rate
#: that is further off is told in tenths of a percent; again only where it must, since who reads it has
#: to begin anew.
TOLD_FROM: Final = 0.002
TOLD_AGAIN_FROM: Final = 0.005
#: Notifications that are held back at most, and epochs whose samples may still be on their way.
MAX_HELD: Final = 4096
MAX_EPOCHS: Final = 4
LAST_EPOCH: Final = 0xFFFF


@dataclass(slots=True, eq=False)
class _Heard:
    """Readings with the number of their first sample."""

    readings: Readings
    at_ns: int
    sequence: int
    lost: int


@dataclass(slots=True, eq=False)
class _Epoch:
    """Samples that one count numbers and one line places. ``period_ns``: as it is told."""

    number: int
    nominal_ns: int
    period_ns: int
    envelope: Envelope = field(default_factory=lambda: Envelope(window_ns=WARMING_WINDOW_NS))
    begun_ns: int | None = None
    heard: int = 0  # the number of the sample to come
    lost: int = 0  # of those before it, not said yet
    tells_before: bool = False  # its numbers begin behind what was lost of the epochs before
    heard_ns: int | None = None  # and its time by the sensor's clock
    line: Line | None = None
    drawn_ns: int = 0
    settled: bool = False
    unsure_until_ns: int = 0
    held: list[_Heard] = field(default_factory=list)
    least: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=LATELY_S))

    def first_ns(self, heard: _Heard) -> int:
        """The first sample's time by the sensor's clock, or by the count."""
        device_us = heard.readings.device_us
        return heard.sequence * self.period_ns if device_us is None else device_us * NS_PER_US

    def last_ns(self, heard: _Heard) -> int:
        """The last sample's; a notification is not earlier than this."""
        return self.first_ns(heard) + (heard.readings.count - 1) * self.period_ns

    def late_ns(self, heard: _Heard) -> int:
        """How much later it came than the earliest would have."""
        return 0 if self.line is None else heard.at_ns - self.line.at_ns(self.last_ns(heard))

    def draw(self, at_ns: int) -> None:
        """Draw the line anew."""
        self.line, self.drawn_ns = self.envelope.line(), at_ns

    def note_late(self, at_ns: int, late_ns: int) -> None:
        """Remember the least lateness of each second."""
        second = at_ns // NS_PER_S
        if self.least and self.least[-1][0] == second:
            late_ns = min(late_ns, self.least.pop()[1])
        self.least.append((second, late_ns))

    def lately_ns(self) -> int:
        """How late even the earliest of the last seconds was."""
        return max(0, min((late for _, late in self.least), default=0))


class Pacer:
    """One connection's stream of a make with a clock, or without.

    ``epoch``: the first one's number; ``clock_step_us``: how finely the sensor tells its time.
    """

    def __init__(
        self, epoch: int, rate_hz: float, scale: ImuScale, *, clock_step_us: int = 1
    ) -> None:
        self._scale = scale
        self._step_ns = clock_step_us * NS_PER_US
        self._at_ns = 0
        self._host = HostClock()
        self._counted = False
        self._begun_anew = 0
        nominal_ns = period_ns_of(rate_hz)
        self._epochs: deque[_Epoch] = deque(
            [_Epoch(epoch, nominal_ns, nominal_ns)], maxlen=MAX_EPOCHS
        )

    @property
    def position(self) -> Position:
        """Behind the last sample that was heard."""
        return Position(self._now.number, self._now.heard)

    @property
    def nominal_ns(self) -> int:
        """The nominal period."""
        return self._now.nominal_ns

    @property
    def _now(self) -> _Epoch:
        return self._epochs[-1]

    def heard_since(self, position: Position) -> int:
        """Samples that were heard from ``position`` on, where the last restart went on at the latest."""
        heard = 0
        for epoch in reversed(self._epochs):
            if epoch.number < position.epoch:
                break
            if epoch.number == position.epoch:
                return heard + epoch.heard - position.sequence
            heard += epoch.heard
            if epoch.tells_before:
                break
        return heard

    def restart(self, rate_hz: float, *, lost: int | None = None) -> list[SamplePacket]:
        """A new epoch, since the stream has a break or another rate; what was held back before it.

        ``lost``: samples that nobody took, to be said before the next; None where all are on their way.
        """
        epoch = self._now
        nominal_ns = period_ns_of(rate_hz)
        if epoch.begun_ns is None and epoch.nominal_ns == nominal_ns and not lost:
            return []
        packets = self._release(epoch, epoch.held[-1].at_ns) if epoch.held else []
        self._epochs.append(
            _Epoch(
                after(self._now.number),
                nominal_ns,
                nominal_ns,
                heard=lost or 0,
                lost=lost or 0,
                tells_before=lost is not None,
            )
        )
        self._begun_anew = 0
        return packets

    def take(self, readings: Readings, at_ns: int, utc_ns: int) -> list[SamplePacket]:
        """Packets of readings that arrived at ``at_ns`` of the monotonic clock, when UTC was ``utc_ns``.

        None while it is open whether they are late or follow a loss; then those before them too.
        """
        self._at_ns = at_ns
        self._host.seen(at_ns, utc_ns)
        if readings.count == 0:
            return []
        packets = self._restart_if_set(readings, at_ns)
        epoch = self._now
        heard = self._hear(epoch, readings, at_ns)
        epoch.held.append(heard)
        if not epoch.settled:
            epoch.envelope.add(epoch.last_ns(heard), at_ns)
            settle_ns = SETTLE_COUNTED_NS if self._counted else SETTLE_CLOCKED_NS
            if at_ns - (epoch.begun_ns or 0) < settle_ns and len(epoch.held) < MAX_HELD:
                return packets
        elif self._counted and not self._is_decided(epoch, heard):
            return packets
        return packets + self._release(epoch, at_ns)

    def corrected(self, clocks: Mapping[int, DeviceClock]) -> dict[int, DeviceClock]:
        """``clocks`` of our epochs as their lines are now; the times that they gave out stay."""
        made: dict[int, DeviceClock] = {}
        last = clocks[max(clocks)] if clocks else DeviceClock(self._epochs[0].number)
        for epoch in self._epochs:
            clock = clocks.get(epoch.number) or last.next_epoch(epoch.number)
            made[epoch.number] = last = self._by_line(epoch, clock)
        return made

    def _by_line(self, epoch: _Epoch, clock: DeviceClock) -> DeviceClock:
        line = epoch.line
        if line is None:
            return clock
        error_ns = LEAST_DELAY_NS + line.error_ns + self._step_ns
        left, right = (
            Anchor(sensor_ns, self._host.utc_ns(at_ns) - LEAST_DELAY_NS, error_ns)
            for sensor_ns, at_ns in line.ends
        )
        doubt_ns = self._host.doubt_ns
        if self._counted:
            doubt_ns += epoch.lately_ns()
            doubt_ns += epoch.period_ns if self._at_ns < epoch.unsure_until_ns else 0
        most = MOST_RATE_ERROR if self._counted else MAX_DRIFT
        return clock.with_line(left, right, doubt_ns=doubt_ns, most_drift=most)

    def _restart_if_set(self, readings: Readings, at_ns: int) -> list[SamplePacket]:
        """Begin an epoch where the sensor's clock began anew or was set."""
        epoch = self._now
        if readings.device_us is None or epoch.heard_ns is None:
            return []
        heard = _Heard(readings, at_ns, 0, 0)
        back = epoch.first_ns(heard) < epoch.heard_ns - epoch.period_ns
        if back or epoch.late_ns(heard) < -SET_AHEAD_NS:
            return self.restart(NS_PER_S / epoch.nominal_ns)
        return []

    def _hear(self, epoch: _Epoch, readings: Readings, at_ns: int) -> _Heard:
        """Number readings, behind what is known to be lost before them."""
        if epoch.begun_ns is None:
            epoch.begun_ns = at_ns
            self._counted = readings.device_us is None
            if not self._counted:
                epoch.envelope = Envelope(most_rate_error=MAX_DRIFT)
        said, epoch.lost = epoch.lost, 0
        lost = readings.lost_before
        if readings.device_us is not None:
            first_ns = readings.device_us * NS_PER_US
            if epoch.heard_ns is not None:
                lost = max(lost, round((first_ns - epoch.heard_ns) / epoch.period_ns))
            epoch.heard_ns = first_ns + readings.count * epoch.period_ns
        heard = _Heard(readings, at_ns, epoch.heard + lost, lost + said)
        epoch.heard = heard.sequence + readings.count
        return heard

    def _is_decided(self, epoch: _Epoch, newest: _Heard) -> bool:
        """Whether what is held was only late, or how much was lost before it."""
        if epoch.late_ns(newest) < max(LATE_NS, LATE_PART * epoch.period_ns):
            return True
        held = epoch.held
        if newest.at_ns - held[0].at_ns < DECIDE_NS and len(held) < MAX_HELD:
            return False
        _find_losses(epoch, newest.at_ns - DECIDE_NS // 2)
        epoch.unsure_until_ns = newest.at_ns + UNSURE_NS
        return True

    def _release(self, epoch: _Epoch, at_ns: int) -> list[SamplePacket]:
        """What is held, as packets, with the line as it is after them."""
        first = not epoch.settled
        if first:
            epoch.settled = True
            epoch.draw(at_ns)
            self._tell_rate(epoch)
        else:
            self._look_at_arrivals(epoch, at_ns)
        packets = [self._packet(epoch, heard) for heard in epoch.held]
        epoch.held.clear()
        if self._counted and epoch.line is not None:
            poor_ns = max(POOR_NS, epoch.period_ns // 2)
            if first and epoch.line.error_ns > poor_ns and self._begun_anew < MOST_BEGINNINGS:
                self._begun_anew += 1
                self._epochs.append(_Epoch(after(epoch.number), epoch.nominal_ns, epoch.nominal_ns))
            elif abs(epoch.line.rate_error) > TOLD_AGAIN_FROM:
                self._tell_rate_again(epoch, at_ns)
        return packets

    def _look_at_arrivals(self, epoch: _Epoch, at_ns: int) -> None:
        earliest_ns = 0
        for heard in epoch.held:
            late_ns = epoch.late_ns(heard)
            if epoch.line and -late_ns > max(STEP_EARLY_NS, epoch.line.error_ns):
                epoch.envelope.lower(-late_ns)
                epoch.draw(at_ns)
            epoch.envelope.add(epoch.last_ns(heard), heard.at_ns)
            epoch.note_late(heard.at_ns, late_ns)
            earliest_ns = min(earliest_ns, late_ns)
        since_ns = at_ns - epoch.drawn_ns
        if since_ns >= REFIT_NS or (earliest_ns < -EARLY_NS and since_ns >= REFIT_LEAST_NS):
            epoch.draw(at_ns)

    def _packet(self, epoch: _Epoch, heard: _Heard) -> SamplePacket:
        return SamplePacket(
            sequence=heard.sequence,
            device_us=epoch.first_ns(heard) // NS_PER_US,
            period_ns=epoch.period_ns,
            lost_before=heard.lost,
            epoch=epoch.number,
            scale=self._scale,
            samples=heard.readings.samples,
        )

    def _tell_rate(self, epoch: _Epoch) -> None:
        """Before anything of an epoch is out: count in periods of the rate that was found."""
        if not self._counted or epoch.line is None or abs(epoch.line.rate_error) <= TOLD_FROM:
            return
        period_ns = _told_ns(epoch)
        epoch.envelope = epoch.envelope.rescaled(0, epoch.period_ns, period_ns)
        epoch.period_ns = period_ns
        epoch.draw(epoch.drawn_ns)

    def _tell_rate_again(self, epoch: _Epoch, at_ns: int) -> None:
        """An epoch that goes on where this one ends, in periods that are nearer to the truth."""
        period_ns = _told_ns(epoch)
        if period_ns == epoch.period_ns:
            return
        zero_ns = epoch.heard * epoch.period_ns
        following = _Epoch(
            after(epoch.number),
            epoch.nominal_ns,
            period_ns,
            epoch.envelope.rescaled(zero_ns, epoch.period_ns, period_ns),
            begun_ns=at_ns,
            settled=True,
            least=epoch.least,
        )
        following.draw(at_ns)
        self._epochs.append(following)


def _find_losses(epoch: _Epoch, until_ns: int) -> None:
    """Number what is held behind what was lost, where nothing that followed came in time any more.

    So much follows whatever arrived before ``until_ns`` that this is no chance. Rounded down: part of
    the lateness is the link's.
    """
    least_ns = list(map(epoch.late_ns, epoch.held))
    for index in range(len(least_ns) - 2, -1, -1):
        least_ns[index] = min(least_ns[index], least_ns[index + 1])
    part_ns = (1.0 - LATE_PART) * epoch.period_ns
    lost = 0
    for heard, late_ns in zip(epoch.held, least_ns, strict=True):
        if heard.at_ns <= until_ns:
            more = int(max(0.0, late_ns + part_ns) / epoch.period_ns) - lost
            heard.lost += more
            lost += more
        heard.sequence += lost
    epoch.heard += lost


def _told_ns(epoch: _Epoch) -> int:
    """The period that was found, to a tenth of a percent of the nominal one."""
    if epoch.line is None:
        return epoch.period_ns
    found_ns = epoch.period_ns * (1.0 + epoch.line.rate_error)
    return epoch.nominal_ns * round(1000.0 * found_ns / epoch.nominal_ns) // 1000


def after(epoch: int) -> int:
    """The number of the next epoch. Once in 65,535 it begins anew, as a sensor that counts anew does."""
    return epoch % LAST_EPOCH + 1
