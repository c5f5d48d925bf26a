"""Simulated sensors of other makes, as the commands choose them."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

import pytest

from contracts.errors import SettingError
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from device_gateway.makes import listed_names
from device_gateway.radio import open_radio
from firmware_sim.makes import MAKES
from firmware_sim.makes.fleet import MakeSensor
from plumbline.enrol import enrol_or_go_on
from plumbline.fleet import LEAD_S, STREAM_START_S, FleetChoice, build_fleet
from store import open_registry
from tests.firmware_sim.bluetooth import run, simulator

NOW_NS = 1_800_000_000 * NS_PER_S


def choice(make: str, recording: Path | None = None, prefix: str = "PL") -> FleetChoice:
    return FleetChoice(recording, 0.0, "T4,L5", None, prefix, 1, make)


@pytest.mark.parametrize("make", MAKES)
def test_a_day_in_sensors_of_a_make(make: str) -> None:
    fleet = build_fleet(choice(make), NOW_NS)
    assert [one.placement for one in fleet.sensors] == [Placement.T4, Placement.L5]
    for one in fleet.sensors:
        assert isinstance(one, MakeSensor)
        assert isinstance(one.firmware, MAKES[make])
        assert re.fullmatch(r"[A-Z]+-[0-9A-F]{12}", one.serial)


def test_a_recording_begins_when_the_gateway_can_be_up(data_dir: Path) -> None:
    fleet = build_fleet(choice("dot", data_dir / "recordings" / "sitting-04"), NOW_NS)
    assert fleet.finite
    assert fleet.calibration is not None
    (first, *_) = fleet.sensors
    assert isinstance(first, MakeSensor)
    power_on_ns = first.firmware.config.power_on_ns
    assert power_on_ns == NOW_NS + round((STREAM_START_S - LEAD_S) * NS_PER_S)


def test_a_make_that_is_not_simulated_is_refused() -> None:
    with pytest.raises(SettingError) as refused:
        build_fleet(choice("acme"), NOW_NS)
    assert "witmotion" in refused.value.hint


def test_their_ids_are_those_that_the_gateway_gives_them() -> None:
    sensors = [build_fleet(choice(make, prefix=make), time.time_ns()).sensors[0] for make in MAKES]

    async def hearing() -> None:
        async with simulator(sensors) as running, open_radio(running.spec) as radio:
            names: set[str] = set()
            while len(names) < len(sensors):
                for heard in await radio.scan(0.3):
                    names |= listed_names(heard)
                await asyncio.sleep(0)
            assert names == {one.serial for one in sensors}

    run(hearing())


def test_sensors_without_a_log_get_a_new_wearer_each_time(tmp_path: Path) -> None:
    registry = open_registry(f"sqlite:{tmp_path / 'registry.sqlite'}")
    try:
        wearers = [enrol_or_go_on(registry, choice("thingy"), NOW_NS).wearer for _ in range(2)]
        assert wearers[0].wearer != wearers[1].wearer
    finally:
        registry.close()
