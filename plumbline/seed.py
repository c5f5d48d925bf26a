"""``plumbline seed``: a clinic of simulated clients with a year of history, in the store and the registry.

A library of days comes from the real simulator through the real pipeline; what is written is re-dated
rows of it, through the stores' own ports. Everybody in it is marked as simulated.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import track

from contracts.errors import Reason, SettingError
from contracts.records import CalibrationOutcome, FrameBlock, SensorHealth
from contracts.units import NS_PER_S
from plumbline.fleet import KIT
from plumbline.seed_days import MINUTE_NS, LibraryDay, compute
from plumbline.seed_history import Client, WornDay, clients, history
from plumbline.seed_kinds import KINDS, wishes
from plumbline.seed_people import (
    CLIENTS_WITH_ACCOUNT,
    Login,
    Staff,
    add_calibrations,
    add_client,
    add_notes,
    add_staff,
    sensor_of,
)
from plumbline.settings import Settings
from plumbline.workers import each
from store.open import SQLITE_SCHEME, open_registry, open_series, sqlite_path
from store.ports import Commit, Registry, SeriesStore, WearerRows

#: Worn days in one commit.
DAYS_A_COMMIT: Final = 30
GATEWAY: Final = "clinic"
#: Sensors that nobody wears yet.
FREE_SENSORS: Final = ("SIM-FREE-1", "SIM-FREE-2")
NO_FRAMES: Final = FrameBlock.from_rows(())
_LOW_BATTERY_PERCENT: Final = 12
_MB: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class SeedChoice:
    """What to make. ``hours``: how long a whole day of the library is, about."""

    clients: int = 200
    weeks: int = 52
    seed: int = 1
    frames_days: int = 2
    hours: float = 7.5
    workers: int | None = None
    as_json: bool = False


@dataclass(slots=True)
class Made:
    """What was made: rows by kind, accounts with their passwords, and how long each part took."""

    clients: int = 0
    library_days: int = 0
    days: int = 0
    minutes: int = 0
    episodes: int = 0
    nudges: int = 0
    calibrations: int = 0
    frames: int = 0
    notes: int = 0
    store_mb: float | None = None
    library_s: float = 0.0
    writing_s: float = 0.0
    logins: list[Login] = field(default_factory=list)


def run_seed(settings: Settings, choice: SeedChoice) -> None:
    """Make the clinic and print what was made. SettingError where the registry has one already."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    console = Console(stderr=True)
    made = seed_clinic(
        settings.series_url, settings.people_url, choice, now_ns=time.time_ns(), console=console
    )
    if choice.as_json:
        sys.stdout.write(json.dumps(asdict(made), indent=1) + "\n")
        return
    for line in _words(made):
        sys.stdout.write(f"{line}\n")


def seed_clinic(
    store_url: str, registry_url: str, choice: SeedChoice, *, now_ns: int, console: Console
) -> Made:
    """Make the clinic up to ``now_ns``. SettingError where the registry has one already.

    StoreError where a store fails; what was written until then stays.
    """
    made, started_s = Made(), time.monotonic()
    registry = open_registry(registry_url)
    try:
        _refuse_second(registry)
        series = open_series(store_url)
        try:
            series.claim()
            library = _library(choice, console)
            made.library_days = sum(map(len, library.values()))
            made.library_s = round(time.monotonic() - started_s, 1)
            staff = add_staff(registry)
            made.logins += staff.logins
            _write(_Clinic(registry, series, choice, staff, made, now_ns), library, console)
        finally:
            series.close()
    finally:
        registry.close()
    made.writing_s = round(time.monotonic() - started_s - made.library_s, 1)
    made.store_mb = _mb(store_url)
    return made


def _refuse_second(registry: Registry) -> None:
    if any(wearer.wearer.startswith("sim-") for wearer in registry.wearers()):
        raise SettingError(
            Reason.BAD_SETTING,
            "There is a simulated clinic in this registry already.",
            hint="Give another folder with --data, or other addresses.",
        )


def _library(choice: SeedChoice, console: Console) -> dict[str, list[LibraryDay]]:
    """The computed days by kind, in the order of their variants."""
    kinds = min(choice.clients, len(KINDS))
    wanted = wishes(choice.seed, kinds, choice.hours)
    days: dict[str, list[LibraryDay]] = {}
    for day in each(compute, wanted, "Computing days", workers=choice.workers, console=console):
        days.setdefault(day.wish.kind, []).append(day)
    return {kind: sorted(of, key=lambda day: day.wish.variant) for kind, of in days.items()}


