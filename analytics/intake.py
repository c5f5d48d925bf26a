"""Takes the batches of one stream in order, each once. Pure: no clock, no I/O.

A gateway numbers the batches of a sensor without gaps and keeps each until it is told that it is
stored. So an old number is a duplicate, and a hole is waited for and asked for again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from analytics.config import Limits
from contracts.messages import ImuMessage

#: A gateway answers a resend within a second; a silent one is asked less and less often.
FIRST_ASK_S: Final = 1.0
LONGEST_ASK_S: Final = 60.0


class Verdict(StrEnum):
    """What became of a batch that was offered."""

    TAKEN = "taken"
    DUPLICATE = "duplicate"
    AHEAD = "ahead"  # there is a hole before it
    NO_ROOM = "no-room"
    FAR_AHEAD = "far-ahead"  # no gateway keeps that many: the number is wrong


@dataclass(slots=True)
class Allowance:
    """Bytes that all streams together may still keep behind holes."""

    left: int


class StreamIntake:
    """The order of one stream, from ``stored_seq`` on.

    ``taken_seq`` is the last batch that was taken in order, ``stored_seq`` the last that is in the
    store. ``allowance`` is shared by the streams of a service.
    """

    def __init__(self, stored_seq: int, limits: Limits, allowance: Allowance | None = None) -> None:
        self.stored_seq = stored_seq
        self.taken_seq = stored_seq
        self.duplicates = 0
        self._limits = limits
        self._ahead: dict[int, ImuMessage] = {}
        self._ahead_bytes = 0
        self._allowance = allowance or Allowance(limits.ahead_bytes)
        self._hole = False
        self._ask_anyway = False
        self._ask_at_s = 0.0
        self._ask_pause_s = FIRST_ASK_S

    def offer(self, message: ImuMessage, *, room: bool) -> Verdict:
        """Judge a batch. After TAKEN, :meth:`following` gives what can go with it.

        ``room``: whether a batch in order can be kept by the caller.
        """
        seq = message.seq
        if seq <= self.taken_seq or seq in self._ahead:
            self.duplicates += 1
            return Verdict.DUPLICATE
        if seq - self.taken_seq > self._limits.far_seq:
            return Verdict.FAR_AHEAD
        if seq == self.taken_seq + 1 and room:
            self._took(seq)
            return Verdict.TAKEN
        self._hole = True
        if seq == self.taken_seq + 1:
            return Verdict.NO_ROOM
        self._keep_ahead(message)
        return Verdict.AHEAD

    def following(self) -> ImuMessage | None:
        """The batch after the last taken one, if it came before its turn; it is taken with that."""
        message = self._ahead.pop(self.taken_seq + 1, None)
        if message is None:
            return None
        self._ahead_bytes -= len(message.samples)
        self._allowance.left += len(message.samples)
        self._took(message.seq)
        return message

    def stored(self, seq: int) -> None:
        """All up to and with ``seq`` is in the store."""
        self.stored_seq = seq

    def rewind(self, seq: int) -> None:
        """Go back to after ``seq``, forgetting what was taken since, and ask for all after it."""
        self.taken_seq = seq
        self.let_go()
        self._hole = False
        self.lost_sight()

    def let_go(self) -> None:
        """Forget what waits behind a hole."""
        self._ahead.clear()
        self._allowance.left += self._ahead_bytes
        self._ahead_bytes = 0

    def lost_sight(self) -> None:
        """Messages may have been lost on the way: ask for all after what is stored."""
        self._ask_anyway = True

    def asks(self, now_s: float) -> bool:
        """Whether to ask for a resend now; asked again after a pause that doubles."""
        if not self._ask_anyway and (not self._hole or now_s < self._ask_at_s):
            return False
        self._ask_anyway = False
        self._ask_at_s = now_s + self._ask_pause_s
        self._ask_pause_s = min(2 * self._ask_pause_s, LONGEST_ASK_S)
        return True

    @property
    def ahead_batches(self) -> int:
        """How many batches wait behind a hole."""
        return len(self._ahead)

    @property
    def unanswered(self) -> bool:
        """Whether nothing was ever taken, though it was asked for over and over."""
        return self.taken_seq == 0 and self._hole and self._ask_pause_s >= LONGEST_ASK_S

    def _took(self, seq: int) -> None:
        self.taken_seq = seq
        self._hole = bool(self._ahead)
        self._ask_pause_s = FIRST_ASK_S

    def _keep_ahead(self, message: ImuMessage) -> None:
        size = len(message.samples)
        if len(self._ahead) >= self._limits.ahead_batches:
            return
        if self._ahead_bytes + size > self._limits.ahead_bytes or size > self._allowance.left:
            return
        self._ahead[message.seq] = message
        self._ahead_bytes += size
        self._allowance.left -= size
