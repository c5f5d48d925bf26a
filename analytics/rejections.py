"""What was refused, told to those who can mend it: capped and never with the payload."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from contracts.errors import DecodeError, Reason
from contracts.messages import MAX_TEXT, Rejected

#: A broken sender repeats itself; once a minute a topic and reason is enough to be found.
PAUSE_S: Final = 60.0
#: Over all topics and reasons, so that a flood of made-up topics is not echoed.
BURST: Final = 20


@dataclass(slots=True)
class _Seen:
    next_s: float
    count: int = 0


class Rejections:
    """Counts refusals and decides which are published. Pure: times come in."""

    def __init__(self, max_keys: int) -> None:
        self.total = 0
        self._max_keys = max_keys
        self._seen: OrderedDict[tuple[str, Reason], _Seen] = OrderedDict()
        self._burst_ends_s = float("-inf")
        self._burst_left = BURST

    def add(
        self, topic: str, error: DecodeError, size: int, *, now_s: float, now_ns: int
    ) -> Rejected | None:
        """Count a refusal; the message to publish, or None where it was told of not long ago."""
        self.total += 1
        key = (topic[:MAX_TEXT], error.reason)
        seen = self._seen.setdefault(key, _Seen(float("-inf")))
        self._seen.move_to_end(key)
        if len(self._seen) > self._max_keys:
            self._seen.popitem(last=False)
        seen.count += 1
        if now_s < seen.next_s or not self._in_burst(now_s):
            return None
        seen.next_s = now_s + PAUSE_S
        count, seen.count = seen.count, 0
        return Rejected(
            topic=key[0],
            reason=error.reason,
            message=_without_payload(error.reason),
            size=size,
            at_ns=now_ns,
            count=count,
        )

    @property
    def keys(self) -> int:
        """How many topics and reasons are remembered."""
        return len(self._seen)

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
    Reason.BAD_TOPIC: "This is not a topic of Plumbline.",
    Reason.BAD_ID: "An id is not of [A-Za-z0-9_-], 1 to 64 long, or not known.",
    Reason.TOO_LONG: "The message is longer than the contract allows.",
    Reason.MALFORMED: "The message is not what belongs on this topic.",
    Reason.OUT_OF_RANGE: "A value is outside its range.",
}


def _without_payload(reason: Reason) -> str:
    # A decoder's own words may quote what was sent, and that may be personal.
    return _PLAIN.get(reason, f"Refused: {reason.value}.")
