"""What the network thread hands to the worker: a queue with a cap on messages and on bytes."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message as it came. ``size`` is the payload's; what is too long is kept without it."""

    topic: str
    payload: bytes
    size: int


class Inbox:
    """Arrivals in order. Full, it makes the network thread wait a little and then refuses.

    What is refused is not lost: its gateway keeps it and is asked for it again.
    """

    def __init__(self, max_messages: int, max_bytes: int) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._arrivals: deque[Arrival] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._woken = False
        self.refused = 0

    def put(self, arrival: Arrival, wait_s: float) -> bool:
        """Add an arrival, waiting up to ``wait_s`` for room; whether there was some."""
        with self._changed:
            if not self._has_room(arrival) and not self._wait_for_room(arrival, wait_s):
                self.refused += 1
                return False
            self._arrivals.append(arrival)
            self._bytes += len(arrival.payload)
            self._changed.notify_all()
            return True

    def put_all(self, arrivals: Iterable[Arrival], wait_s: float) -> None:
        """Add those there is room for, waiting up to ``wait_s`` in all."""
        ends_s = time.monotonic() + wait_s
        for arrival in arrivals:
            self.put(arrival, max(0.0, ends_s - time.monotonic()))

    def take(self, most: int, wait_s: float) -> list[Arrival]:
        """Up to ``most`` arrivals, waiting up to ``wait_s`` for the first or for :meth:`wake`."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._arrivals) or self._woken, wait_s)
            self._woken = False
            taken = [self._arrivals.popleft() for _ in range(min(most, len(self._arrivals)))]
            self._bytes -= sum(len(arrival.payload) for arrival in taken)
            self._changed.notify_all()
            return taken

    def wake(self) -> None:
        """Make a waiting :meth:`take` return."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def _wait_for_room(self, arrival: Arrival, wait_s: float) -> bool:
        return self._changed.wait_for(lambda: self._has_room(arrival), wait_s)

    def __len__(self) -> int:
        return len(self._arrivals)

    def _has_room(self, arrival: Arrival) -> bool:
        return not self._arrivals or (
            len(self._arrivals) < self._max_messages
            and self._bytes + len(arrival.payload) <= self._max_bytes
        )
