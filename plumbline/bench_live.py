"""Benchmark: how long after a sample was taken its frame can be read from the store, live."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from contracts.records import FRAME_NS, FrameBlock
from contracts.units import NS_PER_S
from plumbline.demo import Demo, DemoChoice, make_plan, own_store
from plumbline.demo_folder import DemoFolder
from plumbline.fleet import now_ns
from plumbline.settings import Settings
from store import open_series
from store.ports import SeriesStore

POLL_S: Final = 0.01
#: The day begins with the calibration, for which frames wait: that is over when we look.
BEFORE_HOURS: Final = 0.1
#: What waited while everything started is not live.
SETTLE_S: Final = 8.0
LIMIT_S: Final = 1.5
LOOK_AFTER_S: Final = 0.5


class FrameWatch:
    """Polls the store, as a page would, and notes how late each new frame is that ``newest`` gives."""

    def __init__(self, url: str, newest: Callable[[SeriesStore], FrameBlock]) -> None:
        self._url = url
        self._newest = newest
        self.starts_ns: list[int] = []
        self.delays_s: list[float] = []

    def watch_for(self, seconds: float) -> None:
        """Look for ``seconds``, after things have settled."""
        settled_s = time.monotonic() + SETTLE_S
        self.watch(
            lambda: time.monotonic() >= settled_s + seconds,
            settled=lambda: time.monotonic() > settled_s,
        )

    def watch(self, ended: Callable[[], bool], settled: Callable[[], bool] = lambda: True) -> None:
        """Look until ``ended``; what comes before all has ``settled`` is not noted."""
        store = open_series(self._url, read_only=True)
        try:
            seen_ns = 0
            while not ended():
                time.sleep(POLL_S)
                frame = self._newest(store)
                start_ns = int(frame.start_ns[-1]) if len(frame) else 0
                if start_ns <= seen_ns:
                    continue
                if settled():
                    self.starts_ns.append(start_ns)
                    self.delays_s.append((now_ns() - start_ns - FRAME_NS) / NS_PER_S)
                seen_ns = start_ns
        finally:
            store.close()


def measure_live(settings: Settings, folder: Path, seconds: float) -> dict[str, Any]:
    """Delays in s over ``seconds`` of live data of two sensors.

    From a frame's last sample to the frame in the store; its first sample is one frame older, and
    that is what the limit of one frame plus 0.5 s is held against.
    """
    own = own_store(settings, folder)
    choice = DemoChoice(hours=BEFORE_HOURS, headless=True, until_done=True, as_json=True)
    held = DemoFolder(folder)
    try:
        plan = make_plan(own, choice)
        wearer = plan.wearer.wearer
        watch = FrameWatch(own.series_url, lambda store: store.latest_frame(wearer))
        with Demo(own, choice, held, plan, threading.Event()) as demo:
            demo.wait_for_backlog()
            looking = threading.Thread(target=watch.watch_for, args=(seconds,))
            looking.start()
            while looking.is_alive():
                demo.poll()
                looking.join(LOOK_AFTER_S)
    finally:
        held.close()
    return delay_figures(np.array(watch.delays_s))


def delay_figures(delays_s: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, Any]:
    """Percentiles of delays after a frame's end, and of its first sample's."""
    if not delays_s.size:
        return {"frames": 0}
    p50, p99 = (float(value) for value in np.percentile(delays_s, (50, 99)))
    frame_s = FRAME_NS / NS_PER_S
    return {
        "frames": int(delays_s.size),
        "last sample of a frame to the store s": {
            "p50": p50,
            "p99": p99,
            "max": float(delays_s.max()),
        },
        "first sample of a frame to the store s": {
            "p50": p50 + frame_s,
            "p99": p99 + frame_s,
            "limit for p99": LIMIT_S,
        },
    }
