"""What pages ask for: one errand at a time, a step of it between two turns of the live work.

==========  ==========================================================================================
an errand   what becomes of it
==========  ==========================================================================================
is done     its result is in the registry; of an erasure the receipt is, and the errand is gone
cannot be   it has failed, and says why in words
waits       for a store or a registry that is away, or for the broker; it begins anew after a pause
==========  ==========================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import msgspec
import structlog

from analytics.waiting import PASSING
from contracts.errands import ErrandFailure
from contracts.errors import PlumblineError
from store.people_ports import Errand, ErrandKind, ErrandState, People

#: A store that is away is asked again after this, and a broker whether it has taken what it was told.
RETRY_S: Final = 2.0
ASK_AGAIN_S: Final = 0.2

log = structlog.get_logger(__name__)
#: Gives after each step whether the next may follow at once.
Job = Iterator[bool]


class ErrandDesk:
    """Takes up the oldest errand that waits; ``jobs`` begins one of each kind, ``dropped`` undoes that.

    A job says by itself what came of it. ``clock_ns`` is UTC.
    """

    def __init__(
        self,
        people: People,
        jobs: Mapping[ErrandKind, Callable[[Errand], Job]],
        *,
        poll_s: float,
        clock_ns: Callable[[], int],
        dropped: Callable[[Errand], None],
    ) -> None:
        self._people = people
        self._jobs = jobs
        self._poll_s = poll_s
        self._clock_ns = clock_ns
        self._dropped = dropped
        self._at_s = float("-inf")
        self._under_way: tuple[Errand, Job] | None = None
        self._waits_for = ""

    def turn(self, now_s: float) -> bool:
        """One step of what there is to do; whether the next may follow at once."""
        if now_s < self._at_s:
            return False
        try:
            return self._step(now_s)
        except PlumblineError as error:
            self._at_s = now_s + RETRY_S
            under_way, self._under_way = self._under_way, None
            if under_way is None or error.reason in PASSING or not self._fail(under_way[0], error):
                self._note_wait(error)
            return False

    def _step(self, now_s: float) -> bool:
        if self._under_way is None:
            self._at_s = now_s + self._poll_s
            asked = self._people.errands(states={ErrandState.ASKED})
            if not asked:
                return False
            self._under_way = (asked[0], self._jobs[asked[0].kind](asked[0]))
        errand, job = self._under_way
        at_once = next(job, None)
        if at_once is None:
            log.info("an errand is done", kind=errand.kind.value)
            self._under_way, self._waits_for = None, ""
            at_once = True
        self._at_s = now_s if at_once else now_s + ASK_AGAIN_S
        return at_once

    def _fail(self, errand: Errand, error: PlumblineError) -> bool:
        """Say so; whether that could be said."""
        self._dropped(errand)
        failure = ErrandFailure(message=error.message, hint=error.hint)
        try:
            self._people.finish_errand(
                errand.errand,
                ErrandState.FAILED,
                done_ns=self._clock_ns(),
                result=msgspec.json.encode(failure).decode(),
            )
        except PlumblineError:
            return False
        log.warning("an errand failed", kind=errand.kind.value, error=error.message)
        return True

    def _note_wait(self, error: PlumblineError) -> None:
        # The first failure is news, its repetition is not.
        tell = log.debug if error.message == self._waits_for else log.warning
        self._waits_for = error.message
        tell("errands wait for the store", reason=error.reason.value, error=error.message)
