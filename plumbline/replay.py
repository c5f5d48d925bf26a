"""``plumbline replay``: stored days at another mark, beside the wearer's own and as they were told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from analytics.replay import finish, replay
from contracts.errands import MAX_REPLAY_NS, ReplayDay, ReplayResult, ReplayWish
from contracts.errors import Reason, SettingError
from contracts.units import NS_PER_S
from plumbline.settings import Settings
from store import open_registry, open_series
from store.ports import Registry

_HOUR_S: Final = 3600
_UNKNOWN: Final = "–"


@dataclass(frozen=True, slots=True)
class ReplayChoice:
    """What ``plumbline replay`` was asked to do; both days are of the wearer's zone and included."""

    wearer: str
    first: date
    last: date
    mark_deg: float
    as_json: bool = False


def run_replay(settings: Settings, choice: ReplayChoice) -> None:
    """Read the days' frames and print the days. SettingError where that cannot be asked.

    StoreError or DiskError where a store cannot be read. Nothing is written.
    """
    registry = open_registry(settings.people_url, read_only=True)
    try:
        zone = _zone(registry, choice.wearer)
        wish = _wish(choice, zone)
        series = open_series(settings.series_url, read_only=True)
        try:
            steps = replay(choice.wearer, wish, series=series, registry=registry)
            console = Console(stderr=True)
            shown = console.is_terminal and not choice.as_json
            with Progress(console=console, transient=True, disable=not shown) as progress:
                progress.add_task("Reading", total=None)
                result = finish(steps, lambda: None)
        finally:
            series.close()
    finally:
        registry.close()
    if choice.as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(result), indent=1).decode())
    else:
        Console().print(_table(result, zone))


def _zone(registry: Registry, wearer: str) -> ZoneInfo:
    zones = {known.wearer: known.timezone for known in registry.wearers()}
    if wearer not in zones:
        raise SettingError(
            Reason.MISSING,
            f"There is no wearer {wearer[:64]!r} in the registry.",
            hint="Give the pseudonymous id of one that has worn sensors.",
        )
    return ZoneInfo(zones[wearer])


def _wish(choice: ReplayChoice, zone: ZoneInfo) -> ReplayWish:
    first_ns, end_ns = (
        int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * NS_PER_S
        for day in (choice.first, choice.last + timedelta(days=1))
    )
    if end_ns <= first_ns or end_ns - first_ns > MAX_REPLAY_NS:
        raise SettingError(
            Reason.BAD_SETTING,
            f"From {choice.first} to {choice.last} is no time that can be replayed.",
            hint=f"Give 1 to {MAX_REPLAY_NS // (24 * _HOUR_S * NS_PER_S) - 1} days, the first one first.",
        )
    return ReplayWish(start_ns=first_ns, end_ns=end_ns, mark_deg=choice.mark_deg)


def _table(result: ReplayResult, zone: ZoneInfo) -> Table:
    table = Table(
        "day",
        "worn",
        "as told",
        f"own mark, {result.own_mark_deg:g}°",
        f"at {result.mark_deg:g}°",
        title="Rounded minutes a worn hour (episodes)",
        caption="By one angle alone; as told weighs more than one angle.",
    )
    for wished, own, told in zip(result.wished, result.own, result.told, strict=True):
        day = datetime.fromtimestamp(told.start_ns // NS_PER_S, UTC).astimezone(zone).date()
        table.add_row(str(day), _hours(told.worn_s), *map(_share, (told, own, wished)))
    table.add_section()
    # Like with like: only days of which the frames are still there.
    kept = {day.start_ns for day in result.wished if day.worn_s}
    told, own, wished = (
        _sum(day for day in days if day.start_ns in kept)
        for days in (result.told, result.own, result.wished)
    )
    table.add_row("days replayed", _hours(told.worn_s), *map(_share, (told, own, wished)))
    return table


def _sum(days: Iterable[ReplayDay]) -> ReplayDay:
    found = list(days)
    return ReplayDay(
        start_ns=0,
        worn_s=sum(day.worn_s for day in found),
        rounded_s=sum(day.rounded_s for day in found),
        episodes=sum(day.episodes for day in found),
        longest_episode_s=max((day.longest_episode_s for day in found), default=0),
    )


def _share(day: ReplayDay) -> str:
    """Unknown where nothing was worn, or the frames are no longer kept."""
    if not day.worn_s:
        return _UNKNOWN
    return f"{60 * day.rounded_s / day.worn_s:.1f} ({day.episodes})"


def _hours(seconds: int) -> str:
    return f"{seconds // _HOUR_S} h {seconds % _HOUR_S // 60:02d} min"
