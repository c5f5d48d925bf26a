"""Benchmark: how late the wearer's state is while a log comes in over a slow link."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

from contracts.records import FRAME_NS
from firmware_sim.faults import MAX_AT_S, FaultPlan, SlowLink, encode_plan
from plumbline.bench_live import LOOK_AFTER_S, FrameWatch, delay_figures
from plumbline.demo import Demo, DemoChoice, make_plan, own_store
from plumbline.demo_folder import DemoFolder
from plumbline.settings import Settings

#: A real link carries 20,000 bytes a second from far away, 100,000 from nearby.
LINK_BYTES_PER_S: Final = 30_000.0


def measure_ahead(settings: Settings, folder: Path, hours: float) -> dict[str, Any]:
    """Delays in s of what is shown while ``hours`` of two sensors come in, and what became of those."""
    own = own_store(settings, folder)
    plan_file = folder / "slow.json"
    slow = SlowLink(at_s=0.0, lasts_s=MAX_AT_S, bytes_per_s=LINK_BYTES_PER_S)
    plan_file.write_bytes(encode_plan(FaultPlan(faults=(slow,))))
    choice = DemoChoice(hours=hours, headless=True, until_done=True, as_json=True, faults=plan_file)
    held = DemoFolder(folder)
    came_in = threading.Event()
    try:
        plan = make_plan(own, choice)
        wearer = plan.wearer.wearer
        watch = FrameWatch(own.series_url, lambda store: store.ahead(wearer))
        with Demo(own, choice, held, plan, threading.Event()) as demo:
            looking = threading.Thread(target=watch.watch, args=(came_in.is_set,))
            looking.start()
            began_s = time.monotonic()
            demo.wait_for_backlog()
            took_s = time.monotonic() - began_s
            came_in.set()
            looking.join(LOOK_AFTER_S)
            summary = demo.summary(took_s)
    finally:
        came_in.set()
        held.close()
    return {
        "link bytes a second": LINK_BYTES_PER_S,
        "samples that waited": summary.waiting,
        "missing": len(summary.missing),
        "log in the store after s": took_s,
        "seconds shown meanwhile": _shown(watch.starts_ns),
        "shown": delay_figures(np.array(watch.delays_s)),
    }


def _shown(starts_ns: list[int]) -> dict[str, int]:
    """How many seconds were shown, and how many in between were not."""
    if not starts_ns:
        return {"shown": 0}
    due = (starts_ns[-1] - starts_ns[0]) // FRAME_NS + 1
    return {"shown": len(starts_ns), "left out": due - len(starts_ns)}
