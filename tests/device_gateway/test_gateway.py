"""The whole gateway: simulated sensors over a virtual air, a real outbox, a real broker."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contracts import topics
from contracts.broker import BrokerAddress
from contracts.errors import BrokerError, RadioError, Reason, SettingError
from contracts.messages import GatewayCommand
from contracts.recording import open_recording, read_samples
from contracts.vocabulary import Placement
from device_gateway.config import GatewayConfig
from device_gateway.outbox import Outbox
from device_gateway.service import run_gateway
from plumbline.ports import free_port
from tests.brokers import MosquittoBroker
from tests.device_gateway.analyst import GATEWAY, SITE, Analyst, analyst
from tests.device_gateway.counting import MODULUS, CountingSource, pair
from tests.firmware_sim.bluetooth import simulator

REPOSITORY = Path(__file__).resolve().parents[2]
START_S = 60.0


@pytest.fixture(autouse=True)
def quick_scans(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated sensors advertise ten times a second, and their radio is back at once."""
    monkeypatch.setattr("device_gateway.service.SCAN_S", 0.3)
    monkeypatch.setattr("device_gateway.service.SCAN_PAUSE_S", 0.05)
    monkeypatch.setattr("device_gateway.service.RADIO_MOST_S", 0.5)


SENSORS = {"S-T4": CountingSource(None, 211), "S-L5": CountingSource(None)}


