"""What a sensor measures under a plan, by hand; its clock, its battery and its epochs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import gatt
from contracts.gatt import Opcode, Position, Reply, ReplyStatus, SamplePacket, SensorStatus
from contracts.imu import DEFAULT_SCALE
from contracts.units import NS_PER_S, STANDARD_GRAVITY_M_S2
from firmware_sim.clock import DeviceClock
from firmware_sim.counting import CountingSource, counted_ticks
from firmware_sim.epochs import EpochFirmware
from firmware_sim.faulted import faulted_clock, faulted_firmware
from firmware_sim.faults import (
    AnyFault,
    DriftingClock,
    DyingBattery,
    FaultPlan,
    Reboot,
    SaturatedAxis,
    SlippedStrap,
    StuckAxis,
)
from firmware_sim.faulty_source import FaultySource
from firmware_sim.firmware import FirmwareConfig
from firmware_sim.source import ConstantSource

START_NS = 1_767_225_600 * NS_PER_S
CLOCK = DeviceClock(START_NS)
UPRIGHT = (STANDARD_GRAVITY_M_S2, 0.0, 0.0, 0.1, 0.2, 0.3)


def read(*faults: AnyFault, rate_hz: float = 10.0) -> np.ndarray:
    """Sixty seconds of a sensor at rest, x up."""
    source = FaultySource(
        ConstantSource(UPRIGHT, rate_hz), FaultPlan(faults=faults), CLOCK, START_NS
    )
    return source.read(0, int(60 * rate_hz)).si


def test_a_strap_that_slipped_forward_reads_that_flexion() -> None:
    si = read(SlippedStrap(at_s=10.0, lasts_s=20.0, forward_deg=12.0))
    flexion_deg = np.degrees(np.arctan2(si[:, 2], si[:, 0]))
    assert flexion_deg[:100] == pytest.approx(0.0)
    assert flexion_deg[100:300] == pytest.approx(12.0)
    assert flexion_deg[300:] == pytest.approx(0.0)


def test_a_strap_that_slipped_to_the_right_leaves_flexion_as_it_was() -> None:
    si = read(SlippedStrap(at_s=0.0, lasts_s=60.0, right_deg=5.0))
    assert np.degrees(np.arctan2(si[:, 1], si[:, 0])) == pytest.approx(5.0)
    assert si[:, 2] == pytest.approx(0.0)


def test_a_saturated_axis_reads_its_full_scale_and_no_other_does() -> None:
    raw = DEFAULT_SCALE.quantise(read(SaturatedAxis(at_s=10.0, lasts_s=1.0, axis="gy")))
    assert (raw[100:110, 4] == 32767).all()
    assert (raw[:100, 4] == raw[110, 4]).all()
    assert (np.delete(raw, 4, axis=1) == np.delete(raw[0], 4)).all()


def counted(*faults: AnyFault) -> FaultySource:
    source = CountingSource(10.0, DEFAULT_SCALE)
    return FaultySource(source, FaultPlan(faults=faults), CLOCK, START_NS)


def test_a_stuck_axis_goes_on_with_its_last_reading_however_it_is_read() -> None:
    fault = StuckAxis(at_s=10.0, lasts_s=2.0, axis="ax")
    whole = DEFAULT_SCALE.quantise(counted(fault).read(0, 200).si)
    assert whole[95:125, 0].tolist() == [95, 96, 97, 98, 99, *[99] * 20, 120, 121, 122, 123, 124]
    pieces = [counted(fault).read(start, start + 7).si for start in range(0, 196, 7)]
    assert (DEFAULT_SCALE.quantise(np.concatenate(pieces)) == whole[:196]).all()


def test_a_reboot_loses_the_ticks_of_its_time() -> None:
    ticks = counted(Reboot(at_s=5.0, lasts_s=1.0)).read(0, 100).ticks
    assert ticks.tolist() == [*range(50), *range(60, 100)]


@given(
    st.lists(st.tuples(st.floats(0, 5e3), st.floats(-500, 500)), max_size=5),
    st.integers(0, 10**13),
)
def test_a_drifting_clock_runs_on_and_reads_back(
    edges: list[tuple[float, float]], at_ns: int
) -> None:
    changes = tuple((START_NS + int(s * NS_PER_S), ppm) for s, ppm in sorted(edges))
    clock = DeviceClock(START_NS, 20.0, changes)
    device_ns = clock.device_ns(START_NS + at_ns)
    assert clock.device_ns(START_NS + at_ns + 1000) >= device_ns
    first_ns = clock.true_ns(device_ns)
    assert clock.device_ns(first_ns) >= device_ns
    assert clock.device_ns(first_ns - 1) < device_ns or first_ns == START_NS
    assert abs(first_ns - START_NS - at_ns) <= 2
    tick = np.array([at_ns // 100_000_000], np.int64)
    elapsed_s = clock.elapsed_s(tick, 10.0)[0]
    assert elapsed_s == pytest.approx(
        (clock.true_ns(int(tick[0]) * 100_000_000) - START_NS) / NS_PER_S, abs=1e-6
    )


def test_a_plan_adds_drift_to_the_clocks_own() -> None:
    faults = (DriftingClock(at_s=100.0, lasts_s=100.0, ppm=80.0),)
    clock = faulted_clock(DeviceClock(START_NS, 10.0), FaultPlan(faults=faults), START_NS)
    readings = [clock.device_ns(START_NS + at_s * NS_PER_S) for at_s in (100, 200, 300)]
    assert readings == [100_001_000_000, 200_010_000_000, 300_011_000_000]


FLAT = FaultPlan(faults=(DyingBattery(at_s=10.0, lasts_s=20.0, off_s=30.0),))


def flat_battery(plan: FaultPlan = FLAT) -> EpochFirmware:
    """Measures at 10 Hz for 30 s, is flat for 30 s, and goes on in a second epoch."""
    config = FirmwareConfig(serial="PL-T4", power_on_ns=START_NS, synced_at_power_on=True)
    source = CountingSource(10.0, DEFAULT_SCALE)
    firmware = faulted_firmware(config, source, CLOCK, plan, START_NS)
    assert isinstance(firmware, EpochFirmware)
    return firmware


def ask(firmware: EpochFirmware, at_s: float, opcode: Opcode, arguments: bytes = b"") -> Reply:
    command = gatt.Command(opcode, 1, arguments).to_bytes()
    return Reply.from_bytes(firmware.handle(command, START_NS + round(at_s * NS_PER_S)))


def status(firmware: EpochFirmware, at_s: float) -> SensorStatus:
    return SensorStatus.from_bytes(ask(firmware, at_s, Opcode.STATUS).result)


def test_a_battery_runs_flat_and_the_sensor_begins_a_new_epoch() -> None:
    firmware = flat_battery()
    assert [status(firmware, at_s).battery_percent for at_s in (10, 20, 29)] == [100, 50, 5]
    assert status(firmware, 45).kept == 300
    after = status(firmware, 61)
    assert (after.epoch, after.oldest, after.next) == (2, Position(1, 0), Position(2, 11))
    assert (after.kept, after.battery_percent) == (311, 100)
    assert gatt.SyncInfo.from_bytes(ask(firmware, 61, Opcode.SYNC_INFO, gatt.u16(1)).result).known
    assert not gatt.SyncInfo.from_bytes(
        ask(firmware, 61, Opcode.SYNC_INFO, gatt.u16(2)).result
    ).known
    assert ask(firmware, 61, Opcode.SYNC_INFO, gatt.u16(3)).status is ReplyStatus.NO_SUCH_EPOCH


def test_both_epochs_are_sent_one_after_the_other_every_sample_once() -> None:
    firmware = flat_battery()
    assert ask(firmware, 61, Opcode.START, Position(1, 290).to_bytes()).status is ReplyStatus.OK
    packets = []
    while (notification := firmware.next_notification(18)) is not None:
        packets.append(SamplePacket.from_bytes(notification.value))
    assert [(p.epoch, p.sequence, p.count) for p in packets] == [(1, 290, 10), (2, 0, 11)]
    counts = np.concatenate([counted_ticks(packet.samples) for packet in packets])
    assert counts.tolist() == [*range(290, 300), *range(600, 611)]
    firmware.advance(START_NS + 62 * NS_PER_S)
    live = firmware.next_notification(18)
    assert live is not None
    assert not live.is_log


def test_erasing_up_to_the_new_epoch_forgets_the_old_one_only() -> None:
    firmware = flat_battery()
    firmware.advance(START_NS + 61 * NS_PER_S)
    assert ask(firmware, 61, Opcode.ERASE, Position(2, 3).to_bytes()).status is ReplyStatus.OK
    after = status(firmware, 61)
    assert (after.oldest, after.kept) == (Position(2, 3), 8)


def test_a_bad_command_has_a_reply_and_a_lost_link_stops_sending() -> None:
    firmware = flat_battery()
    assert ask(firmware, 61, Opcode.START, b"\1").status is ReplyStatus.BAD_ARGUMENT
    assert Reply.from_bytes(firmware.handle(b"", START_NS)).status is ReplyStatus.BAD_ARGUMENT
    assert ask(firmware, 61, Opcode.START, Position(1, 0).to_bytes()).status is ReplyStatus.OK
    assert ask(firmware, 61, Opcode.STOP).status is ReplyStatus.OK
    assert firmware.next_notification(18) is None
    assert firmware.next_due_ns(18) is None


def test_the_truth_of_each_epoch_has_its_true_times() -> None:
    plan = FaultPlan(
        faults=(*FLAT.faults, DriftingClock(at_s=0.0, lasts_s=100.0, ppm=100.0)), seed=2
    )
    clock = faulted_clock(DeviceClock(START_NS, 0.0), plan, START_NS)
    config = FirmwareConfig(serial="PL-T4", power_on_ns=START_NS)
    source = CountingSource(10.0, DEFAULT_SCALE)
    firmware = faulted_firmware(config, source, clock, plan, START_NS)
    assert isinstance(firmware, EpochFirmware)
    firmware.advance(START_NS + 61 * NS_PER_S)
    for truth in (epoch.taken() for epoch in firmware.epochs):
        ticks = counted_ticks(truth.samples)
        wanted_ns = [clock.true_ns(int(tick) * NS_PER_S // 10) for tick in ticks]
        assert truth.true_ns == pytest.approx(np.array(wanted_ns), abs=1000)
        assert truth.sequences.tolist() == list(range(len(ticks)))
    assert replace(config, epoch=2).epoch == firmware.config.epoch
