"""Simulated sensors and their wearer: a new one a run, the same one where a run goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from plumbline.enrol import GOES_ON_NS, MARGIN_NS, enrol_new, enrol_or_go_on
from plumbline.fleet import FleetChoice
from store import open_registry
from store.ports import Registry, Wearer

NOON_NS = 1_780_000_000 * NS_PER_S
CHOICE = FleetChoice(None, 0.1, "T4,L5", None, "PL", 1)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    opened = open_registry(f"sqlite:///{tmp_path / 'registry.sqlite'}")
    yield opened
    opened.close()


def test_a_new_wearer_has_sensors_and_a_calibration(registry: Registry) -> None:
    made = enrol_new(registry, CHOICE, NOON_NS)
    assert made.wearer.wearer == "demo-001"
    assert made.start_ns == NOON_NS - 360 * NS_PER_S
    worn = registry.assignments("demo-001")
    assert [(a.sensor, a.placement, a.start_ns) for a in worn] == [
        (f"PL-001-{place}", place, made.start_ns - MARGIN_NS)
        for place in (Placement.T4, Placement.L5)
    ]
    assert [sensor.serial for sensor in made.fleet.sensors] == [a.sensor for a in worn]
    (plan,) = registry.calibrations("demo-001")
    assert plan.effective_ns < made.start_ns


def test_a_run_that_is_started_again_goes_on(registry: Registry) -> None:
    made = enrol_or_go_on(registry, CHOICE, NOON_NS)
    before = registry.revision()
    again = enrol_or_go_on(registry, CHOICE, NOON_NS + 3600 * NS_PER_S)
    assert (again.wearer, again.start_ns, again.choice) == (made.wearer, made.start_ns, made.choice)
    assert registry.revision() == before
    later = enrol_or_go_on(registry, CHOICE, made.start_ns - MARGIN_NS + GOES_ON_NS)
    assert later.wearer.wearer == "demo-002"


def test_a_persons_own_entries_are_left_alone(registry: Registry) -> None:
    registry.put_wearer(Wearer("anna", "Anna"))
    made = enrol_or_go_on(registry, CHOICE, NOON_NS)
    assert made.wearer.wearer == "demo-002"
    assert registry.assignments("anna") == []