@contextmanager
def program(name: str, *arguments: object) -> Iterator[subprocess.Popen[bytes]]:
    """A program of the tests, running."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"tests.device_gateway.{name}", *map(str, arguments)],
        cwd=REPOSITORY,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def air(folder: Path, samples: int, *, end: bool) -> Iterator[str]:
    """Two sensors with ``samples`` ticks in their logs; where a gateway reaches them."""
    spec = folder / "air"
    spec.unlink(missing_ok=True)
    with program("counting", spec, "tcp:127.0.0.1:0", samples, *["end"] * end) as process:
        wait_for(lambda: spec.exists() or process.poll() is not None)
        yield spec.read_text()


def wait_for(condition: Callable[[], bool]) -> None:
    ends_s = time.monotonic() + START_S
    while not condition():
        assert time.monotonic() < ends_s, "waited in vain"
        time.sleep(0.02)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(START_S):
        while not condition():
            await asyncio.sleep(0.02)


def kept_ticks(serial: str, count: int) -> np.ndarray:
    ticks = np.arange(count)
    return ticks[~SENSORS[serial].is_lost(ticks)]


def check_all_of_it(analytics: Analyst, samples: int) -> None:
    """Every sample of both ended sensors is there once, in order, and what was lost is said."""
    for serial in SENSORS:
        ticks = kept_ticks(serial, samples)
        batches = analytics.batches[serial]
        assert np.array_equal(analytics.values(serial), ticks % MODULUS)
        assert sum(batch.lost_before for batch in batches) == samples - ticks.size
        assert [batch.end for batch in batches] == [False] * (len(batches) - 1) + [True]
        times_ns = np.concatenate([batch.to_samples().utc_ns for batch in batches])
        assert (np.diff(times_ns) > 0).all()
        # Contiguous ticks are a period apart, across batches too: no gap that was none.
        steps = np.diff(times_ns)[np.diff(ticks) == 1]
        assert abs(steps - 20_000_000).max() < 200_000


def check_recording(folder: Path, analytics: Analyst) -> None:
    recording = open_recording(folder)
    for serial, placement in (("S-T4", Placement.T4), ("S-L5", Placement.L5)):
        samples = read_samples(recording, placement)
        sent = [batch.to_samples() for batch in analytics.batches[serial]]
        assert np.array_equal(samples.utc_ns, np.concatenate([s.utc_ns for s in sent]))
        assert np.array_equal(samples.si, np.concatenate([s.si for s in sent]))


def has_ended(analytics: Analyst) -> bool:
    return all(analytics.batches.get(s) and analytics.batches[s][-1].end for s in SENSORS)


def test_killed_in_the_middle_every_sample_arrives_once_and_is_kept_as_a_recording(
    mosquitto_broker: MosquittoBroker, tmp_path: Path
) -> None:
    samples, port = 120_000, mosquitto_broker.port
    with analyst(port) as analytics, air(tmp_path, samples, end=True) as radio:
        for part in (0.1, 0.5):
            with program("gateway_process", radio, port, tmp_path, "keep") as gateway:
                analytics.wait(lambda part=part: analytics.received("S-T4") > part * samples)
                gateway.kill()
                gateway.wait()
            analytics.wait(lambda: analytics.gateway[-1].state == "offline")  # the last will
            assert not has_ended(analytics)
        with program("gateway_process", radio, port, tmp_path, "keep") as gateway:
            analytics.wait(lambda: has_ended(analytics))
            analytics.wait(lambda: analytics.gateway[-1].sensors == ("S-L5", "S-T4"))
            gateway.send_signal(signal.SIGTERM)
            assert gateway.wait(START_S) == 0
        check_all_of_it(analytics, samples)
        check_recording(tmp_path / "kept", analytics)
        analytics.wait(lambda: analytics.gateway[-1].state == "offline")
        analytics.wait(lambda: analytics.statuses["S-T4"].state == "stopped")
    counts = json.loads((tmp_path / "stats.json").read_text())["sensors"]["S-T4"]
    assert counts["received"] == kept_ticks("S-T4", samples).size
    assert counts["received"] + counts["lost"] == samples


def configured(tmp_path: Path, radio: str, port: int, **changes: Any) -> GatewayConfig:
    config = GatewayConfig(
        site=SITE,
        gateway=GATEWAY,
        radio=radio,
        broker=BrokerAddress(port=port),
        outbox_path=tmp_path / "outbox.db",
        broker_wait_s=5.0,
    )
    return replace(config, **changes)


@asynccontextmanager
async def gateway(config: GatewayConfig) -> AsyncIterator[dict[str, Any]]:
    """A gateway in this process; its counts."""
    stop, counts = asyncio.Event(), {"broker": "", "sensors": {}}
    task = asyncio.create_task(
        run_gateway(config, clock_ns=time.time_ns, report=counts.update, stop=stop)
    )
    stopper = asyncio.create_task(stop.wait())
    try:
        yield counts
    finally:
        stop.set()
        await stopper
        await task


def state_of(counts: dict[str, Any], serial: str) -> str:
    return str(counts["sensors"].get(serial, {}).get("state"))


def test_it_goes_on_live_in_small_batches_and_pulses_on_command(
    mosquitto_broker: MosquittoBroker, tmp_path: Path
) -> None:
    async def run(analytics: Analyst) -> None:
        async with (
            simulator(pair(2000, end=False)) as air,
            gateway(configured(tmp_path, air.spec, mosquitto_broker.port)) as counts,
        ):
            await until(lambda: all(state_of(counts, serial) == "live" for serial in SENSORS))
            first_live = analytics.last("S-T4") + 1
            await until(lambda: analytics.last("S-T4") > first_live + 8)
            live = [batch for batch in analytics.batches["S-T4"] if batch.seq > first_live]
            assert {batch.count for batch in live[:5]} <= set(range(1, 51))
            for action, ok in (("haptic", True), ("rate", True)):
                asked = GatewayCommand(id=action, action=action, sensor="S-T4")
                analytics.publish(topics.command(SITE, GATEWAY), asked.encode())
                await until(lambda action=action: action in {r.id for r in analytics.replies})
                assert analytics.replies[-1].ok is ok
            stranger = GatewayCommand(id="stranger", action="haptic", sensor="nobody")
            analytics.publish(topics.command(SITE, GATEWAY), stranger.encode())
            await until(lambda: analytics.replies[-1].id == "stranger")
            assert not analytics.replies[-1].ok
        ticks = analytics.values("S-L5")
        assert ticks == list(range(len(ticks)))

    with analyst(mosquitto_broker.port) as analytics:
        asyncio.run(run(analytics))


def test_a_full_outbox_holds_the_sensors_until_there_is_room(
    mosquitto_broker: MosquittoBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device_gateway.sensor.ROOM_INTERVAL_S", 0.1)
    samples = 60_000

    async def run(analytics: Analyst) -> None:
        async with simulator(pair(samples, end=True)) as air:
            port = mosquitto_broker.port
            config = configured(tmp_path, air.spec, port, outbox_cap_bytes=2**20)
            async with gateway(config) as counts:
                await until(lambda: any(state_of(counts, s) == "holding" for s in SENSORS))
                assert analytics.batches == {}
                analytics.acknowledging = True
                await until(lambda: has_ended(analytics))

    with analyst(mosquitto_broker.port) as analytics:
        analytics.acknowledging = False
        asyncio.run(run(analytics))
        check_all_of_it(analytics, samples)


def test_only_sensors_on_the_list_are_read(
    mosquitto_broker: MosquittoBroker, tmp_path: Path
) -> None:
    async def run(analytics: Analyst) -> None:
        async with simulator(pair(1000, end=True)) as air:
            config = configured(tmp_path, air.spec, mosquitto_broker.port, allow=("S-L5",))
            async with gateway(config) as counts:
                await until(lambda: state_of(counts, "S-L5") == "ended")
                assert set(counts["sensors"]) == {"S-L5"}
        assert set(analytics.batches) <= {"S-L5"}

    with analyst(mosquitto_broker.port) as analytics:
        asyncio.run(run(analytics))


def test_a_sensor_known_from_before_and_not_met_again_is_said_to_be_stopped_too(
    mosquitto_broker: MosquittoBroker, tmp_path: Path
) -> None:
    async def run(analytics: Analyst) -> None:
        async with simulator(pair(500, end=True)) as air:
            config = configured(tmp_path, air.spec, mosquitto_broker.port)
            async with gateway(config) as counts:
                await until(lambda: all(state_of(counts, s) == "ended" for s in SENSORS))
            await until(lambda: analytics.gateway[-1].state == "offline")
            async with gateway(replace(config, allow=("another",))):
                await until(lambda: analytics.gateway[-1].sensors == ("S-L5", "S-T4"))
                assert analytics.statuses["S-T4"].state == "absent"
            await until(lambda: analytics.gateway[-1].state == "offline")
        assert {analytics.statuses[serial].state for serial in SENSORS} == {"stopped"}

    with analyst(mosquitto_broker.port) as analytics:
        asyncio.run(run(analytics))


def test_the_radio_goes_away_and_comes_back(
    mosquitto_broker: MosquittoBroker, tmp_path: Path
) -> None:
    port = free_port()

    async def run(analytics: Analyst) -> None:
        config = configured(tmp_path, f"tcp:127.0.0.1:{port}", mosquitto_broker.port)
        async with simulator(pair(500, end=False), config.radio):
            running = gateway(config)
            counts = await running.__aenter__()
            await until(lambda: state_of(counts, "S-T4") == "live")
        await until(lambda: state_of(counts, "S-T4") not in ("live", "syncing"))
        before = analytics.received("S-T4")
        async with simulator(
            pair(500, end=False), config.radio
        ):  # with clocks and counts that begin anew
            await until(lambda: state_of(counts, "S-T4") == "live")
            await until(lambda: analytics.received("S-T4") > before + 500)
            await running.__aexit__(None, None, None)
        for batches in analytics.batches.values():
            times_ns = np.concatenate([batch.to_samples().utc_ns for batch in batches])
            assert (np.diff(times_ns) > 0).all()

    with analyst(mosquitto_broker.port) as analytics:
        asyncio.run(run(analytics))


async def start(config: GatewayConfig, clock_ns: Callable[[], int] = time.time_ns) -> None:
    await run_gateway(config, clock_ns=clock_ns, report=lambda _: None, stop=asyncio.Event())


def test_without_a_radio_it_does_not_start(
    mosquitto_broker: MosquittoBroker, tmp_path: Path
) -> None:
    config = configured(tmp_path, f"tcp:127.0.0.1:{free_port()}", mosquitto_broker.port)
    with pytest.raises(RadioError) as raised:
        asyncio.run(start(config))
    assert raised.value.reason is Reason.RADIO_UNREACHABLE


def test_without_a_broker_it_does_not_start_and_keeps_what_it_has(tmp_path: Path) -> None:
    config = configured(tmp_path, "tcp:127.0.0.1:1", free_port(), broker_wait_s=1.0)
    with pytest.raises(BrokerError) as raised:
        asyncio.run(start(config))
    assert raised.value.reason is Reason.BROKER_UNREACHABLE
    Outbox(config.outbox_path, cap_bytes=2**20).close()


def test_a_machine_without_the_time_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(SettingError) as raised:
        asyncio.run(start(configured(tmp_path, "tcp:127.0.0.1:1", 1), lambda: 0))
    assert raised.value.reason is Reason.TIME_BEFORE_2020


@pytest.mark.parametrize(
    "changes",
    [
        {"site": "no name"},
        {"allow": ("a b",)},
        {"max_links": 0},
        {"outbox_cap_bytes": 5},
        {"keep_recording": Path("x"), "placements": {"a": Placement.T4, "b": Placement.T4}},
    ],
)
def test_settings_that_cannot_be_used(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(SettingError):
        configured(tmp_path, "system", 1, **changes)
