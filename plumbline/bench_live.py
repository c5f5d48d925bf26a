"""Benchmark: how long after a sample was taken its frame can be read from the store, live."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

from contracts.records import FRAME_NS
from contracts.units import NS_PER_S
from plumbline.demo import Demo, DemoChoice, make_plan, own_store
from plumbline.demo_folder import DemoFolder
from plumbline.fleet import now_ns
from plumbline.settings import Settings
from store import open_series

POLL_S: Final = 0.01
#: The day begins with the calibration, for which frames wait: that is over when we look.
BEFORE_HOURS: Final = 0.1
#: What waited while everything started is not live.
SETTLE_S: Final = 8.0
LIMIT_S: Final = 1.5
LOOK_AFTER_S: Final = 0.5


class FrameWatch:
    """Polls the store, as a page would, and notes how late each new frame is."""

    def __init__(self, url: str, wearer: str) -> None:
        self._url = url
        self._wearer = wearer
        self.delays_s: list[float] = []

    def watch(self, seconds: float) -> None:
        """Look for ``seconds``, after things have settled."""
        store = open_series(self._url, read_only=True)
        try:
            settled_s = time.monotonic() + SETTLE_S
            seen_ns = 0
            while time.monotonic() < settled_s + seconds:
                time.sleep(POLL_S)
                frame = store.latest_frame(self._wearer)
                start_ns = int(frame.start_ns[-1]) if len(frame) else 0
                if start_ns <= seen_ns:
                    continue
                if time.monotonic() > settled_s:
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
        watch = FrameWatch(own.series_url, plan.wearer.wearer)
        with Demo(own, choice, held, plan, threading.Event()) as demo:
            demo.wait_for_backlog()
            looking = threading.Thread(target=watch.watch, args=(seconds,))
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
