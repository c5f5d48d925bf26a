"""Waiting at the start for a store that is not there yet, as after a power cut."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

import structlog

from contracts.errors import PlumblineError, Reason, StoreError

#: What passes by itself, or by someone's help from outside: a server that is down, starting or full.
#: A refused token, a wrong organisation or another's rows are mistakes in the set-up: nothing to wait for.
PASSING: Final = frozenset({Reason.STORE_UNREACHABLE, Reason.DISK_FULL})
ASK_EVERY_S: Final = 1.0

log = structlog.get_logger(__name__)
T = TypeVar("T")


class Patience:
    """Tries steps of a start for ``wait_s`` in all, counted from the first one that fails.

    ``tell`` gets what is waited for to pass, again and again.
    """

    def __init__(
        self, wait_s: float, stop: threading.Event, tell: Callable[[StoreError], None]
    ) -> None:
        self._wait_s = wait_s
        self._stop = stop
        self._tell = tell
        self._ends_s: float | None = None

    def until_done(self, step: Callable[[], T]) -> T | None:
        """What ``step`` gives once it succeeds; None where the service was stopped before.

        Its StoreError where that does not pass, or has not in time.
        """
        while not self._stop.is_set():
            try:
                return step()
            except StoreError as error:
                if error.reason not in PASSING:
                    raise
                self._wait(error)
        return None

    def _wait(self, error: StoreError) -> None:
        now_s = time.monotonic()
        if self._ends_s is None:
            self._ends_s = now_s + self._wait_s
            if self._wait_s:
                log.warning("waiting for the store", reason=error.message, at_most_s=self._wait_s)
        if now_s >= self._ends_s:
            raise error
        self._tell(error)
        self._stop.wait(min(ASK_EVERY_S, self._ends_s - now_s))


def trouble_report(error: PlumblineError | None) -> dict[str, Any]:
    """The part of a report that says what is wrong with the store: its reason, and in words."""
    if error is None:
        return {"trouble": None, "trouble_said": ""}
    return {"trouble": error.reason.value, "trouble_said": str(error)}
