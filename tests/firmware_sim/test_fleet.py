from __future__ import annotations

import numpy as np
import pytest

from contracts import gatt
from contracts.errors import SettingError
from contracts.gatt import Opcode, Position
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement, Posture
from firmware_sim.fleet import SimulatedSensor, WorkdayTruth, workday_fleet

T0 = 1_700_000_000 * NS_PER_S
KIT = (Placement.T4, Placement.L5)


def fleet(
    hours: float = 0.5, placements: tuple[Placement, ...] = KIT, seed: int = 1
) -> tuple[list[SimulatedSensor], WorkdayTruth]:
    return workday_fleet(
        start_ns=T0, hours=hours, placements=placements, seed=seed, serial_prefix="PL-1"
    )


def readings(sensor: SimulatedSensor, until_s: float) -> tuple[np.ndarray, np.ndarray]:
    """True seconds from the start, and SI values, of all that the sensor sends."""
    firmware = sensor.firmware
    now_ns = T0 + round(until_s * NS_PER_S)
    begin = gatt.Command(Opcode.START, 1, Position(1, 0).to_bytes()).to_bytes()
    firmware.handle(begin, now_ns)
    times, values = [], []
    while (sent := firmware.next_notification(40)) is not None:
        packet = gatt.SamplePacket.from_bytes(sent.value)
        device_s = packet.device_us / 1e6 + np.arange(packet.count) * packet.period_ns / NS_PER_S
        offset_s = (firmware.config.power_on_ns - T0) / NS_PER_S
        times.append(offset_s + device_s / (1 + firmware.config.clock_drift_ppm * 1e-6))
        values.append(packet.scale.to_si(packet.samples))
    return np.concatenate(times), np.concatenate(values)


def tilt_deg(values: np.ndarray, inside: np.ndarray) -> float:
    mean = values[inside].mean(axis=0)
    return float(np.degrees(np.arctan2(mean[2], mean[0])))


def test_what_the_sensors_send_shows_the_posture_that_the_truth_says() -> None:
    sensors, truth = fleet()
    tilts = {}
    data = {s.placement: readings(s, 1800.0) for s in sensors}
    windows = {"upright": truth.calibration.upright_ns, "rounded": truth.calibration.rounded_ns}
    for name, (start_ns, end_ns) in windows.items():
        for placement, (t_s, values) in data.items():
            inside = (t_s >= (start_ns - T0) / NS_PER_S) & (t_s < (end_ns - T0) / NS_PER_S)
            tilts[name, placement] = tilt_deg(values, inside)
    curl = tilts["rounded", Placement.T4] - tilts["upright", Placement.T4]
    pelvis = tilts["rounded", Placement.L5] - tilts["upright", Placement.L5]
    assert curl == pytest.approx(22.0, abs=2.0)
    assert pelvis == pytest.approx(-6.0, abs=2.0)
    for span in truth.day():
        if span.posture is not Posture.ROUNDED or span.end_ns - span.start_ns < 60 * NS_PER_S:
            continue
        t_s, values = data[Placement.T4]
        inside = (t_s > (span.start_ns - T0) / NS_PER_S) & (t_s < (span.end_ns - T0) / NS_PER_S)
        assert tilt_deg(values, inside) - tilts["upright", Placement.T4] > 13.0


def test_sensors_of_one_wearer_have_clocks_of_their_own() -> None:
    sensors, _ = fleet(placements=tuple(Placement))
    configs = [s.firmware.config for s in sensors]
    assert len({c.clock_drift_ppm for c in configs}) == len(configs)
    assert len({c.power_on_ns for c in configs}) == len(configs)
    assert all(abs(c.clock_drift_ppm) <= 20 and 0 <= c.power_on_ns - T0 < NS_PER_S for c in configs)
    assert all(c.synced_at_power_on for c in configs)


def test_a_day_goes_on_after_its_hours_whatever_was_asked_when() -> None:
    at_once, _ = fleet(hours=0.1)
    in_steps, _ = fleet(hours=0.1)
    for second in range(1, 600, 7):
        in_steps[0].firmware.advance(T0 + second * NS_PER_S)
    one, other = readings(at_once[0], 600.0), readings(in_steps[0], 600.0)
    np.testing.assert_array_equal(one[1], other[1])
    assert not at_once[0].firmware.stats.ended
    assert at_once[0].firmware.stats.recorded > 0.1 * 3600 * 50


def test_truth_is_in_utc_and_ends_with_the_hours() -> None:
    _, truth = fleet(hours=0.25)
    day = truth.day()
    assert day[0].start_ns == T0
    assert day[-1].end_ns <= T0 + 900 * NS_PER_S
    assert truth.spans(T0 - NS_PER_S, T0) == []
    assert truth.spans(T0 + 900 * NS_PER_S, T0 + 3600 * NS_PER_S)[0].start_ns >= day[-1].end_ns


@pytest.mark.parametrize(
    ("hours", "placements"),
    [(8.0, ()), (8.0, (Placement.T4, Placement.T4)), (0.0, KIT), (25.0, KIT), (float("nan"), KIT)],
)
def test_a_day_that_cannot_be(hours: float, placements: tuple[Placement, ...]) -> None:
    with pytest.raises(SettingError) as caught:
        fleet(hours=hours, placements=placements)
    assert caught.value.hint
