"""In which order the batches of a wearer's sensors go into the pipeline. Pure: no clock, no I/O.

A batch is fed when it begins no more than a slack ahead of the least advanced sensor worn with it,
or of what waits of that one to be fed next. So a snapshot holds little of what waits, and what is not
fed stays unacknowledged in the gateway.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, takewhile
from typing import Final

import numpy as np

from analytics.config import AnalyticsConfig
from contracts.imu import AXES, ImuSamples, TimesNs, regular_times_ns
from contracts.messages import SAMPLE_BYTES, ImuMessage
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from store.ports import StreamKey

#: Batches that go to the pipeline in one call: enough to make its cost a call small.
MAX_RUN: Final = 128
MAX_RUN_SAMPLES: Final = 65_536
#: A sensor may run this far ahead of another while that one's batches wait to be fed after it.
MAX_AHEAD_NS: Final = 120 * NS_PER_S
#: A sensor that goes on this long after its last sample was away, or its gateway's clock is wrong.
LEAP_NS: Final = 2 * NS_PER_S
END_OF_TIME_NS: Final = 2**63 - 1

Worn = Callable[[int], frozenset[Placement]]
#: Of a placement: the time fed up to, whether the sensor said it stopped, whether it is left out.
FedState = tuple[int | None, bool, bool]


@dataclass(frozen=True, slots=True)
class Piece:
    """Samples [start, stop) of a batch, waiting to be fed."""

    stream: StreamKey
    message: ImuMessage
    start: int
    stop: int

    @property
    def t0_ns(self) -> int:
        """Time of the first sample."""
        return self.message.t0_ns + self.start * self.message.period_ns

    @property
    def end_ns(self) -> int:
        """Time of the sample after the last."""
        return self.message.t0_ns + self.stop * self.message.period_ns

    @property
    def size(self) -> int:
        """Bytes that it keeps in memory."""
        return len(self.message.samples)

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def readings(self) -> bytes:
        """The samples as they came."""
        if len(self) == self.message.count:
            return self.message.samples
        return self.message.samples[self.start * SAMPLE_BYTES : self.stop * SAMPLE_BYTES]

    @property
    def ended(self) -> bool:
        """Whether the sensor said that it stopped after the last of these."""
        return self.message.end and self.stop == self.message.count

    def samples(self) -> ImuSamples:
        """The samples in SI and UTC."""
        return joined_samples([self])

    def since(self, time_ns: int) -> Piece | None:
        """What of it is not before ``time_ns``; None where nothing is."""
        if self.t0_ns >= time_ns:
            return self
        message = self.message
        start = -((message.t0_ns - time_ns) // message.period_ns)
        return replace(self, start=start) if start < self.stop else None

    def goes_on(self, before: Piece) -> bool:
        """Whether rate, scale and time go on from the piece before, so that both are one."""
        message, other = self.message, before.message
        return (
            not before.ended
            and message.rate_hz == other.rate_hz
            and message.accel_range_g == other.accel_range_g
            and message.gyro_range_deg_s == other.gyro_range_deg_s
            and (self.t0_ns > before.end_ns - other.period_ns or not (self and before))
        )


@dataclass(frozen=True, slots=True)
class Feed:
    """Give these, in order, to the pipeline as samples of ``placement``."""

    placement: Placement
    pieces: tuple[Piece, ...]

    def samples(self) -> Iterator[ImuSamples]:
        """The samples, joined where rate and sensor go on unchanged."""
        first = 0
        for last in range(1, len(self.pieces) + 1):
            if last == len(self.pieces) or not self.pieces[last].goes_on(self.pieces[last - 1]):
                yield joined_samples(self.pieces[first:last])
                first = last


@dataclass(frozen=True, slots=True)
class Absent:
    """Tell the pipeline not to wait for ``placement``."""

    placement: Placement


@dataclass(slots=True)
class _Worn:
    """One placement: what waits of each stream, and how far it has come."""

    queues: dict[StreamKey, deque[Piece]] = field(default_factory=dict)
    stops: int = 0  # how many of the pieces that wait end a recording
    reached_ns: int | None = None
    ended: bool = False
    absent: bool = False
    arrived_s: float = float("-inf")

    def is_past(self, piece: Piece) -> bool:
        ends_before = self.reached_ns is not None and piece.end_ns <= self.reached_ns
        return ends_before and piece.start < piece.stop

    def head(self) -> Piece | None:
        heads = [queue[0] for queue in self.queues.values() if queue]
        if len(heads) < 2:
            return heads[0] if heads else None
        return min(heads, key=lambda piece: piece.t0_ns)

    def sure_ns(self, head: Piece) -> int:
        """Up to when the others may run ahead of its head: its samples till then wait behind that.

        The pipeline must wait for this sensor all that time, so there is no end in between.
        """
        if self.stops or self.ended or self.absent or len(self.queues) > 1:
            return head.t0_ns
        return min(self.queues[head.stream][-1].t0_ns, head.t0_ns + MAX_AHEAD_NS)

    def append(self, piece: Piece) -> None:
        self.queues.setdefault(piece.stream, deque()).append(piece)
        self.stops += piece.ended

    def drop_last(self, stream: StreamKey) -> Piece:
        piece = self.queues[stream].pop()
        self.stops -= piece.ended
        return piece

    def take(self, head: Piece) -> None:
        queue = self.queues[head.stream]
        queue.popleft()
        if not queue:
            del self.queues[head.stream]
        self.stops -= head.ended
        self.reached_ns = max(self.reached_ns or head.end_ns, head.end_ns)
        self.ended = head.ended
        self.absent = False

    def forget(self) -> None:
        self.queues.clear()
        self.stops = 0


class WearerFeed:
    """The queues of one wearer, one a placement and stream."""

    def __init__(self, config: AnalyticsConfig) -> None:
        self._config = config
        self._worn: dict[Placement, _Worn] = {}
        self._blocked_since_s: float | None = None

    def state(self) -> dict[str, FedState]:
        """How far each placement has come; what waits is not in it, for the gateway keeps it."""
        return {p.value: (w.reached_ns, w.ended, w.absent) for p, w in self._worn.items()}

    def load(self, state: dict[str, FedState], now_s: float) -> None:
        """Go on from :meth:`state`."""
        for name, (reached_ns, ended, absent) in state.items():
            self._worn[Placement(name)] = _Worn(
                reached_ns=reached_ns, ended=ended, absent=absent, arrived_s=now_s
            )

    def rewind(self, placements: Sequence[Placement]) -> None:
        """Forget what waits, and every placement that is none of these."""
        self._worn = {p: worn for p, worn in self._worn.items() if p in placements}
        for worn in self._worn.values():
            worn.forget()
        self._blocked_since_s = None

    def put(
        self, placement: Placement, piece: Piece, now_s: float, until_ns: int = END_OF_TIME_NS
    ) -> list[Piece]:
        """Queue the next piece of a stream; those that it shows to be misdated, which are let go.

        A stream's batches are in the order of time. One that falls back is itself misdated, unless it
        falls into a leap of what waits, or all that waits begins after ``until_ns`` and nothing was
        fed: then what waits after it was made while a clock was wrong.
        """
        worn = self._worn.setdefault(placement, _Worn())
        if worn.is_past(piece):
            return [piece]
        queue = worn.queues.get(piece.stream)
        misdated: list[Piece] = []
        if queue and piece.t0_ns < queue[-1].t0_ns:
            if not _fits_a_leap(piece, queue, worn.reached_ns, until_ns):
                return [piece]
            while queue and queue[-1].t0_ns > piece.t0_ns:
                misdated.append(worn.drop_last(piece.stream))
        worn.append(piece)
        worn.arrived_s = now_s
        return misdated

    def next(
        self, worn: Worn, now_s: float, until_ns: int = END_OF_TIME_NS
    ) -> Feed | Absent | None:
        """What to do next, or None while a sensor is waited for.

        ``worn``: which placements wear a sensor at a time. ``until_ns``: what begins later is held, for
        its time has not come: fed, it would make all that follows late.
        """
        heads = [
            (head.t0_ns, p)
            for p, w in self._worn.items()
            if (head := w.head()) is not None and not self._doubtful(w, head, now_s)
        ]
        if not heads:
            self._blocked_since_s = None
            return None
        first_ns, placement = min(heads)
        if first_ns > until_ns:
            self._blocked_since_s = None
            return None
        together = worn(first_ns)
        for other, state in self._worn.items():
            if other not in together and other != placement and self._leave_out(state):
                return Absent(other)
        late = [q for q in sorted(together - {placement}) if not self._lets(q, first_ns, now_s)]
        if late:
            return self._wait(late[0], now_s)
        self._blocked_since_s = None
        return self._take(placement, worn, now_s, until_ns)

    def all_ended(self, worn: Worn) -> bool:
        """Whether every sensor worn at the last time that was fed said that it stopped."""
        reached_ns = [w.reached_ns for w in self._worn.values() if w.reached_ns is not None]
        if not reached_ns:
            return False
        states = [self._worn.get(placement) for placement in worn(max(reached_ns) - 1)]
        return any(s is not None and s.ended for s in states) and all(
            s is not None and (s.ended or s.absent) and s.head() is None for s in states
        )

    def late(self, worn: Worn, now_s: float) -> list[Placement]:
        """Placements that others have waited for by now, longer than the live state may."""
        since_s = self._blocked_since_s
        if since_s is None or now_s - since_s < self._config.live_wait_s:
            return []
        first_ns, placement = min(
            (head.t0_ns, p) for p, w in self._worn.items() if (head := w.head()) is not None
        )
        others = sorted(worn(first_ns) - {placement})
        return [q for q in others if not self._lets(q, first_ns, now_s)]

    def waiting(self, since_ns: int) -> list[tuple[Placement, Piece]]:
        """What waits and ends at ``since_ns`` or later, in the order of time.

        Looked for from the end: of a log that waits for another one there are thousands before it.
        """
        found = [
            (placement, piece)
            for placement, worn in self._worn.items()
            for queue in worn.queues.values()
            for piece in takewhile(lambda piece: piece.end_ns >= since_ns, reversed(queue))
        ]
        return sorted(found, key=lambda item: item[1].t0_ns)

    def _lets(self, placement: Placement, first_ns: int, now_s: float) -> bool:
        state = self._worn.get(placement)
        if state is None:
            return False
        head = state.head()
        if head is not None:
            return state.sure_ns(head) + self._config.slack_ns >= first_ns
        if state.absent:
            return True
        if state.ended and now_s - state.arrived_s >= self._config.settle_s:
            return True
        return state.reached_ns is not None and first_ns <= state.reached_ns + self._config.slack_ns

    def _doubtful(self, state: _Worn, head: Piece, now_s: float) -> bool:
        """Whether a piece leaps ahead and none behind it says that the clock was right.

        Fed, a misdated one would make all late that comes before the time it claims.
        """
        if state.reached_ns is None or head.t0_ns - state.reached_ns <= LEAP_NS:
            return False
        alone = len(state.queues[head.stream]) == 1
        return alone and now_s - state.arrived_s < self._config.doubt_s

    def _leave_out(self, state: _Worn) -> bool:
        if state.absent or state.ended or state.head() is not None:
            return False
        state.absent = True
        return True

    def _wait(self, placement: Placement, now_s: float) -> Absent | None:
        if self._blocked_since_s is None:
            self._blocked_since_s = now_s
        if now_s - self._blocked_since_s < self._config.late_wait_s:
            return None
        self._worn.setdefault(placement, _Worn()).absent = True
        return Absent(placement)

    def _take(self, placement: Placement, worn: Worn, now_s: float, until_ns: int) -> Feed:
        """The first piece, and those after it that could be fed at once as well."""
        state = self._worn[placement]
        pieces: list[Piece] = []
        count = 0
        while (head := state.head()) is not None and len(pieces) < MAX_RUN:
            count += head.stop - head.start
            if pieces and (count > MAX_RUN_SAMPLES or head.t0_ns > until_ns):
                break
            if pieces and not self._may(placement, head, worn, now_s):
                break
            if self._doubtful(state, head, now_s):
                break
            state.take(head)
            pieces.append(head)
        return Feed(placement, tuple(pieces))

    def _may(self, placement: Placement, head: Piece, worn: Worn, now_s: float) -> bool:
        others = worn(head.t0_ns) - {placement}
        return all(self._lets(other, head.t0_ns, now_s) for other in others)


def _fits_a_leap(piece: Piece, queue: deque[Piece], reached_ns: int | None, until_ns: int) -> bool:
    """Whether a piece begins where the queue, or its head after what was fed or now, leaps ahead."""
    after = queue[-1]
    for before in islice(reversed(queue), 1, None):
        if before.t0_ns <= piece.t0_ns:
            return after.t0_ns - before.end_ns > LEAP_NS and piece.end_ns > before.end_ns
        after = before
    if reached_ns is None:
        # Word against word: the later one is believed, as it is where the queue is of times to come.
        return len(queue) == 1 or after.t0_ns > until_ns
    return after.t0_ns - reached_ns > LEAP_NS


def joined_samples(run: Sequence[Piece]) -> ImuSamples:
    """Pieces that go on from one another in SI and UTC; at least one."""
    last = run[-1]
    raw = np.frombuffer(b"".join([piece.readings for piece in run]), dtype="<i2")
    return ImuSamples(
        _times_ns(run),
        last.message.scale.to_si(raw.reshape(-1, len(AXES))),
        last.message.rate_hz,
        last.ended,
    )


def _times_ns(run: Sequence[Piece]) -> TimesNs:
    """The time of each sample of the pieces."""
    if len(run) == 1:
        return regular_times_ns(run[0].t0_ns, run[0].message.period_ns, len(run[0]))
    counts = np.array([len(piece) for piece in run])
    before = np.cumsum(counts) - counts
    t0_ns = np.array([piece.t0_ns for piece in run], np.int64)
    period_ns = np.array([piece.message.period_ns for piece in run], np.int64)
    index = np.arange(counts.sum(), dtype=np.int64)
    times: TimesNs = (t0_ns - period_ns * before).repeat(counts) + period_ns.repeat(counts) * index
    return times
