"""A sensor's firmware under a fault plan: its source, its clock, its battery and its epochs. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from contracts.imu import period_ns_of
from contracts.units import NS_PER_S
from firmware_sim.battery import Battery
from firmware_sim.battery import DyingBattery as DyingCell
from firmware_sim.clock import DeviceClock
from firmware_sim.epochs import AnyFirmware, EpochFirmware, Flat
from firmware_sim.faults import (
    DriftingClock,
    DyingBattery,
    FaultPlan,
    Reboot,
    SaturatedAxis,
    SlippedStrap,
    StuckAxis,
)
from firmware_sim.faulty_source import FaultySource, ShiftedSource
from firmware_sim.firmware import Firmware, FirmwareConfig
from firmware_sim.source import SampleSource


def faulted_clock(clock: DeviceClock, plan: FaultPlan, start_ns: int) -> DeviceClock:
    """``clock`` with the drift that a sensor's plan adds; ``start_ns``: UTC of its second 0."""
    faults = plan.kind(DriftingClock)
    if not faults:
        return clock
    edges_s = sorted({edge for fault in faults for edge in (fault.at_s, fault.end_s)})
    changes = tuple(
        (
            start_ns + round(edge_s * NS_PER_S),
            clock.drift_ppm + sum(f.ppm for f in faults if f.at_s <= edge_s < f.end_s),
        )
        for edge_s in edges_s
    )
    return replace(clock, changes=changes)


def faulted_firmware(
    config: FirmwareConfig,
    source: SampleSource,
    clock: DeviceClock,
    plan: FaultPlan,
    start_ns: int,
) -> AnyFirmware:
    """The firmware of a sensor that its plan happens to. ``clock``: of :func:`faulted_clock`.

    SettingError for a ``config`` that cannot be.
    """
    if plan.kind(Reboot, StuckAxis, SaturatedAxis, SlippedStrap):
        source = FaultySource(source, plan, clock, start_ns)
    flat = plan.flat()
    if not flat:
        return Firmware(config, source, clock)
    begin = _beginner(config, source, clock, plan, start_ns)
    spans = [
        Flat(start_ns + round(s.start_s * NS_PER_S), start_ns + round(s.end_s * NS_PER_S))
        for s in flat
    ]
    return EpochFirmware(begin, config.power_on_ns, spans)


def _beginner(
    config: FirmwareConfig,
    source: SampleSource,
    clock: DeviceClock,
    plan: FaultPlan,
    start_ns: int,
) -> Callable[[int, int], Firmware]:
    """What makes the firmware of each epoch; sampling goes on, on the same grid of ticks."""
    period_ns = period_ns_of(source.rate_hz)
    fades = plan.kind(DyingBattery)

    def begin(number: int, true_ns: int) -> Firmware:
        tick = max(0, -(-clock.device_ns(true_ns) // period_ns)) if number else 0
        own = replace(clock, power_on_ns=clock.true_ns(tick * period_ns)) if number else clock
        battery = config.battery
        if number < len(fades):
            faded = fades[number]
            edges_ns = [
                own.device_ns(start_ns + round(at_s * NS_PER_S))
                for at_s in (faded.at_s, faded.end_s)
            ]
            whole = battery if number == 0 else Battery(life_h=battery.life_h)
            battery = DyingCell(whole.charge_percent, whole.life_h, *edges_ns)
        elif number:
            battery = Battery(life_h=battery.life_h)
        epoch = replace(
            config,
            power_on_ns=own.power_on_ns,
            epoch=config.epoch + number,
            synced_at_power_on=config.synced_at_power_on and number == 0,
            battery=battery,
        )
        return Firmware(epoch, ShiftedSource(source, tick) if tick else source, own)

    return begin
