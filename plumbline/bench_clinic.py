"""The clinic that the dashboard's benchmark looks at: 200 simulated clients and a year each, in a folder.

Made once a folder and kept there: series.sqlite and registry.sqlite, and the same rows in an InfluxDB.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console

from contracts.errors import Reason, SettingError
from contracts.units import NS_PER_S
from dashboard.entry import accounts
from dashboard.entry.door import Door
from plumbline.bench_influxd import BenchInflux, require_influxd
from plumbline.seed import Made, SeedChoice, seed_clinic
from store.open import open_registry, open_series
from store.people_ports import Account, Role
from store.ports import Registry, Wearer

_PREFIX: Final = "clinic"
_FACTS: Final = "clinic.json"


class Facts(msgspec.Struct, frozen=True):
    """What a kept clinic is made of."""

    clients: int
    weeks: int
    now_ns: int
    made: dict[str, Made]


@dataclass(frozen=True, slots=True)
class BenchClinic:
    """A clinic in ``folder``, as ``facts`` say."""

    folder: Path
    facts: Facts

    @property
    def sqlite_url(self) -> str:
        """Its series in SQLite."""
        return f"sqlite:{self.folder / 'series.sqlite'}"

    @contextmanager
    def influx_url(self, clinic_choice: SeedChoice) -> Iterator[str]:
        """The same series on a server of our own, made when first asked for. MISSING without one."""
        place = self.folder / "influx"
        place.mkdir(exist_ok=True)
        with BenchInflux(require_influxd(), place) as server:
            url = server.url(_PREFIX)
            if "influx" not in self.facts.made:
                made = _seeded(url, self.folder / "aside.sqlite", clinic_choice, self.facts.now_ns)
                (self.folder / "aside.sqlite").unlink()
                self.facts.made["influx"] = made
                _write_facts(self.folder, self.facts)
            _bring_forward(url)
            yield url

    def registry_in(self, folder: Path) -> str:
        """A copy of the registry that a run may add people to."""
        copy = folder / "registry.sqlite"
        shutil.copy(self.folder / "registry.sqlite", copy)
        return f"sqlite:{copy}"


def kept_clinic(folder: Path, choice: SeedChoice) -> BenchClinic:
    """The clinic of a folder, made where there is none. SettingError where another one is there."""
    folder.mkdir(parents=True, exist_ok=True)
    facts_file = folder / _FACTS
    if not facts_file.exists():
        now_ns = time.time_ns() // NS_PER_S * NS_PER_S
        registry_file = folder / "registry.sqlite"
        made = _seeded(f"sqlite:{folder / 'series.sqlite'}", registry_file, choice, now_ns)
        _write_facts(folder, Facts(choice.clients, choice.weeks, now_ns, {"sqlite": made}))
    facts = msgspec.json.decode(facts_file.read_bytes(), type=Facts)
    if (facts.clients, facts.weeks) != (choice.clients, choice.weeks):
        raise SettingError(
            Reason.BAD_SETTING,
            f"{folder} holds {facts.clients} clients of {facts.weeks} weeks, not "
            f"{choice.clients} of {choice.weeks}.",
            hint="Give another folder with --clinic, or the same numbers.",
        )
    clinic = BenchClinic(folder, facts)
    _bring_forward(clinic.sqlite_url, f"sqlite:{folder / 'registry.sqlite'}")
    return clinic


def _bring_forward(store_url: str, registry_url: str | None = None) -> None:
    """A clinic that was kept from an earlier version is read as one of this."""
    open_series(store_url).close()
    if registry_url is not None:
        open_registry(registry_url).close()


def _seeded(store_url: str, registry_file: Path, choice: SeedChoice, now_ns: int) -> Made:
    console = Console(stderr=True)
    made = seed_clinic(store_url, f"sqlite:{registry_file}", choice, now_ns=now_ns, console=console)
    made.logins.clear()  # nobody signs in by them: no password stays in a file
    return made


def _write_facts(folder: Path, facts: Facts) -> None:
    (folder / _FACTS).write_bytes(msgspec.json.format(msgspec.json.encode(facts), indent=1))


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A browser's token and whose it is."""

    token: str
    role: Role
    wearer: str | None


def therapist(registry: Registry) -> SignedIn:
    """A browser of the therapist whom everybody lets look."""
    account = registry.people.account_of_login("therapist-1")
    if account is None:
        raise SettingError(Reason.MISSING, "There is no therapist in this clinic.")
    return SignedIn(_door(registry).let_in(account), Role.THERAPIST, None)


def some_people(registry: Registry, clients: int, therapists: int) -> list[SignedIn]:
    """Browsers of so many clients, each with an account, and of the therapist."""
    door = _door(registry)
    owners = {a.wearer: a for a in registry.people.accounts() if a.wearer is not None}
    found: list[SignedIn] = []
    for wearer in registry.wearers()[:clients]:
        account = owners.get(wearer.wearer) or _client_account(registry, wearer)
        found.append(SignedIn(door.let_in(account), Role.CLIENT, wearer.wearer))
    return found + [therapist(registry) for _ in range(therapists)]


def _client_account(registry: Registry, wearer: Wearer) -> Account:
    account = Account(
        accounts.new_id(),
        f"bench-{wearer.wearer}",
        wearer.label,
        frozenset({Role.CLIENT}),
        wearer.wearer,
    )
    registry.people.put_account(account)
    return account


def _door(registry: Registry) -> Door:
    return Door(registry.people, clock_ns=time.time_ns)