@dataclass(frozen=True, slots=True)
class _Clinic:
    """Where clients are written to."""

    registry: Registry
    series: SeriesStore
    choice: SeedChoice
    staff: Staff
    made: Made
    now_ns: int

    def write(self, client: Client, days: Sequence[WornDay]) -> None:
        """A client with all that belongs to them."""
        made, now_ns = self.made, self.now_ns
        from_ns = days[0].rows.start_ns - MINUTE_NS if days else now_ns
        login = add_client(self.registry, client, self.staff, from_ns)
        made.logins += [] if login is None else [login]
        made.notes += add_notes(self.registry, client, self.staff, self.choice.weeks, now_ns)
        outcomes = add_calibrations(self.registry, client, days)
        made.clients += 1
        made.calibrations += len(outcomes)
        for rows in _rows_of(client, days, outcomes, self.choice.frames_days):
            self.series.commit(Commit(wearers=[rows]))
            _count(made, rows)
        self.series.commit(Commit(health=_health_of(client, days, now_ns)))


def _write(clinic: _Clinic, library: dict[str, list[LibraryDay]], console: Console) -> None:
    choice = clinic.choice
    for client in track(
        clients(choice.clients, len(library), choice.seed),
        "Writing clients",
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ):
        today = client.number <= CLIENTS_WITH_ACCOUNT
        days = list(history(client, library, choice.weeks, clinic.now_ns, today=today))
        clinic.write(client, days)
    free = [_health(sensor, clinic.now_ns) for sensor in FREE_SENSORS]
    clinic.series.commit(Commit(health=free))


def _rows_of(
    client: Client,
    days: Sequence[WornDay],
    outcomes: Sequence[CalibrationOutcome],
    frames_days: int,
) -> Iterator[WearerRows]:
    """A client's rows, some days at a time; with frames of the last ``frames_days`` worn days."""
    with_frames = {day.date for day in days[-frames_days:]} if frames_days else set()
    for first in range(0, len(days), DAYS_A_COMMIT):
        some = days[first : first + DAYS_A_COMMIT]
        yield WearerRows(
            client.wearer,
            FrameBlock.concat([d.rows.frames for d in some if d.date in with_frames]),
            episodes=[e for d in some for e in d.rows.episodes],
            minutes=[m for d in some for m in d.rows.minutes],
            days=[d.rows.day for d in some],
            calibrations=outcomes if first == 0 else (),
            nudges=[n for d in some for n in d.rows.nudges],
        )


def _count(made: Made, rows: WearerRows) -> None:
    made.days += len(rows.days)
    made.minutes += len(rows.minutes)
    made.episodes += len(rows.episodes)
    made.nudges += len(rows.nudges)
    made.frames += len(rows.frames)


def _health_of(client: Client, days: Sequence[WornDay], now_ns: int) -> list[SensorHealth]:
    """The last word on the client's sensors: where the last day ended just now they are live."""
    last_ns = days[-1].rows.start_ns + days[-1].rows.length_ns if days else None
    live = last_ns is not None and now_ns - last_ns < 120 * NS_PER_S
    battery_percent = _LOW_BATTERY_PERCENT if client.number % 9 == 4 else 60 + client.number % 40
    return [
        _health(
            sensor_of(client, place),
            now_ns if live or last_ns is None else last_ns,
            state="live" if live else "absent",
            battery_percent=battery_percent,
            last_sample_ns=last_ns,
            stored_samples=0 if last_ns is None else 1,
        )
        for place in KIT
    ]


def _health(sensor: str, at_ns: int, **known: object) -> SensorHealth:
    usual = {
        "state": "live",
        "battery_percent": 91,
        "rssi_dbm": -61,
        "profile": "native",
        "firmware": "sim-1",
        "mean_acc_m_s2": (9.64, 0.1, 1.72),
        "turning_rad_s": 0.01,
    }
    return SensorHealth(gateway=GATEWAY, sensor=sensor, at_ns=at_ns, **(usual | known))  # type: ignore[arg-type]


def _mb(store_url: str) -> float | None:
    """Size of a store's file; None where it is no file."""
    if not store_url.startswith(SQLITE_SCHEME):
        return None
    path = sqlite_path(store_url)
    files = [path, Path(f"{path}-wal")]
    return round(sum(file.stat().st_size for file in files if file.exists()) / _MB, 1)


def _words(made: Made) -> Iterator[str]:
    size = "" if made.store_mb is None else f", {made.store_mb:,.0f} MB"
    yield (
        f"{made.clients} simulated clients, {made.days:,} worn days of {made.library_days} computed "
        f"ones: {made.minutes:,} minutes, {made.episodes:,} episodes, {made.nudges:,} reminders, "
        f"{made.frames:,} frames{size}."
    )
    yield f"Computed in {made.library_s:.0f} s, written in {made.writing_s:.0f} s."
    yield ""
    for login in made.logins:
        yield f"{login.login:<16} {login.password:<22} {', '.join(login.roles)}"
