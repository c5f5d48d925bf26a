"""Benchmark: hours of two sensors from their flash logs into the store, stage by stage."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contracts.errors import PlumblineError, Reason
from plumbline.demo import Demo, DemoChoice, make_plan, own_store
from plumbline.demo_folder import DemoFolder
from plumbline.procfs import Usage, usage
from plumbline.settings import Settings
from plumbline.tally import Hops

STAGES = {"gateway": "received", "analytics": "stored", "store": "in_frames"}


class BacklogWatch:
    """Notes when each stage had what waited, and what each process used. Told at every poll."""

    def __init__(self, began_s: float) -> None:
        self._began_s = began_s
        self._waiting = 0
        self.first_s: dict[str, float] = {}
        self.done_s: dict[str, float] = {}
        self.used: dict[str, Usage] = {}

    def __call__(self, hops: Hops, pids: Mapping[str, int]) -> None:
        now_s = time.monotonic() - self._began_s
        self._waiting = self._waiting or hops.recorded
        if self._waiting:
            self.first_s.setdefault("sensors", now_s)
        for stage, field in STAGES.items():
            count = getattr(hops, field)
            if count:
                self.first_s.setdefault(stage, now_s)
            if 0 < self._waiting <= count:
                self.done_s.setdefault(stage, now_s)
        self.used |= {name: found for name, pid in pids.items() if (found := usage(pid))}

    @property
    def waiting(self) -> int:
        """Samples that waited in the flash logs."""
        return self._waiting


def measure_backlog(settings: Settings, folder: Path, hours: float) -> dict[str, Any]:
    """Time of the whole way and of each stage, CPU and peak memory of each process."""
    own = own_store(settings, folder)
    choice = DemoChoice(hours=hours, headless=True, until_done=True, as_json=True)
    held = DemoFolder(folder)
    try:
        began_s = time.monotonic()
        watch = BacklogWatch(began_s)
        plan = make_plan(own, choice)
        with Demo(own, choice, held, plan, threading.Event(), watch) as demo:
            demo.wait_for_backlog()
            summary = demo.summary(time.monotonic() - began_s)
    finally:
        held.close()
    if summary.missing:
        raise PlumblineError(
            Reason.INCOMPLETE, f"The benchmark lost samples: {'; '.join(summary.missing)}."
        )
    began_flow_s = watch.first_s["sensors"]
    return {
        "hours": hours,
        "samples": watch.waiting,
        "start-up s": began_flow_s,
        "in the store s": watch.done_s["store"] - began_flow_s,
        "samples per s": watch.waiting / (watch.done_s["store"] - began_flow_s),
        "stage done after s": {
            stage: done_s - began_flow_s for stage, done_s in watch.done_s.items()
        },
        "CPU s": {name: used.cpu_s for name, used in watch.used.items()},
        "peak memory MB": {name: used.peak_mb for name, used in watch.used.items()},
        "frames": summary.frames,
        "episodes": summary.episodes,
    }
