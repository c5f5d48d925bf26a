"""Running a service in this process until it is told to stop by Ctrl-C or SIGTERM."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def run_async(service: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run a coroutine that ends when the event is set; a second signal ends it at once."""

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()

        def told_to_stop() -> None:
            stop.set()
            for number in _SIGNALS:
                loop.remove_signal_handler(number)

        for number in _SIGNALS:
            loop.add_signal_handler(number, told_to_stop)
        await service(stop)

    asyncio.run(main())


def run_threaded(service: Callable[[threading.Event], None]) -> None:
    """Run a function that ends when the event is set; a second signal ends it at once."""
    stop = threading.Event()
    stop_on_signal(stop)
    service(stop)


def stop_on_signal(stop: threading.Event) -> None:
    """Set the event on the first Ctrl-C or SIGTERM; the next one acts as it would without us."""

    def told_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    for number in _SIGNALS:
        signal.signal(number, told_to_stop)
