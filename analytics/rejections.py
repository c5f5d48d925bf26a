"""What was refused, told to those who can mend it: capped and never with the payload."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from contracts.errors import DecodeError, Reason
from contracts.messages import MAX_TEXT, Rejected

#: A broken sender repeats itself; once a minute a topic and reason is enough to be found.
PAUSE_S: Final = 60.0
#: Over all topics and reasons, so that a flood of made-up topics is not echoed.
BURST: Final = 20
#: Where refusals on more topics than are remembered are told of together.
MANY_TOPICS: Final = ""

Key = tuple[str, Reason]


@dataclass(slots=True)
class _Seen:
    next_s: float
    count: int = 0
    size: int = 0

    def report(self, key: Key, now_ns: int) -> Rejected:
        """All that was counted since the last report."""
        count, self.count = self.count, 0
        topic, reason = key
        return Rejected(
            topic=topic,
            reason=reason,
            message=_without_payload(reason),
            size=self.size,
            at_ns=now_ns,
            count=count,
        )


class Rejections:
    """Counts refusals and decides which are published when. Pure: times come in.

    What is not told at once is told with the next one alike or by :meth:`due`, so the counts of all
    messages add up to ``total``.
    """

    def __init__(self, max_keys: int) -> None:
        self.by_reason: Counter[Reason] = Counter()
        self._max_keys = max_keys
        self._seen: OrderedDict[Key, _Seen] = OrderedDict()
        self._many: dict[Reason, _Seen] = {}
        self._burst_ends_s = float("-inf")
        self._burst_left = BURST
        self._look_at_s = float("-inf")

    @property
    def total(self) -> int:
        """How many were refused, ever."""
        return self.by_reason.total()

    def add(
        self, topic: str, error: DecodeError, size: int, *, now_s: float, now_ns: int
    ) -> Rejected | None:
        """Count a refusal; the message to publish, or None where it is told of later."""
        self.by_reason[error.reason] += 1
        key = (topic[:MAX_TEXT], error.reason)
        seen = self._remember(key)
        seen.count += 1
        seen.size = size
        return seen.report(key, now_ns) if self._may_tell(seen, now_s) else None

    def due(self, now_s: float, now_ns: int) -> Iterator[Rejected]:
        """What was counted and not told, of those whose pause is over; looked at once a second."""
        if now_s < self._look_at_s:
            return
        self._look_at_s = now_s + 1.0
        for key, seen in self._waiting():
            if self._may_tell(seen, now_s):
                yield seen.report(key, now_ns)

    def rest(self, now_ns: int) -> Iterator[Rejected]:
        """All that was counted and not told: at the end of the service."""
        waiting = self._waiting()
        for key, seen in waiting[:BURST]:
            yield seen.report(key, now_ns)
        by_reason: dict[Reason, _Seen] = {}
        for (_, reason), seen in waiting[BURST:]:
            many = by_reason.setdefault(reason, _Seen(float("-inf")))
            many.count, many.size = many.count + seen.count, max(many.size, seen.size)
            seen.count = 0
        for reason, seen in by_reason.items():
            yield seen.report((MANY_TOPICS, reason), now_ns)

    @property
    def keys(self) -> int:
        """How many topics and reasons are remembered."""
        return len(self._seen)

    def _remember(self, key: Key) -> _Seen:
        seen = self._seen.setdefault(key, _Seen(float("-inf")))
        self._seen.move_to_end(key)
        if len(self._seen) > self._max_keys:
            (_, reason), oldest = self._seen.popitem(last=False)
            many = self._many.setdefault(reason, _Seen(float("-inf")))
            many.count += oldest.count
            many.size = max(many.size, oldest.size)
        return seen

    def _waiting(self) -> list[tuple[Key, _Seen]]:
        many = [((MANY_TOPICS, reason), seen) for reason, seen in self._many.items()]
        return [(key, seen) for key, seen in [*self._seen.items(), *many] if seen.count]

    def _may_tell(self, seen: _Seen, now_s: float) -> bool:
        if now_s < seen.next_s or not self._in_burst(now_s):
            return False
        seen.next_s = now_s + PAUSE_S
        return True

    def _in_burst(self, now_s: float) -> bool:
        if now_s >= self._burst_ends_s:
            self._burst_ends_s = now_s + 1.0
            self._burst_left = BURST
        if self._burst_left == 0:
            return False
        self._burst_left -= 1
        return True


_PLAIN: Final = {
    Reason.UNKNOWN_SENSOR: "Nobody wears this sensor; assign it, the gateway keeps what it brings.",
    Reason.TIME_JUMPED: "Its time is not behind what came before, so a clock was wrong; it is let go.",
    Reason.BAD_TOPIC: "This is not a topic of Plumbline.",
    Reason.BAD_ID: "An id is not of [A-Za-z0-9_-], 1 to 64 long, or not known.",
    Reason.BAD_COUNT: "There are more of them than the contract or the service allows.",
    Reason.TOO_LONG: "The message is longer than the contract allows.",
    Reason.MALFORMED: "The message is not what belongs on this topic.",
    Reason.OUT_OF_RANGE: "A value is outside its range.",
}


def _without_payload(reason: Reason) -> str:
    # A decoder's own words may quote what was sent, and that may be personal.
    return _PLAIN.get(reason, f"Refused: {reason.value}.")
