"""A small simulated clinic in real stores: what tests and pictures of the pages look at."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from contracts.units import NS_PER_S
from dashboard.entry.access import Viewer
from plumbline.seed import Made, SeedChoice, seed_clinic
from store.open import open_registry, open_series
from store.people_ports import Role
from store.ports import Commit, SeriesStore, WearerRows
from tests.dashboard import seed

EVER = (0, 2**62)
#: Short days of two kinds: enough of everything that pages show.
SMALL = SeedChoice(clients=2, weeks=9, seed=3, frames_days=2, hours=1.0, workers=1)
LOGINS = {
    Role.CLIENT: "client-001",
    Role.THERAPIST: "therapist-1",
    Role.ADMINISTRATOR: "administrator",
    Role.EMPLOYER: "employer",
}


@dataclass(frozen=True)
class Clinic:
    """Where a seeded clinic is, what was made, and when "now" is in it."""

    store_url: str
    registry_url: str
    made: Made
    now_ns: int

    def viewer(self, role: Role) -> Viewer:
        """The seeded person of a role, as signed in."""
        registry = open_registry(self.registry_url)
        try:
            people = registry.people
            account = people.account_of_login(LOGINS[role])
            assert account is not None
            granted = {grant.wearer for grant in people.grants(account=account.account)}
        finally:
            registry.close()
        return Viewer(
            account.account, account.name, account.roles, account.wearer, frozenset(granted)
        )


def make_clinic(folder: Path, choice: SeedChoice = SMALL) -> Clinic:
    """A clinic in SQLite in a folder, whose last data is of just now."""
    folder.mkdir(parents=True, exist_ok=True)
    store_url, registry_url = seed.urls(folder)
    now_ns = time.time_ns() // NS_PER_S * NS_PER_S
    made = seed_clinic(store_url, registry_url, choice, now_ns=now_ns, console=Console(stderr=True))
    return Clinic(store_url, registry_url, made, now_ns)


@pytest.fixture(scope="session")
def seeded_clinic(tmp_path_factory: pytest.TempPathFactory) -> Clinic:
    """The clinic, to be copied by whoever changes it."""
    return make_clinic(tmp_path_factory.mktemp("clinic"))


@pytest.fixture
def clinic(seeded_clinic: Clinic, tmp_path: Path) -> Clinic:
    """A copy of the clinic in SQLite, of the test's own."""
    for name in ("series.sqlite", "registry.sqlite"):
        origin = Path(seeded_clinic.store_url.removeprefix("sqlite:")).with_name(name)
        shutil.copy(origin, tmp_path / name)
    return Clinic(*seed.urls(tmp_path), seeded_clinic.made, seeded_clinic.now_ns)


def copy_series(clinic: Clinic, store_url: str) -> Clinic:
    """The clinic with its series in another store."""
    origin, target = open_series(clinic.store_url, read_only=True), open_series(store_url)
    try:
        for summary in origin.wearers():
            target.commit(Commit(wearers=[_all_of(origin, summary.wearer)]))
        target.commit(Commit(health=origin.health()))
    finally:
        origin.close()
        target.close()
    return Clinic(store_url, clinic.registry_url, clinic.made, clinic.now_ns)


def _all_of(series: SeriesStore, wearer: str) -> WearerRows:
    return WearerRows(
        wearer,
        series.frames(wearer, *EVER),
        episodes=series.episodes(wearer, *EVER),
        minutes=series.minutes(wearer, *EVER),
        days=series.days(wearer, *EVER),
        calibrations=series.calibrations(wearer),
        nudges=series.nudges(wearer, *EVER),
    )
