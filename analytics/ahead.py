"""What sensors sent ahead of their logs: the last minute of it, for the live state alone. Pure.

It comes again in its turn, is computed from then and stored. Nothing here is acknowledged or kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Final

from analytics.feeding import Piece
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement

#: Data older than this is a backlog on its way, not the wearer's state.
FRESH_NS: Final = 10 * NS_PER_S
#: So much of what came is kept, for a new copy of the pipeline to settle on.
LEAD_IN_NS: Final = 60 * NS_PER_S
#: Of one placement: a minute at the highest rate there is.
MAX_AHEAD_SAMPLES: Final = 60_000
MAX_AHEAD_PIECES: Final = 1_000


class Ahead:
    """Pieces by placement."""

    def __init__(self) -> None:
        self._pieces: dict[Placement, deque[Piece]] = {}

    def put(self, placement: Placement, piece: Piece, now_ns: int) -> None:
        """Take a piece; what is not after the last one is dropped, and the oldest beyond the caps.

        What claims to be of a time to come gives way to what is of now: a clock was wrong.
        """
        pieces = self._pieces.setdefault(placement, deque(maxlen=MAX_AHEAD_PIECES))
        while pieces and pieces[-1].end_ns > now_ns + FRESH_NS >= piece.end_ns:
            pieces.pop()
        if pieces and piece.t0_ns < pieces[-1].t0_ns:
            return
        pieces.append(piece)
        while sum(map(len, pieces)) > MAX_AHEAD_SAMPLES:
            pieces.popleft()

    def fresh(self, now_ns: int) -> Mapping[Placement, list[Piece]]:
        """What came lately of each placement that goes on; the rest is forgotten.

        What claims to be of a time to come is left out, until that has come.
        """
        found: dict[Placement, list[Piece]] = {}
        for placement, pieces in list(self._pieces.items()):
            while pieces and pieces[0].end_ns < now_ns - LEAD_IN_NS:
                pieces.popleft()
            if not pieces:
                del self._pieces[placement]
                continue
            due = [piece for piece in pieces if piece.end_ns <= now_ns + FRESH_NS]
            if due and due[-1].end_ns >= now_ns - FRESH_NS:
                found[placement] = due
        return found
