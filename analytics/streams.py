"""All streams that analytics takes: their order, what of them waits, and what is safely stored.

Pure. A stream's cursor moves only over batches all of whose parts went into a pipeline.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from analytics.config import Limits
from analytics.intake import Allowance, StreamIntake, Verdict
from contracts.errors import DecodeError, Reason
from contracts.messages import ImuMessage, Stored
from store.ports import StreamKey


@dataclass(slots=True)
class _Waiting:
    """A batch that was taken and is not all fed yet."""

    seq: int
    parts: int
    size: int
    unworn: int


@dataclass(slots=True)
class _Stream:
    intake: StreamIntake
    fed_seq: int
    waiting: deque[_Waiting] = field(default_factory=deque)
    waiting_bytes: int = 0
    announce: bool = False


class Streams:
    """The streams by key, with their caps."""

    def __init__(self, cursors: dict[StreamKey, int], limits: Limits) -> None:
        self._limits = limits
        self._allowance = Allowance(limits.total_ahead_bytes)
        self._streams = {
            key: _Stream(StreamIntake(seq, limits, self._allowance), seq)
            for key, seq in cursors.items()
        }
        self._total_bytes = 0
        self._by_sensor: dict[str, list[StreamKey]] = {}
        for key in cursors:
            self._by_sensor.setdefault(key.sensor, []).append(key)

    def offer(self, key: StreamKey, message: ImuMessage) -> Iterator[ImuMessage]:
        """The batches that are now in order, the offered one first; none where it is not its turn.

        Each must be followed by :meth:`waits` before the next is asked for. DecodeError where the seq
        is far ahead or there are too many streams.
        """
        stream = self._streams.get(key)
        if stream is None:
            stream = self._begin(key)
        verdict = stream.intake.offer(message, room=self._has_room(stream, len(message.samples)))
        if verdict is Verdict.FAR_AHEAD:
            raise DecodeError(
                Reason.OUT_OF_RANGE, f"seq {message.seq} is far ahead of what was stored."
            )
        if verdict is Verdict.DUPLICATE and message.seq <= stream.intake.stored_seq:
            stream.announce = True
        following = message if verdict is Verdict.TAKEN else None
        while following is not None:
            yield following
            following = stream.intake.following()

    def waits(self, key: StreamKey, message: ImuMessage, parts: int, unworn: int = 0) -> int:
        """A taken batch waits in so many parts; with none it may be done already.

        ``unworn``: samples in none of the parts. Gives how many of those are done with, as
        :meth:`fed` does.
        """
        stream = self._streams[key]
        stream.waiting.append(_Waiting(message.seq, parts, len(message.samples), unworn))
        stream.waiting_bytes += len(message.samples)
        self._total_bytes += len(message.samples)
        return self._move_on(stream)

    def fed(self, key: StreamKey, seq: int) -> int:
        """One part of a batch went into its pipeline; how many unworn samples the cursor passed."""
        stream = self._streams[key]
        for waiting in stream.waiting:
            if waiting.seq == seq:
                waiting.parts -= 1
                break
        return self._move_on(stream)

    def rewind(self) -> None:
        """Forget what waits and was not fed, and ask for it again."""
        for stream in self._streams.values():
            stream.waiting.clear()
            stream.waiting_bytes = 0
            stream.intake.rewind(stream.fed_seq)
        self._total_bytes = 0

    def cursors(self) -> dict[StreamKey, int]:
        """What the next commit may say of each stream that has moved on."""
        return {
            key: stream.fed_seq
            for key, stream in self._streams.items()
            if stream.fed_seq > stream.intake.stored_seq
        }

    def committed(self, cursors: dict[StreamKey, int]) -> None:
        """The store has them; they are announced."""
        for key, seq in cursors.items():
            stream = self._streams[key]
            stream.intake.stored(seq)
            stream.announce = True

    def announce_all(self) -> None:
        """Say again what is stored, and ask for all after it: the broker may have lost both ways."""
        for stream in self._streams.values():
            stream.announce = True
            stream.intake.lost_sight()

    def messages(self, now_s: float) -> Iterator[tuple[StreamKey, Stored]]:
        """What is to be told to gateways now."""
        unanswered = [key for key, stream in self._streams.items() if stream.intake.unanswered]
        for key in unanswered:
            self._forget(key)
        for key, stream in self._streams.items():
            resend = self._has_room(stream, 0) and stream.intake.asks(now_s)
            if resend or stream.announce:
                stream.announce = False
                yield (
                    key,
                    Stored(outbox=key.outbox, seq=stream.intake.stored_seq, resend=resend),
                )

    def stored_seq(self, key: StreamKey) -> int:
        """The last seq of a stream that is in the store; 0 for an unknown stream."""
        stream = self._streams.get(key)
        return 0 if stream is None else stream.intake.stored_seq

    @property
    def duplicates(self) -> int:
        """Batches that came more than once, of all streams."""
        return sum(stream.intake.duplicates for stream in self._streams.values())

    @property
    def waiting_bytes(self) -> int:
        """What all batches that wait keep in memory, those behind holes aside."""
        return self._total_bytes

    def _begin(self, key: StreamKey) -> _Stream:
        siblings = self._by_sensor.setdefault(key.sensor, [])
        if len(siblings) >= self._limits.outboxes:
            self._make_room(siblings, self._limits.outboxes)
        if len(self._streams) >= self._limits.streams:
            self._make_room(self._streams, self._limits.streams)
        stream = _Stream(StreamIntake(0, self._limits, self._allowance), 0, announce=True)
        self._streams[key] = stream
        siblings.append(key)
        return stream

    def _make_room(self, among: Iterable[StreamKey], limit: int) -> None:
        """Forget the oldest stream of which nothing was ever taken: a made-up one, or one with a hole.

        DecodeError where there is none.
        """
        idle = next((key for key in among if self._streams[key].intake.taken_seq == 0), None)
        if idle is None:
            raise DecodeError(Reason.BAD_COUNT, f"over {limit} streams.")
        self._forget(idle)

    def _forget(self, key: StreamKey) -> None:
        self._streams.pop(key).intake.let_go()
        self._by_sensor[key.sensor].remove(key)

    def _has_room(self, stream: _Stream, size: int) -> bool:
        limits = self._limits
        if not stream.waiting:
            return True
        return (
            len(stream.waiting) < limits.queue_batches
            and stream.waiting_bytes + size <= limits.queue_bytes
            and self._total_bytes + size <= limits.total_bytes
        )

    def _move_on(self, stream: _Stream) -> int:
        unworn = 0
        while stream.waiting and stream.waiting[0].parts == 0:
            done = stream.waiting.popleft()
            stream.fed_seq = done.seq
            stream.waiting_bytes -= done.size
            self._total_bytes -= done.size
            unworn += done.unworn
        return unworn
