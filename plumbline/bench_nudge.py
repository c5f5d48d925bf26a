"""Benchmark: from the decision to nudge to the pulse on the back, live, over Bluetooth and MQTT."""

from __future__ import annotations

import asyncio
import threading
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from contracts import topics
from contracts.errors import PlumblineError, Reason
from contracts.imu import AXES
from contracts.messages import GatewayCommand, NudgeEvent
from contracts.settings import MAX_NUDGES_AN_HOUR, CalibrationPlan, PostureSettings
from contracts.topics import Kind
from contracts.units import NS_PER_S, STANDARD_GRAVITY_M_S2
from contracts.vocabulary import Placement
from firmware_sim.firmware import Firmware, FirmwareConfig
from firmware_sim.fleet import SimulatedSensor
from firmware_sim.service import run_simulator
from firmware_sim.source import SourceChunk
from plumbline.bench_site import SITE, BenchSite, own_data, wait_until
from plumbline.fleet import KIT, now_ns
from plumbline.ports import LOOPBACK
from plumbline.stats import read_stats
from store import open_registry, open_series
from store.ports import Assignment, Registry, Wearer

WEARERS: Final = 6
RATE_HZ: Final = 50.0
LIMIT_S: Final = 0.3
#: Upright for the calibration, then rounded for longer than the shortest delay, and upright again.
CALIBRATION_S: Final = 12
ROUNDED_S: Final = 20
CYCLE_S: Final = 32
#: How far the upper and the lower trunk go in a slump, within a second.
SLUMP_DEG: Final = {Placement.T4: 28.0, Placement.L5: -6.0}
_BREATH_HZ: Final = 0.25
_BREATH_DEG: Final = 0.6
#: The first day begins so long after everything was started.
_START_S: Final = 8
#: A pulse that comes later than this is none.
_LOST_S: Final = 10.0
_SETTINGS: Final = PostureSettings(
    nudge_after_s=15.0, nudge_pause_s=0.0, nudges_an_hour=MAX_NUDGES_AN_HOUR
)


class _Slumping:
    """A sensor on somebody who slumps, is nudged and sits up again, over and over."""

    rate_hz = RATE_HZ
    end_tick: int | None = None

    def __init__(self, placement: Placement, later_s: float) -> None:
        self._slump_deg = SLUMP_DEG[placement]
        self._later_s = later_s

    def read(self, start_tick: int, stop_tick: int) -> SourceChunk:
        """A reading of each tick: a tilt, and how fast it changes."""
        ticks = np.arange(start_tick, stop_tick, dtype=np.int64)
        step_s = 1e-3
        tilt, before, after = (
            self._tilt_rad(ticks / RATE_HZ + by_s) for by_s in (0.0, -step_s, step_s)
        )
        si = np.zeros((ticks.size, len(AXES)))
        si[:, 0] = STANDARD_GRAVITY_M_S2 * np.cos(tilt)
        si[:, 2] = STANDARD_GRAVITY_M_S2 * np.sin(tilt)
        si[:, 4] = (after - before) / (2 * step_s)
        return SourceChunk(ticks, si)

    def _tilt_rad(self, t_s: np.ndarray[Any, np.dtype[np.float64]]) -> Any:
        in_cycle_s = np.maximum(t_s - CALIBRATION_S - self._later_s, -1.0) % CYCLE_S
        begun = t_s >= CALIBRATION_S + self._later_s
        share = np.clip(in_cycle_s, 0, 1) - np.clip(in_cycle_s - ROUNDED_S, 0, 1)
        breath_deg = _BREATH_DEG * np.sin(2 * np.pi * _BREATH_HZ * t_s)
        return np.radians(self._slump_deg * share * begun + breath_deg)


