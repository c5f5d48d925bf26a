"""What the demo shows: progress while a backlog comes in, and the summary after it."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from types import TracebackType
from typing import Any, Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from contracts.records import Episode
from contracts.units import NS_PER_S
from dashboard.look.text import pattern
from plumbline.demo_accounts import DemoAccount
from plumbline.tally import Hops

HOPS: Final = {
    "recorded": "recorded by the sensors",
    "received": "received by the gateway",
    "stored": "stored by analytics",
    "in_frames": "in frames",
}
#: A narrower terminal shows the bar and the share, without the counts.
WIDE_COLUMNS: Final = 90
SAFETY: Final = (
    "Informational posture trend, not a diagnosis or treatment. Focus areas are prompts for a "
    "licensed therapist's assessment."
)


@dataclass(frozen=True)
class Summary:
    """A run in figures. ``missing``: in words, empty where everything is there."""

    wearer: str
    hops: Hops
    waiting: int
    frames: int
    episodes: int
    focus_areas: dict[str, float]
    took_s: float
    dashboard: str
    restarts: dict[str, int]
    missing: tuple[str, ...] = ()
    accounts: tuple[DemoAccount, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The summary for another program."""
        return asdict(self)


def focus_seconds(episodes: Sequence[Episode]) -> dict[str, float]:
    """Seconds of exposure behind each focus area, most first."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for episode in episodes:
        length_s = (episode.end_ns - episode.start_ns) / NS_PER_S
        for area in episode.focus:
            seconds[area.rule] += area.share * length_s
    ranked = sorted(seconds.items(), key=lambda item: -item[1])
    return {rule: round(value, 1) for rule, value in ranked}


class SyncProgress:
    """Bars of what is in the gateway and in the store; plain lines where no terminal is."""

    def __init__(self, console: Console, *, quiet: bool) -> None:
        counts = TextColumn("{task.completed:>10,.0f} / {task.total:,.0f} samples")
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description:18}"),
            BarColumn(bar_width=None),
            TextColumn("{task.percentage:>5.1f} %"),
            *([counts] if console.width >= WIDE_COLUMNS else []),
            TimeElapsedColumn(),
            console=console,
            disable=quiet,
        )
        self._hops = {
            name: self._progress.add_task(text, total=None, visible=False)
            for name, text in (
                ("received", "Sensors → gateway"),
                ("in_frames", "Gateway → store"),
            )
        }

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def show(self, hops: Hops, waiting: int) -> None:
        """Move the bars."""
        if not waiting:
            return
        for name, task in self._hops.items():
            completed = min(getattr(hops, name), waiting)
            self._progress.update(task, total=waiting, completed=completed, visible=True)


def show_summary(console: Console, summary: Summary, *, as_json: bool) -> None:
    """Print the summary: to the console, or to stdout as JSON."""
    if as_json:
        sys.stdout.write(json.dumps(summary.to_json(), indent=1) + "\n")
        sys.stdout.flush()
        return
    if summary.waiting:
        console.print(_hop_table(summary))
    console.print(
        f"{summary.frames:,} frames (seconds), {summary.episodes:,} "
        f"{'episode' if summary.episodes == 1 else 'episodes'} of sustained rounded posture, "
        f"after {summary.took_s:.1f} s.",
        highlight=False,
    )
    if summary.focus_areas:
        console.print("Areas to assess, by the exposure behind them:")
        for rule, seconds in summary.focus_areas.items():
            console.print(f"  {seconds / 60:6.1f} min  {pattern(rule)}", highlight=False)
        console.print(SAFETY, style="italic")
    for words in summary.missing:
        console.print(f"Missing: {words}.", style="bold red")
    if summary.dashboard:
        console.print(f"Dashboard: {summary.dashboard}", style="bold")
        for account in summary.accounts:
            words = f"  as {account.role}: {account.login}, password {account.password}"
            console.print(words, highlight=False, markup=False, soft_wrap=True)


def _hop_table(summary: Summary) -> Table:
    hops, waiting = summary.hops, summary.waiting
    table = Table("samples", "that waited", "since, live")
    table.title = f"The way of the samples ({summary.wearer})"
    if hops.lost:
        table.caption = f"The sensors themselves lost {hops.lost:,} more: gaps, shown as such."
    for column in table.columns[1:]:
        column.justify = "right"
    if not hops.ended:  # the sensors' own count may be half a second older than the gateway's
        hops = replace(hops, recorded=max(hops.recorded, hops.received))
    for field, text in HOPS.items():
        count = getattr(hops, field)
        live = max(0, count - waiting)
        table.add_row(text, f"{min(count, waiting):,}", f"{live:,}" if live else "")
    return table
