"""The simulator as a service: address, reports, stop, and processes that die."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from contracts import gatt
from contracts.errors import PlumblineError, Reason, SettingError
from contracts.recording import open_recording
from contracts.units import NS_PER_S
from device_gateway.radio import open_radio
from firmware_sim.fleet import SimulatedSensor, recording_fleet
from tests.firmware_sim.bluetooth import Listener, connected, find, run, sensor, simulator, until

REPOSITORY = Path(__file__).resolve().parents[2]
SIMULATOR = "tests.firmware_sim.simulator_process"
GATEWAY = "tests.firmware_sim.gateway_process"


def test_reports_every_sensor_and_stops_cleanly() -> None:
    async def work() -> None:
        async with simulator([sensor("S-1", waiting=500), sensor("S-2", waiting=600)]) as running:
            await until(lambda: len(running.reports) >= 2)
            async with open_radio(running.spec) as radio:
                heard = await find(radio, 2)
                async with connected(radio, heard[0]) as listener:
                    await listener.start()
                    await until(lambda: listener.samples >= 500)
        last = running.reports[-1]["sensors"]
        assert set(last) == {"S-1", "S-2"}
        assert set(last["S-1"]) == {"placement", "recorded", "lost", "sent", "kept", "ended"}
        assert last["S-1"]["placement"] == "T4"
        assert last["S-1"]["sent"] >= 500
        assert last["S-1"]["recorded"] >= 500
        assert last["S-2"]["sent"] == 0

    run(work())


def test_stop_while_connected_tells_the_gateway() -> None:
    async def work() -> None:
        gone = asyncio.Event()
        async with simulator([sensor("S")]) as running:
            radio = open_radio(running.spec)
            await radio.__aenter__()
            client = radio.client((await find(radio, 1))[0], gone.set)
            await client.connect()
        await gone.wait()
        assert not client.is_connected
        await radio.__aexit__(None, None, None)

    run(work())


def test_stop_while_a_reply_is_being_confirmed() -> None:
    async def work() -> None:
        for turns in range(12):
            async with simulator([sensor("S", waiting=50_000)]) as running:
                radio = open_radio(running.spec)
                await radio.__aenter__()
                client = radio.client((await find(radio, 1))[0], lambda: None)
                await client.connect()
                listener = await Listener.on(client)
                await listener.start()
                for _ in range(turns):
                    await asyncio.sleep(0)
            await radio.__aexit__(None, None, None)

    run(work())


def test_port_in_use_says_so() -> None:
    async def work() -> None:
        async with simulator([sensor("S")]) as running:
            with pytest.raises(PlumblineError, match="in use") as refused:
                async with simulator([sensor("S")], running.spec):
                    pass
            assert refused.value.reason is Reason.PORT_IN_USE

    run(work())


@pytest.mark.parametrize(
    "listen",
    ["", "tcp:", "127.0.0.1:0", "tcp:127.0.0.1", "tcp:127.0.0.1:x", "tcp:127.0.0.1:70000",
     "unix:/tmp/x", "tcp:0.0.0.0:0", "tcp:192.0.2.1:0"],
)  # fmt: skip
def test_what_it_cannot_listen_on_is_refused(listen: str) -> None:
    async def work() -> None:
        with pytest.raises(SettingError, match="listen") as refused:
            async with simulator([], listen):
                pass
        assert refused.value.hint

    run(work())


def test_an_open_air_listens_where_it_is_told_and_only_then() -> None:
    async def work() -> None:
        with pytest.raises(SettingError, match="this machine only"):
            async with simulator([], "tcp:127.0.0.2:0"):
                pass
        async with simulator([], "tcp:127.0.0.2:0", open_air=True) as running:
            assert running.spec.startswith("tcp:127.0.0.2:")
        with pytest.raises(SettingError):
            async with simulator([], "tcp::0", open_air=True):
                pass

    run(work())


def test_recording_crosses_the_air_byte_for_byte(data_dir: Path) -> None:
    """What the radio delivers is what the firmware gave, to the last sample."""
    recording = open_recording(data_dir / "recordings" / "sitting-04")
    start_ns = time.time_ns() - 24 * 3600 * NS_PER_S

    def fleet() -> list[SimulatedSensor]:
        return recording_fleet(recording, start_ns=start_ns, serial_prefix="R", seed=4)

    def wanted(one: SimulatedSensor) -> list[gatt.SamplePacket]:
        firmware = one.firmware
        start = gatt.Command(gatt.Opcode.START, 1, gatt.Position(1, 0).to_bytes())
        firmware.handle(start.to_bytes(), time.time_ns())
        values = iter(lambda: firmware.next_notification(gatt.samples_per_packet(247)), None)
        return [gatt.SamplePacket.from_bytes(one.value) for one in values if one is not None]

    async def work() -> None:
        async with simulator(fleet()) as running, open_radio(running.spec) as radio:
            heard = await find(radio, len(recording.placements))
            twins = {one.serial: one for one in fleet()}
            for one in heard:
                async with connected(radio, one) as listener:
                    await listener.start()
                    await until(lambda got=listener: bool(got.packets) and got.packets[-1][1].end)
                    got = [packet.to_bytes() for _, packet in listener.packets]
                    assert got == [packet.to_bytes() for packet in wanted(twins[str(one.name)])]
        for serial, counts in running.reports[-1]["sensors"].items():
            assert counts["ended"], serial
            assert counts["sent"] == counts["recorded"] == counts["kept"], serial

    run(work())


@contextlib.asynccontextmanager
async def process(module: str, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Python process of its own, killed at the end if it still runs."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, cwd=REPOSITORY, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def line(child: asyncio.subprocess.Process) -> str:
    assert child.stdout is not None
    return (await child.stdout.readline()).decode().strip()


def test_simulator_killed_is_noticed_and_found_again() -> None:
    async def work() -> None:
        gone = asyncio.Event()
        async with process(SIMULATOR, "0", "2000") as first:
            spec = await line(first)
            radio = open_radio(spec)
            await radio.__aenter__()
            client = radio.client((await find(radio, 1))[0], gone.set)
            await client.connect()
            first.send_signal(signal.SIGKILL)
            await gone.wait()
            assert not client.is_connected
            with pytest.raises(PlumblineError) as lost:
                await radio.scan(0.1, gatt.SERVICE_UUID)
            assert lost.value.reason is Reason.RADIO_UNREACHABLE
            await radio.__aexit__(None, None, None)
        async with process(SIMULATOR, spec.rpartition(":")[2], "2000") as second:
            assert await line(second) == spec
            async with open_radio(spec) as again:
                async with connected(again, (await find(again, 1))[0]) as listener:
                    await listener.start()
                    await until(lambda: listener.samples >= 2000)
                    listener.assert_gapless()

    run(work())


def test_gateway_killed_in_the_middle_frees_the_sensor_for_the_next() -> None:
    async def work() -> None:
        async with simulator([sensor("S", waiting=20_000_000)]) as running:
            async with process(GATEWAY, running.spec) as gateway:
                assert await line(gateway) == "receiving"
                gateway.send_signal(signal.SIGKILL)
                await gateway.wait()
            async with open_radio(running.spec) as radio:
                async with connected(radio, (await find(radio, 1))[0]) as listener:
                    await listener.start(77)
                    await until(lambda: listener.samples >= 2000)
                    await listener.ask(gatt.Opcode.STOP)
                    listener.assert_gapless(77)

    run(work())