@dataclass
class _Heard:
    """What went over MQTT: nudges by sensor with their event, and when a command for it was heard."""

    nudges: dict[str, list[NudgeEvent]] = field(default_factory=dict)
    commands_ns: dict[str, list[int]] = field(default_factory=dict)

    def take(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        """A message, at the time at which a gateway may have it too."""
        at_ns = now_ns()
        if topics.parse(message.topic).kind is Kind.COMMAND:
            command = GatewayCommand.decode(message.payload, now_ns=None)
            self.commands_ns.setdefault(command.sensor, []).append(at_ns)
            return
        event = NudgeEvent.decode(message.payload, now_ns=None)
        for sensor in event.sensors:
            self.nudges.setdefault(sensor, []).append(event)


@dataclass(frozen=True, slots=True)
class Felt:
    """One nudge on its way; UTC ns. ``felt_ns``: when the sensor's motor began."""

    frame_end_ns: int
    decided_ns: int
    command_ns: int
    felt_ns: int


def measure_nudge(folder: Path, seconds: float, wearers: int = WEARERS) -> dict[str, Any]:
    """Delays in s of the nudges of ``seconds`` of live data, by the clock that all of this shares.

    PlumblineError where something does not start, or nobody was nudged.
    """
    data = folder / "data"
    data.mkdir()
    start_ns = (now_ns() // NS_PER_S + _START_S) * NS_PER_S
    registry = open_registry(own_data(data).people_url)
    try:
        sensors = _enrol(registry, wearers, start_ns)
    finally:
        registry.close()
    heard = _Heard()
    with BenchSite(folder) as site, _listening(site.port, heard), _on_the_air(sensors) as radio:
        site.start_analytics(data)
        flags = ("--data-dir", str(data), "--site", SITE, "--broker-port", str(site.port))
        site.start(
            "gateway",
            ("plumbline", "gateway", *flags, "--radio", radio, "--max-links", str(len(sensors))),
        )
        wait_until(lambda: _all_live(site, len(sensors)), "every sensor is live", look_s=0.2)
        wait_until(lambda: now_ns() >= start_ns + CALIBRATION_S * NS_PER_S, "calibrated")
        ends_s = time.monotonic() + seconds
        wait_until(lambda: time.monotonic() >= ends_s, "the day is over", look_s=0.2)
        given = sum(map(len, heard.nudges.values()))
        # The last ones may still be on their way, and their replies not be stored.
        until_s = time.monotonic() + _LOST_S
        while time.monotonic() < until_s and _stored(data, wearers)["stored as felt"] < given:
            time.sleep(0.2)
    return figures(_felt(heard, sensors), given) | _stored(data, wearers)


def _stored(data: Path, wearers: int) -> dict[str, int]:
    """What the store says of the nudges that were given."""
    store = open_series(own_data(data).series_url, read_only=True)
    try:
        found = [n for w in range(wearers) for n in store.nudges(_name(w), 0, now_ns())]
    finally:
        store.close()
    given = [nudge for nudge in found if nudge.given]
    return {
        "stored as felt": sum(nudge.felt is True for nudge in given),
        "stored with what came after": sum(nudge.after is not None for nudge in given),
        "stored as kept back": len(found) - len(given),
    }


def _all_live(site: BenchSite, sensors: int) -> bool:
    found = read_stats(site.stats("gateway")).get("sensors", {})
    return [sensor["state"] for sensor in found.values()] == ["live"] * sensors


def figures(felt: Sequence[Felt], given: int) -> dict[str, Any]:
    """Percentiles of each part of the way. PlumblineError where there was no nudge."""
    if not felt:
        raise PlumblineError(Reason.INCOMPLETE, f"None of {given} nudges was felt.")
    parts = {
        "frame's end to decision s": [(f.decided_ns - f.frame_end_ns) for f in felt],
        "decision to command on MQTT s": [(f.command_ns - f.decided_ns) for f in felt],
        "command on MQTT to felt s": [(f.felt_ns - f.command_ns) for f in felt],
        "decision to felt s": [(f.felt_ns - f.decided_ns) for f in felt],
    }
    shown: dict[str, Any] = {"nudges": given, "felt": len(felt)}
    for name, delays_ns in parts.items():
        p50, p99 = np.percentile(np.array(delays_ns) / NS_PER_S, (50, 99))
        shown[name] = {"p50": float(p50), "p99": float(p99), "max": max(delays_ns) / NS_PER_S}
    shown["decision to felt s"]["limit for p99"] = LIMIT_S
    return shown


def _enrol(registry: Registry, wearers: int, start_ns: int) -> list[SimulatedSensor]:
    """Wearers of the kit, whose slumps are spread over a cycle."""
    sensors = []
    upright_ns = (start_ns + NS_PER_S, start_ns + (CALIBRATION_S - 2) * NS_PER_S)
    for number in range(wearers):
        wearer = _name(number)
        registry.put_wearer(Wearer(wearer, wearer, simulated=True))
        registry.set_settings(wearer, _SETTINGS)
        registry.add_calibration(
            wearer, CalibrationPlan(effective_ns=start_ns, upright_ns=upright_ns)
        )
        for place in KIT:
            serial = f"NUDGE-{number:02d}-{place}"
            registry.assign(Assignment(serial, wearer, place, start_ns))
            source = _Slumping(place, CYCLE_S * number / wearers)
            firmware = Firmware(FirmwareConfig(serial, start_ns), source)
            sensors.append(SimulatedSensor(serial, place, firmware))
    return sensors


def _name(number: int) -> str:
    return f"w-{number:02d}"


@contextmanager
def _listening(port: int, heard: _Heard) -> Iterator[None]:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, clean_session=True)
    client.on_message = heard.take
    client.on_connect = lambda c, *_: c.subscribe(
        [(topics.command(SITE, "+"), 1), (topics.nudge(SITE, "+"), 1)]
    )
    client.connect(LOOPBACK, port)
    client.loop_start()
    try:
        yield
    finally:
        client.disconnect()
        client.loop_stop()


@contextmanager
def _on_the_air(sensors: Sequence[SimulatedSensor]) -> Iterator[str]:
    """The sensors on a virtual air in this process, so that their pulses can be seen; gives its address."""
    listening: list[str] = []
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    service = run_simulator(
        sensors,
        listen=f"tcp:{LOOPBACK}:0",
        clock_ns=now_ns,
        report=lambda _: None,
        stop=stop,
        ready=listening.append,
    )
    thread = threading.Thread(target=loop.run_until_complete, args=(service,), daemon=True)
    thread.start()
    try:
        wait_until(lambda: bool(listening) or not thread.is_alive(), "the sensors are on the air")
        if not listening:
            raise PlumblineError(Reason.INCOMPLETE, "The simulated sensors did not start.")
        yield listening[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


def _felt(heard: _Heard, sensors: Sequence[SimulatedSensor]) -> list[Felt]:
    """The nudges that have arrived: each with the first command and pulse of its sensor after it."""
    found = []
    for sensor in sensors:
        pulses_ns = [pulse.true_ns for pulse in list(sensor.firmware.pulses)]
        commands_ns = list(heard.commands_ns.get(sensor.serial, ()))
        for event in list(heard.nudges.get(sensor.serial, ())):
            decided_ns = event.decided_ns or event.at_ns
            command_ns = _first_after(commands_ns, decided_ns)
            felt_ns = _first_after(pulses_ns, decided_ns)
            if command_ns is not None and felt_ns is not None:
                found.append(Felt(event.at_ns, decided_ns, command_ns, felt_ns))
    return found


def _first_after(times_ns: Sequence[int], start_ns: int) -> int | None:
    at = bisect_left(times_ns, start_ns)
    if at == len(times_ns) or times_ns[at] - start_ns > _LOST_S * NS_PER_S:
        return None
    return times_ns[at]
