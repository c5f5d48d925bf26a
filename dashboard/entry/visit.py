"""What a page is handed: who looks, at whom, and stores that answer only what this page may ask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from contracts.records import SensorHealth
from dashboard.entry.access import Act, Viewer
from dashboard.entry.gate import Gate, GuardedPeople, GuardedRegistry
from dashboard.entry.guarded_series import GuardedSeries
from dashboard.reading.kept import KeptSeries
from dashboard.reading.persons import person_of
from dashboard.reading.queries import Person
from dashboard.reading.sources import Sources
from store.people_ports import People
from store.ports import Registry

#: The pages that get the registry itself.
OFFICE: Final = (Act.PEOPLE, Act.ALL_SENSORS, Act.AUDIT)


@dataclass(frozen=True, slots=True)
class Office:
    """Everything the registry keeps, for those whose work it is to keep it in order.

    ``health``: the latest word on every sensor, which is about nobody.
    """

    registry: Registry
    people: People
    health: Callable[[], list[SensorHealth]]


@dataclass(frozen=True, slots=True)
class Visit:
    """One run of one page. ``person`` is whose data it is about; None on pages about nobody's.

    ``office`` is the registry itself, for the administrator's pages alone, whose acts are about nobody;
    ``team`` gives the stores for the employer's figures, which are of many; both are None elsewhere. ``kept`` is for
    saying what is wrong with the store.
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
    team: Callable[[], Sources] | None = None

    @property
    def client(self) -> Person:
        """The person on a page that is always about one."""
        if self.person is None:
            raise ValueError("a page about a person was opened without one")
        return self.person

    @property
    def own(self) -> bool:
        """Whether the person is who looks."""
        return self.person is not None and self.person.wearer == self.viewer.wearer


def make_visit(
    found: Sources, gate: Gate, wearer: str | None, clock_ns: Callable[[], int]
) -> Visit:
    """One run of the gate's page about ``wearer``. AccessError where the page may not read of them."""
    series = GuardedSeries(found.series, found.registry, gate)
    registry = GuardedRegistry(found.registry, gate)
    row = None if wearer is None else registry.wearer(wearer)
    people = found.registry.people
    return Visit(
        viewer=gate.viewer(),
        gate=gate,
        person=None if row is None else person_of(series, row),
        series=series,
        registry=registry,
        people=GuardedPeople(people, gate),
        kept=found.series,
        clock_ns=clock_ns,
        office=Office(found.registry, people, found.series.health) if gate.page in OFFICE else None,
        team=_team(found, gate) if gate.page is Act.TEAM else None,
    )


def _team(found: Sources, gate: Gate) -> Callable[[], Sources]:
    def read() -> Sources:
        gate.look(None)
        return found

    return read
