"""The command that measures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plumbline.options import with_settings
from plumbline.settings import Settings


@with_settings()
def bench(
    settings: Settings,
    *,
    what: Annotated[
        str,
        typer.Argument(
            help="backlog, live, nudge, offline, consumer, store, memory, outage, all; or ahead, dashboard, sensors, makes, time, fuzz, faults",
            metavar="[WHAT]",
        ),
    ] = "all",
    hours: Annotated[float, typer.Option(help="Hours of the backlog", min=0.02, max=24.0)] = 8.0,
    live_s: Annotated[float, typer.Option(help="Seconds of live data", min=10.0)] = 60.0,
    wearers: Annotated[
        int | None,
        typer.Option(help="People in nudge, consumer, store, memory and dashboard", min=2, max=500),
    ] = None,
    clinic: Annotated[
        Path | None,
        typer.Option(help="Folder that keeps the dashboard's simulated clinic for the next time"),
    ] = None,
    plans: Annotated[int, typer.Option(help="Days of faults in faults", min=1, max=100_000)] = 12,
    seed: Annotated[int, typer.Option(help="Seed of the first day of faults", min=0)] = 1,
    recording: Annotated[
        Path | None, typer.Option(help="Folder of the recording that makes plays")
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", help="Write the figures to this file as JSON; -: print only that"),
    ] = None,
) -> None:
    """Measure: a backlog's way, the delay live, and each part against what bounds it."""
    from plumbline.bench import BenchChoice, run_bench

    choice = BenchChoice(what, hours, live_s, wearers, clinic, plans, seed, json_file, recording)
    run_bench(settings, choice)
