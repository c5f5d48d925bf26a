"""How right the gateway's times are, against the true times of sensors that are simulated here.

Simulated time, so that minutes take seconds: a link that jitters, stalls and delivers in bursts, sensors
whose clocks drift, wrap and begin anew, a host whose clock is set. What is measured is what the gateway
runs: :class:`~device_gateway.pacing.Pacer` for sensors that only stream, round trips and
:class:`~device_gateway.clock.DeviceClock` for the native one, and the same placing of samples for both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import numpy as np

from contracts import gatt
from contracts.errors import InvariantError
from contracts.gatt import Position
from contracts.imu import DEFAULT_SCALE, Int16Samples
from contracts.units import NS_PER_MS, NS_PER_S, NS_PER_US
from device_gateway.assembly import Assembler
from device_gateway.batches import Batch
from device_gateway.clock import Anchor, DeviceClock, narrowed, round_trip_anchor
from device_gateway.clocks import Looks
from device_gateway.control import CLOCK_PROBES, MOST_CLOCK_PROBES, QUICK_NS
from device_gateway.pacing import Pacer
from device_gateway.placing import place_runs
from device_gateway.profiles.port import Readings

START_NS: Final = 1_790_000_000 * NS_PER_S
#: The monotonic clock began somewhere.
BOOT_NS: Final = 12_345 * NS_PER_S
#: Errors count from a minute on, after the start and after the last time the host's clock was set.
AFTER_S: Final = 60.0
COMMIT_NS: Final = NS_PER_S // 5
U32: Final = 2**32


@dataclass(frozen=True, slots=True)
class LinkModel:
    """Delays: never under ``floor_ms``, up to ``jitter_ms`` more, and stalls that end in a burst."""

    floor_ms: float = 2.0
    jitter_ms: float = 15.0
    stalls_a_minute: float = 4.0
    stall_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Case:
    """A sensor, its link and its host. ``clock_unit_us`` 0: the make sends no time."""

    name: str
    rate_hz: float = 50.0
    a_packet: int = 1
    clock_unit_us: int = 1
    drift_ppm: float = 0.0
    link: LinkModel = LinkModel()
    lost_a_minute: float = 0.0
    counts_anew_s: float | None = None
    first_device_us: int = 0
    host_steps: tuple[tuple[float, float], ...] = ()  # (when s, by how many s from then on)
    seconds: float = 300.0
    native: bool = False

    @property
    def after_s(self) -> float:
        """From when on errors count."""
        return AFTER_S + max((when_s for when_s, _ in self.host_steps), default=0.0)

    def true_ns(self, index: int) -> int:
        """When a sample was taken."""
        return START_NS + round(index * NS_PER_S / self.rate_hz / (1.0 + self.drift_ppm * 1e-6))

    def device_us(self, true_ns: int) -> int:
        """What the sensor's clock says."""
        since_ns = (true_ns - START_NS) * (1.0 + self.drift_ppm * 1e-6)
        return self.first_device_us + int(since_ns) // NS_PER_US


@dataclass(slots=True)
class Errors:
    """By batch: when it was taken (s from the start), how far off its times are, and its bound (ns)."""

    at_s: list[float] = field(default_factory=list)
    error_ns: list[int] = field(default_factory=list)
    bound_ns: list[int] = field(default_factory=list)
    samples: int = 0
    said_lost: int = 0
    truly_lost: int = 0

    def note(self, at_s: float, error_ns: int, bound_ns: int) -> None:
        """One batch."""
        self.at_s.append(at_s)
        self.error_ns.append(error_ns)
        self.bound_ns.append(bound_ns)

    def add(self, other: Errors) -> None:
        """Those of another run too."""
        self.at_s += other.at_s
        self.error_ns += other.error_ns
        self.bound_ns += other.bound_ns
        self.samples += other.samples
        self.said_lost += other.said_lost
        self.truly_lost += other.truly_lost

    def figures(self, after_s: float = AFTER_S) -> dict[str, Any]:
        """Percentiles in ms of the errors after ``after_s``, and how often the bound covers them.

        The bound of every batch counts, but where the host itself did not know better.
        """
        at_s, bound = np.array(self.at_s), np.array(self.bound_ns)
        error = np.abs(np.array(self.error_ns))
        late = at_s >= after_s
        if not late.any():
            return {"batches": 0}
        p50, p99, most = (float(v) / NS_PER_MS for v in np.percentile(error[late], (50, 99, 100)))
        return {
            "batches": int(late.sum()),
            "error p50 ms": p50,
            "error p99 ms": p99,
            "error max ms": most,
            "bound p50 ms": float(np.median(bound[late])) / NS_PER_MS,
            "within the bound": float(np.mean((error <= bound)[at_s >= after_s - AFTER_S])),
            "samples lost": self.truly_lost,
            "said to be lost": self.said_lost,
        }


