"""Which batches of a sensor are on their way to analytics. Pure: time is an argument.

What is sent and not yet stored is capped. Where nothing is heard for a while, all of it is sent
again, a little at first: analytics may be away, and a broker should not be flooded for nobody.
"""

from __future__ import annotations

from collections import deque
from typing import Final

MAX_BYTES: Final = 8 * 2**20
MAX_BATCHES: Final = 8192
#: After a silence; doubled with every sign of life.
PROBE_BYTES: Final = 256 * 2**10
#: Analytics commits several times a second; five seconds of nothing means that something was lost.
RESEND_FIRST_S: Final = 5.0
RESEND_MOST_S: Final = 60.0
#: Analytics asks once a second at most; what asks more often is answered no more often than this.
ASK_PAUSE_S: Final = 0.25


class Window:
    """The batches of one sensor after ``stored_seq``, up to ``last_seq`` of the outbox."""

    def __init__(self, stored_seq: int, last_seq: int) -> None:
        self.stored_seq = stored_seq
        self.last_seq = last_seq
        self.sent_seq = stored_seq
        self._flying: deque[tuple[int, int]] = deque()  # (seq, bytes)
        self._flying_bytes = 0
        self._limit_bytes = MAX_BYTES
        self._pause_s = RESEND_FIRST_S
        self._resend_at_s = 0.0
        self._ask_again_s = float("-inf")

    @property
    def flying_bytes(self) -> int:
        """Bytes sent and not stored."""
        return self._flying_bytes

    def room(self) -> tuple[int, int]:
        """(bytes, batches) that may be sent now; 0 batches where there is nothing or no room."""
        batches = min(MAX_BATCHES - len(self._flying), self.last_seq - self.sent_seq)
        room_bytes = self._limit_bytes - self._flying_bytes
        return (room_bytes, batches) if room_bytes > 0 and batches > 0 else (0, 0)

    def sent(self, seq: int, size: int, now_s: float) -> None:
        """A batch was handed to the broker's client."""
        if not self._flying:
            self._resend_at_s = now_s + self._pause_s
        self.sent_seq = seq
        self._flying.append((seq, size))
        self._flying_bytes += size

    def stored(self, seq: int, now_s: float) -> bool:
        """Analytics has stored up to ``seq``. Whether that is news; what we never sent is not believed."""
        if not self.stored_seq < seq <= self.last_seq:
            return False
        self.stored_seq = seq
        self.sent_seq = max(self.sent_seq, seq)
        while self._flying and self._flying[0][0] <= seq:
            self._flying_bytes -= self._flying.popleft()[1]
        self._pause_s = RESEND_FIRST_S
        self._resend_at_s = now_s + self._pause_s
        self._limit_bytes = min(MAX_BYTES, 2 * self._limit_bytes)
        return True

    def heard(self, now_s: float) -> None:
        """Analytics said something, if nothing new: it is there, so a silence is short again."""
        self._pause_s = RESEND_FIRST_S
        self._resend_at_s = min(self._resend_at_s, now_s + self._pause_s)

    def rewind(self) -> None:
        """Send all that is not stored again: the connection is new, or analytics asked for it."""
        self.sent_seq = self.stored_seq
        self._flying.clear()
        self._flying_bytes = 0

    def asked(self, now_s: float) -> bool:
        """Analytics asks for all that is not stored; whether it is sent again, not twice at once."""
        if now_s < self._ask_again_s:
            return False
        self._ask_again_s = now_s + ASK_PAUSE_S
        self.rewind()
        return True

    def resend_if_silent(self, now_s: float) -> bool:
        """Rewind where nothing was heard for too long; whether it did."""
        if not self._flying or now_s < self._resend_at_s:
            return False
        self.rewind()
        self._limit_bytes = PROBE_BYTES
        self._pause_s = min(RESEND_MOST_S, 2 * self._pause_s)
        return True
