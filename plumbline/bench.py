"""``plumbline bench``: figures of the whole way, measured on this machine."""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from contracts.errors import PlumblineError, Reason, SettingError
from plumbline import bench_consumer, bench_faults, bench_memory, bench_offline, bench_store
from plumbline.bench_ahead import measure_ahead
from plumbline.bench_backlog import measure_backlog
from plumbline.bench_fuzz import measure_fuzz
from plumbline.bench_live import measure_live
from plumbline.bench_nudge import WEARERS as NUDGED_WEARERS
from plumbline.bench_nudge import measure_nudge
from plumbline.bench_outage import measure_outage
from plumbline.bench_sensors import measure_sensors
from plumbline.bench_time import measure_time
from plumbline.settings import Settings

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class BenchChoice:
    """What to measure and how much of it."""

    what: str = "all"
    hours: float = 8.0
    live_s: float = 60.0
    wearers: int | None = None
    clinic: Path | None = None  # folder that keeps the dashboard's clinic
    plans: int = bench_faults.PLANS
    seed: int = 1
    json_file: Path | None = None  # "-": standard output, and no tables
    recording: Path | None = None  # what is played through a sensor of each make


def run_bench(settings: Settings, choice: BenchChoice) -> None:
    """Measure in a folder of its own that is removed again, and print.

    SettingError for a bad WHAT. ``wearers`` None: as many as each benchmark has by itself.
    """
    benches: dict[str, Callable[[Path], Figures]] = {
        "backlog": lambda folder: measure_backlog(settings, folder, choice.hours),
        "live": lambda folder: measure_live(settings, folder, choice.live_s),
        "ahead": lambda folder: measure_ahead(settings, folder, min(choice.hours, AHEAD_HOURS)),
        "offline": lambda folder: bench_offline.measure_offline(
            folder, min(choice.hours, OFFLINE_HOURS)
        ),
        "consumer": lambda folder: bench_consumer.measure_consumer(
            folder, choice.wearers or bench_consumer.WEARERS
        ),
        "store": lambda folder: bench_store.measure_store(
            folder, wearers=choice.wearers or bench_store.WEARERS
        ),
        "memory": lambda folder: bench_memory.measure_memory(
            folder, choice.wearers or bench_memory.WEARERS
        ),
        "outage": measure_outage,
        "fuzz": measure_fuzz,
        "makes": lambda folder: _makes(folder, choice),
        "faults": lambda folder: bench_faults.measure_faults(
            folder, plans=choice.plans, seed=choice.seed
        ),
        "nudge": lambda folder: measure_nudge(
            folder, choice.live_s, choice.wearers or NUDGED_WEARERS
        ),
        "sensors": lambda folder: measure_sensors(folder, choice.live_s),
        "time": lambda _: measure_time(),
        "dashboard": lambda folder: _dashboard(folder, choice),
    }
    if choice.what != "all" and choice.what not in benches:
        raise SettingError(
            Reason.BAD_SETTING,
            f"There is no benchmark {choice.what[:40]!r}.",
            hint=f"Choose one of: all, {', '.join(benches)}.",
        )
    every = [name for name in benches if name not in ALONE]
    wanted = every if choice.what == "all" else [choice.what]
    results: dict[str, Figures] = {"machine": _machine()}
    for name in wanted:
        with tempfile.TemporaryDirectory(prefix="plumbline-bench-") as folder:
            results[name] = _measured(benches[name], Path(folder), optional=len(wanted) > 1)
    text = json.dumps(results, indent=1) + "\n"
    if choice.json_file == Path("-"):
        sys.stdout.write(text)
        return
    if choice.json_file is not None:
        choice.json_file.write_text(text)
    console = Console()
    for name, figures in results.items():
        console.print(_table(name, figures))


def _dashboard(folder: Path, choice: BenchChoice) -> Figures:
    from plumbline import bench_dashboard

    size = bench_dashboard.USUAL
    if choice.wearers is not None:
        size = replace(size, clients=choice.wearers)
    return bench_dashboard.measure_dashboard(folder, choice.clinic, size)


def _makes(folder: Path, choice: BenchChoice) -> Figures:
    from plumbline import bench_makes

    if choice.recording is None:
        raise SettingError(
            Reason.BAD_SETTING,
            "There is no recording to play through sensors of other makes.",
            hint="Give its folder with --recording.",
        )
    return bench_makes.measure_makes(folder, bench_makes.MakesChoice(choice.recording))


def _measured(bench: Callable[[Path], Figures], folder: Path, *, optional: bool) -> Figures:
    """The figures; among others, where it wants a program that is not here, what to do about it."""
    try:
        return bench(folder)
    except PlumblineError as error:
        if optional and error.reason is Reason.MISSING:
            return {"not run": str(error)}
        raise


#: Take minutes to half an hour each, one of them a browser: only where they are asked for by name.
ALONE: Final = ("ahead", "dashboard", "sensors", "fuzz", "makes", "faults")
#: Enough for a steady ratio; more only takes longer.
OFFLINE_HOURS: Final = 1.0
#: On a slow link an hour takes a minute and a half.
AHEAD_HOURS: Final = 1.0


def _machine() -> Figures:
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
    }


def _table(name: str, figures: Figures) -> Table:
    table = Table("figure", "value", title=name)
    table.columns[1].justify = "right"
    for figure, value in _flat(figures):
        table.add_row(figure, f"{value:,.3f}" if isinstance(value, float) else str(value))
    return table


def _flat(figures: Figures, prefix: str = "") -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = []
    for name, value in figures.items():
        label = f"{prefix}{name}"
        rows += _flat(value, f"{label} ") if isinstance(value, dict) else [(label, value)]
    return rows