class Delays:
    """When what is sent arrives: in order, after the link's delay, or at the end of a stall."""

    def __init__(self, link: LinkModel, random: Random, start_ns: int) -> None:
        self._link = link
        self._random = random
        self._last_ns = 0
        self._stall = (start_ns, start_ns)
        self._next_stall(start_ns)

    def arrival_ns(self, sent_ns: int) -> int:
        """For something sent not before what was asked for last."""
        link = self._link
        delay_ms = link.floor_ms + self._random.random() * link.jitter_ms
        arrival_ns = sent_ns + round(delay_ms * NS_PER_MS)
        while arrival_ns > self._stall[1]:
            self._next_stall(self._stall[1])
        if arrival_ns >= self._stall[0]:
            arrival_ns = self._stall[1]
        self._last_ns = max(self._last_ns + 20 * NS_PER_US, arrival_ns)
        return self._last_ns

    def _next_stall(self, after_ns: int) -> None:
        a_minute = self._link.stalls_a_minute
        wait_s = self._random.expovariate(a_minute / 60.0) if a_minute else 1e6
        begin_ns = after_ns + round(wait_s * NS_PER_S)
        length_s = self._link.stall_s * self._random.random()
        self._stall = (begin_ns, begin_ns + round(length_s * NS_PER_S))


def host_ns(case: Case, true_ns: int) -> int:
    """What the host's clock says."""
    since_s = (true_ns - START_NS) / NS_PER_S
    steps_s = [by_s for when_s, by_s in case.host_steps if since_s >= when_s]
    return true_ns + round((steps_s[-1] if steps_s else 0.0) * NS_PER_S)


def marked(first: int, count: int) -> Int16Samples:
    """Samples that tell which they are."""
    index = np.arange(first, first + count)
    samples = np.zeros((count, 6), np.int16)
    samples[:, 0], samples[:, 1] = index % 2**15, index // 2**15
    return samples


def index_of(batch: Batch) -> int:
    """Which sample a batch begins with."""
    low, high = np.frombuffer(batch.readings[:4], "<i2").tolist()
    return int(low + 2**15 * high)


def notifications(case: Case, random: Random) -> Iterator[tuple[int, Readings, int]]:
    """(arrival in true ns, readings, samples lost before them) of a streaming sensor."""
    period_ns = NS_PER_S / case.rate_hz
    delays = Delays(case.link, random, START_NS)
    chance = case.lost_a_minute / 60.0 * case.a_packet / case.rate_hz
    anew_us, unwrapped_us, lost = 0, case.first_device_us, 0
    for first in range(0, int(case.seconds * case.rate_hz), case.a_packet):
        if random.random() < chance:
            lost += case.a_packet
            continue
        device_us = round(first * period_ns / NS_PER_US)
        if case.counts_anew_s is not None and first * period_ns > case.counts_anew_s * NS_PER_S:
            anew_us = anew_us or device_us
            device_us -= anew_us
        stamp = (device_us + case.first_device_us) // max(1, case.clock_unit_us)
        unwrapped_us = unwrap(unwrapped_us, stamp % U32, case.clock_unit_us)
        sent_ns = case.true_ns(first + case.a_packet - 1)
        readings = Readings(
            marked(first, case.a_packet), unwrapped_us if case.clock_unit_us else None
        )
        yield delays.arrival_ns(sent_ns), readings, lost
        lost = 0


def unwrap(before_us: int, stamp: int, unit_us: int) -> int:
    """A u32 of ``unit_us`` as a time that does not wrap, given the one before; as the codecs do it."""
    if not unit_us:
        return 0
    wraps = before_us // (U32 * unit_us)
    nearest = min(
        ((wraps + more) * U32 + stamp for more in (-1, 0, 1)),
        key=lambda units: abs(units * unit_us - before_us),
    )
    return max(0, nearest) * unit_us


def measure(case: Case, seed: int) -> Errors:
    """Errors of the case's sensor, whichever make it is."""
    return measure_native(case, seed) if case.native else measure_stream(case, seed)


