"""``plumbline sim`` with a scenario and a fault plan from files."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.errors import SettingError
from contracts.units import NS_PER_S
from firmware_sim.epochs import EpochFirmware
from firmware_sim.fleet import SimulatedSensor
from plumbline.fleet import Fleet, FleetChoice, build_fleet, plan_of

NOW_NS = 1_767_225_600 * NS_PER_S
SCENARIO = """
hours = 0.1
placements = ["T12"]
[[move]]
posture = "upright"
hold_s = 60.0
"""
FLAT = """
[[fault]]
kind = "dying-battery"
at_s = 60.0
lasts_s = 30.0
off_s = 30.0
"""


def choice(folder: Path, **others: object) -> FleetChoice:
    (folder / "wearer.toml").write_text(SCENARIO)
    (folder / "plan.toml").write_text(FLAT)
    usual: dict[str, object] = {
        "recording": None,
        "hours": 0.0,
        "placements": "T4,L5",
        "start_ns": None,
        "serial_prefix": "PL",
        "seed": 1,
    }
    return FleetChoice(**(usual | others))  # type: ignore[arg-type]


def epochs(fleet: Fleet) -> list[tuple[str, int]]:
    found = []
    for sensor in fleet.sensors:
        assert isinstance(sensor, SimulatedSensor)
        sensor.firmware.advance(NOW_NS)
        is_many = isinstance(sensor.firmware, EpochFirmware)
        found.append((sensor.serial, len(sensor.firmware.epochs) if is_many else 1))  # type: ignore[union-attr]
    return found


def test_the_scenario_says_what_is_worn_and_how_much_waits(tmp_path: Path) -> None:
    fleet = build_fleet(choice(tmp_path, scenario=tmp_path / "wearer.toml"), NOW_NS)
    assert fleet.start_ns == NOW_NS - 360 * NS_PER_S
    assert epochs(fleet) == [("PL-T12", 1)]


def test_a_plan_happens_to_a_scenario_and_to_the_usual_day(tmp_path: Path) -> None:
    faults = tmp_path / "plan.toml"
    told = choice(tmp_path, scenario=tmp_path / "wearer.toml", faults=faults)
    assert epochs(build_fleet(told, NOW_NS)) == [("PL-T12", 2)]
    usual = choice(tmp_path, hours=0.1, faults=faults)
    assert epochs(build_fleet(usual, NOW_NS)) == [("PL-T4", 2), ("PL-L5", 2)]
    assert len(plan_of(usual).faults) == 1
    assert not plan_of(choice(tmp_path)).faults


@pytest.mark.parametrize("others", [{"make": "witmotion"}, {"recording": Path("anywhere")}])
def test_a_scenario_is_neither_a_recording_nor_another_make(
    tmp_path: Path, others: dict[str, object]
) -> None:
    with pytest.raises(SettingError, match="--scenario without"):
        build_fleet(choice(tmp_path, scenario=tmp_path / "wearer.toml", **others), NOW_NS)


def test_sensors_that_bond_are_native_ones(tmp_path: Path) -> None:
    fleet = build_fleet(choice(tmp_path, hours=0.1, bonds=True), NOW_NS)
    assert [sensor.bonds for sensor in fleet.sensors] == [True, True]
    assert not any(
        sensor.bonds for sensor in build_fleet(choice(tmp_path, hours=0.1), NOW_NS).sensors
    )
    with pytest.raises(SettingError, match="do not bond"):
        build_fleet(choice(tmp_path, hours=0.1, make="dot", bonds=True), NOW_NS)
