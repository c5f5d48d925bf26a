"""Packets → contiguous runs of samples, each exactly once, whatever is resent. Pure.

A run is cut where samples were lost, where epoch, scale, period or the device clock change, at the
sensor's END and at ``max_samples``. A hole that the sensor did not announce means that a packet was
lost on the way: nothing more is taken until the sensor was asked again from there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

import numpy as np

from contracts.gatt import Position, SamplePacket
from contracts.imu import ImuScale
from contracts.units import NS_PER_US

#: One minute at 50 Hz, 36 kB: long enough that a day is a thousand messages, short enough for a link.
MAX_RUN_SAMPLES: Final = 3000
_READING: Final = np.dtype("<i2")


class Outcome(Enum):
    """What became of a packet."""

    TAKEN = "taken"
    DUPLICATE = "duplicate"  # all of it was there already
    HOLE = "hole"  # samples before it are missing, and the sensor did not say that it lost them
    IGNORED = "ignored"  # came behind a hole; it will come again


@dataclass(frozen=True, slots=True)
class Run:
    """Samples without a gap: ``readings`` is (count, 6) int16 little-endian, as on the wire."""

    epoch: int
    sequence: int
    device_us: int
    period_ns: int
    scale: ImuScale
    readings: bytes
    lost_before: int = 0
    end: bool = False

    @property
    def count(self) -> int:
        """How many samples."""
        return len(self.readings) // SamplePacket.SAMPLE_BYTES


@dataclass(frozen=True, slots=True)
class Taken:
    """Finished runs, and where the sensor is to go on once they are safe."""

    runs: tuple[Run, ...]
    position: Position
    ended: bool


@dataclass(slots=True)
class _Open:
    """The run being made."""

    first: SamplePacket
    sequence: int
    device_us: int
    lost_before: int
    parts: list[bytes] = field(default_factory=list)
    count: int = 0

    def goes_on_with(self, packet: SamplePacket, device_us: int) -> bool:
        """Whether a packet that follows without a hole is of one piece with this run."""
        first = self.first
        expected_us = self.device_us + self.count * first.period_ns // NS_PER_US
        # An eighth of a period: more than the clock's rounding, less than a reader would see.
        tolerance_us = first.period_ns // (8 * NS_PER_US) + 1
        return (
            packet.epoch == first.epoch
            and packet.period_ns == first.period_ns
            and packet.scale == first.scale
            and abs(device_us - expected_us) <= tolerance_us
        )

    def close(self, *, end: bool) -> Run:
        first = self.first
        return Run(
            first.epoch,
            self.sequence,
            self.device_us,
            first.period_ns,
            first.scale,
            b"".join(self.parts),
            self.lost_before,
            end,
        )


class Assembler:
    """Takes packets in the order of arrival, from ``position`` on.

    ``resumed``: samples before ``position`` were taken earlier; ``ended``: the sensor's END there too.
    Of a sensor that does not keep a log nothing can be had again: what is missing is lost.
    """

    def __init__(
        self,
        position: Position,
        *,
        resumed: bool = False,
        ended: bool = False,
        keeps_log: bool = True,
        max_samples: int = MAX_RUN_SAMPLES,
    ) -> None:
        self._keeps_log = keeps_log
        self._max_samples = max_samples
        self._resumed = resumed
        self._oldest = Position(0, 0)
        self._next = position
        self._safe = position
        #: Up to where the sensor may forget although nothing was taken yet; None: nobody knows.
        self.known_safe = position if resumed else None
        self._ended = ended
        self._safe_ended = ended
        self._lost = 0
        self._hole = False
        self._open: _Open | None = None
        self._closed: list[Run] = []
        self.duplicates = 0

    @property
    def next(self) -> Position:
        """The position behind the last sample taken."""
        return self._next

    @property
    def ended(self) -> bool:
        """Whether the last thing the sensor said was END."""
        return self._ended

    @property
    def waiting_samples(self) -> int:
        """Samples taken and not handed out yet."""
        return sum(run.count for run in self._closed) + (self._open.count if self._open else 0)

    def resume(self, oldest: Position) -> Position:
        """Go on after the sensor was asked again; where to ask from.

        ``oldest``: the oldest sample that the sensor keeps. A hole up to there cannot be filled.
        """
        self._hole = False
        self._oldest = oldest
        return self._next

    def add(self, packet: SamplePacket) -> Outcome:
        """Take a packet."""
        if self._hole:
            return Outcome.IGNORED
        if packet.epoch < self._next.epoch:
            return self._duplicate()
        if self._keeps_log and packet.epoch > self._next.epoch >= self._oldest.epoch:
            # Nobody says where an epoch ended: what came last of it may be lost on the way. It is over
            # once the sensor, asked after it forgot what is safe, keeps nothing of it any more.
            self._hole = True
            return Outcome.HOLE
        expected = self._next.sequence if packet.epoch == self._next.epoch else 0
        missing = packet.sequence - expected
        lost = self._lost_in_hole(packet, missing)
        if lost is None:
            self._hole = True
            return Outcome.HOLE
        skip = max(0, -missing)
        news = packet.count - skip
        if news < 0 or (news == 0 and (not packet.end or self._ended)):
            return self._duplicate()
        if missing > 0 or packet.epoch != self._next.epoch:
            self._close(end=False)
            self._lost += lost
        self._append(packet, skip, news)
        self._resumed = True
        self._next = Position(packet.epoch, packet.next_sequence)
        self._ended = packet.end
        if packet.end:
            self._close(end=True)
        return Outcome.TAKEN

    def take(self, *, flush: bool) -> Taken:
        """The runs that are finished; with ``flush`` also the one being made."""
        if flush:
            self._close(end=False)
        runs = tuple(self._closed)
        self._closed.clear()
        if runs:
            last = runs[-1]
            self._safe = Position(last.epoch, last.sequence + last.count)
            self._safe_ended = last.end
        return Taken(runs, self._safe, self._safe_ended)

    def give_up(self) -> None:
        """Forget what was taken and take nothing more: what was handed out last never became safe.

        Whatever came behind it would leave a hole that nobody knows of. An assembler of its own, from
        where the last commit ended, goes on.
        """
        self._hole = True
        self._open = None
        self._closed.clear()

    def _lost_in_hole(self, packet: SamplePacket, missing: int) -> int | None:
        """How many samples the sensor lost before a packet; None where they are to be had again."""
        if missing <= 0:
            return 0
        if packet.lost_before >= missing or not self._keeps_log:
            return missing
        if Position(packet.epoch, packet.sequence) <= self._oldest:
            # Before the first sample we ever took, what somebody else acknowledged is not lost.
            return missing if self._resumed else packet.lost_before
        return None

    def _duplicate(self) -> Outcome:
        self.duplicates += 1
        return Outcome.DUPLICATE

    def _append(self, packet: SamplePacket, skip: int, news: int) -> None:
        device_us = packet.device_us + skip * packet.period_ns // NS_PER_US
        run = self._open
        if run is not None and (
            run.count + news > self._max_samples or not run.goes_on_with(packet, device_us)
        ):
            self._close(end=False)
            run = None
        if run is None:
            run = _Open(packet, packet.sequence + skip, device_us, self._lost)
            self._open, self._lost = run, 0
        if news:
            run.parts.append(packet.samples[skip:].astype(_READING, copy=False).tobytes())
            run.count += news

    def _close(self, *, end: bool) -> None:
        if self._open is not None:
            self._closed.append(self._open.close(end=end))
            self._open = None
