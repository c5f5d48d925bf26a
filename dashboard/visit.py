"""What a page is handed: who looks, at whom, and stores that answer only what this page may ask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dashboard.access import Viewer
from dashboard.gate import Gate, GuardedPeople, GuardedRegistry, GuardedSeries
from dashboard.kept import KeptSeries
from dashboard.queries import Person
from store.people_ports import People
from store.ports import Registry


@dataclass(frozen=True, slots=True)
class Office:
    """Everything the registry keeps, for those whose work it is to keep it in order."""

    registry: Registry
    people: People


@dataclass(frozen=True, slots=True)
class Visit:
    """One run of one page. ``person`` is whose data it is about; None on pages about nobody's.

    ``office`` is the registry itself, for the administrator's and the employer's pages alone, whose
    acts are about nobody; it is None elsewhere. ``kept`` is for saying what is wrong with the store.
    """

    viewer: Viewer
    gate: Gate
    person: Person | None
    series: GuardedSeries
    registry: GuardedRegistry
    people: GuardedPeople
    kept: KeptSeries
    clock_ns: Callable[[], int]
    office: Office | None = None

    @property
    def client(self) -> Person:
        """The person on a page that is always about one."""
        if self.person is None:
            raise ValueError("a page about a person was opened without one")
        return self.person