def measure_stream(case: Case, seed: int) -> Errors:
    """Errors of a sensor that only streams."""
    random = Random(seed)
    pacer = Pacer(1, case.rate_hz, DEFAULT_SCALE, clock_step_us=max(1, case.clock_unit_us))
    placing = Placing(case, Assembler(Position(1, 0), keeps_log=case.native))
    for arrival_ns, readings, lost in notifications(case, random):
        placing.errors.truly_lost += lost
        at_ns = arrival_ns - START_NS + BOOT_NS
        for packet in pacer.take(readings, at_ns, host_ns(case, arrival_ns)):
            placing.assembler.add(packet)
        placing.commit(arrival_ns, pacer.corrected)
    return placing.errors


def measure_native(case: Case, seed: int) -> Errors:
    """Errors of the native sensor, live: its clock is looked at over round trips as the gateway does."""
    random = Random(seed)
    placing = Placing(case, Assembler(Position(1, 0), keeps_log=case.native))
    delays = Delays(case.link, random, START_NS)
    round_trips = RoundTrips(case, random)
    state = DeviceClock(1).with_anchor(round_trips.anchor(START_NS), trusted=True)
    placing.clocks = {1: state}
    looks = Looks()
    looks.done(START_NS, host_ns(case, START_NS))
    period_ns = round(NS_PER_S / case.rate_hz)
    for first in range(0, int(case.seconds * case.rate_hz), case.a_packet):
        arrival_ns = delays.arrival_ns(case.true_ns(first + case.a_packet - 1))
        placing.assembler.add(_native_packet(case, first, period_ns))
        doubted = any(known.doubts for known in placing.clocks.values())
        utc_ns = host_ns(case, arrival_ns)
        if looks.due(arrival_ns, utc_ns, doubted=doubted):
            looks.done(arrival_ns, utc_ns)
            anchor = round_trips.anchor(arrival_ns)
            placing.clocks[1] = placing.clocks[1].with_anchor(anchor)
        placing.commit(arrival_ns, dict)
    return placing.errors


def _native_packet(case: Case, first: int, period_ns: int) -> gatt.SamplePacket:
    return gatt.SamplePacket(
        sequence=first,
        device_us=case.first_device_us + first * period_ns // NS_PER_US,
        period_ns=period_ns,
        lost_before=0,
        epoch=1,
        scale=DEFAULT_SCALE,
        samples=marked(first, case.a_packet),
    )


@dataclass(slots=True)
class RoundTrips:
    """The gateway's questions for the sensor's clock: each leg has the link's delays."""

    case: Case
    random: Random

    def anchor(self, true_ns: int) -> Anchor:
        """The best of as many questions as the gateway asks."""
        best: Anchor | None = None
        for probes in range(MOST_CLOCK_PROBES):
            if probes >= CLOCK_PROBES and best is not None and best.uncertainty_ns <= QUICK_NS:
                break
            sent_ns = host_ns(self.case, true_ns)
            true_ns += self._leg_ns()
            device_us = self.case.device_us(true_ns)
            true_ns += self._leg_ns()
            anchor = round_trip_anchor(sent_ns, host_ns(self.case, true_ns), device_us)
            best = anchor if best is None else narrowed(best, anchor)
        if best is None:
            raise InvariantError("A clock is asked for at least once.")
        return best

    def _leg_ns(self) -> int:
        link = self.case.link
        return round((link.floor_ms + self.random.random() * link.jitter_ms) * NS_PER_MS)


@dataclass(slots=True)
class Placing:
    """Commits as the intake does: five a second, each run placed by the clocks as they are then."""

    case: Case
    assembler: Assembler
    clocks: dict[int, DeviceClock] = field(default_factory=dict)
    errors: Errors = field(default_factory=Errors)
    committed_ns: int = 0

    def commit(self, true_ns: int, corrected: Any) -> None:
        """Place what came since the last commit, if that is a while ago."""
        if true_ns - self.committed_ns < COMMIT_NS:
            return
        self.committed_ns = true_ns
        taken = self.assembler.take(flush=True)
        now_ns = host_ns(self.case, true_ns)
        placed = place_runs(taken.runs, corrected(self.clocks), now_ns=now_ns)
        self.clocks = placed.clocks
        for batch in placed.batches:
            self._note(batch)

    def _note(self, batch: Batch) -> None:
        first = index_of(batch)
        off_ns = [
            batch.t0_ns + step * batch.period_ns - self.case.true_ns(first + step)
            for step in (0, batch.count - 1)
        ]
        at_s = (self.case.true_ns(first) - START_NS) / NS_PER_S
        self.errors.note(at_s, max(off_ns, key=abs), batch.clock_error_ns)
        self.errors.samples += batch.count
        self.errors.said_lost += batch.lost_before
