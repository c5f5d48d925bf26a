"""Time that runs faster than the clock: an event loop whose time jumps to the next timer.

Everything that is to live in it lives in one process and one loop. While something is ready, it runs;
when nothing is, the loop's time jumps to whatever is due next, so that a day takes as long as the work
in it. Work for a thread (``asyncio.to_thread``) is done at once, in turn, and what came of it arrives
after ``thread_work_s`` of the loop's time: so a run is the same every time, and yet something else may
happen while a disk is slow. Sockets are looked at, but nobody waits for them: what another process says
has no place in this time.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from contracts.errors import InvariantError
from contracts.units import NS_PER_S

T = TypeVar("T")

#: The loop's time at its start: not zero, which programs take for "long ago".
BEGIN_S: Final = 1000.0
#: 2026-01-01T00:00:00Z, where nobody says when to begin.
BEGIN_NS: Final = 1_767_225_600 * NS_PER_S


class _JumpingSelector(selectors.DefaultSelector):
    """Where a selector would sleep, the time jumps. Real descriptors are polled."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = BEGIN_S

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if (
            timeout == 0 and len(self.get_map()) < 2
        ):  # but for the loop's own: a syscall a turn saved
            return []
        found: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        if found or timeout == 0:
            return found
        if timeout is None:
            raise InvariantError("Everything waits for something that no one will ever do.")
        self.now_s += timeout
        return found


class FastLoop(asyncio.SelectorEventLoop):
    """An event loop in a time of its own, which began at ``begin_ns`` (UTC).

    ``thread_work_s`` draws how long the work of a thread seems to take.
    """

    def __init__(
        self, begin_ns: int = BEGIN_NS, thread_work_s: Callable[[], float] = lambda: 0.0
    ) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        self._begin_ns = begin_ns
        self._thread_work_s = thread_work_s

    def time(self) -> float:
        """Seconds of this loop's own time."""
        return self._jumping.now_s

    def now_ns(self) -> int:
        """UTC by this loop's time."""
        return self._begin_ns + round((self._jumping.now_s - BEGIN_S) * NS_PER_S)

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """Call ``func`` now; its result arrives later in this loop's time."""
        del executor
        future: asyncio.Future[T] = self.create_future()
        try:
            result = func(*args)
        except BaseException as error:  # noqa: BLE001 - whoever awaits it gets it
            self.call_later(self._thread_work_s(), _unless_done, future.set_exception, error)
        else:
            self.call_later(self._thread_work_s(), _unless_done, future.set_result, result)
        return future


def _unless_done(settle: Callable[[Any], None], value: object) -> None:
    future: asyncio.Future[Any] = settle.__self__  # type: ignore[attr-defined]
    if not future.done():
        settle(value)


def clock_ns() -> int:
    """UTC in ns: a fast loop's where one runs, else this machine's."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return time.time_ns()
    return loop.now_ns() if isinstance(loop, FastLoop) else time.time_ns()


def run_fast(
    work: Coroutine[Any, Any, T],
    *,
    begin_ns: int = BEGIN_NS,
    thread_work_s: Callable[[], float] = lambda: 0.0,
) -> T:
    """``asyncio.run(work)`` in a time that jumps; :func:`clock_ns` tells it.

    InvariantError where everything waits for something that nobody will do.
    """

    def loop() -> asyncio.AbstractEventLoop:
        return FastLoop(begin_ns, thread_work_s)

    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(work)
