"""How fast flash logs come in over Bluetooth: two processes, TCP between them, real GATT.

Run ``python tests/bench/ble_throughput.py --help`` from the repository's root. Prints notifications
and samples a second, and the CPU time that each side took.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import resource
import struct
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from typing import Any

from bleak import BleakClient

from contracts import gatt
from device_gateway.radio import Radio, open_radio
from firmware_sim import air, peripheral


@dataclass
class PreparedNotification:
    """A packet that is made already: what is measured is Bluetooth."""

    is_log: bool
    value: bytes


class PreparedFirmware:
    """Sends ``samples`` samples of log as fast as it is asked, always the same packet."""

    def __init__(self, samples: int) -> None:
        self._samples = samples
        self._left = 0
        self._packets: dict[int, PreparedNotification] = {}

    def advance(self, true_ns: int) -> None:
        """Nothing is taken."""

    def handle(self, command: bytes, true_ns: int) -> bytes:
        """Any command starts it."""
        self._left = self._samples
        return gatt.Reply(command[0], command[1], gatt.ReplyStatus.OK).to_bytes()

    def next_notification(self, max_samples: int) -> PreparedNotification | None:
        """The next one, while there are."""
        if self._left <= 0:
            return None
        count = min(max_samples, self._left)
        self._left -= count
        if count not in self._packets:
            header = struct.pack("<BBBBIQIIHBB", 1, 1, count, 8, 0, 0, 20_000_000, 0, 1, 8, 0)
            self._packets[count] = PreparedNotification(True, header + bytes(12 * count))
        return self._packets[count]

    def next_due_ns(self, max_samples: int) -> int | None:
        """Never."""
        return None

    def disconnected(self) -> None:
        """Stop."""
        self._left = 0


async def simulate(pipe: Pipe, sensors: int, samples: int, att_mtu: int, acl_bytes: int) -> None:
    """The simulator's process: sensors on an air, until the parent says stop."""
    from firmware_sim.dongles import DongleListener

    air.VirtualController.le_acl_data_packet_length = acl_bytes
    sky = air.Air()
    for number in range(sensors):
        firmware: Any = PreparedFirmware(samples)
        sensor = peripheral.Peripheral(
            f"BENCH-{number}", firmware, sky, clock_ns=time.time_ns, failed=print, att_mtu=att_mtu
        )
        await sensor.start()
    listener = await DongleListener.open(sky, "127.0.0.1", 0)
    pipe.send(listener.port)
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, pipe.recv)
    pipe.send(cpu_s())
    await loop.run_in_executor(None, pipe.recv)
    pipe.send(cpu_s())
    await loop.run_in_executor(None, pipe.recv)
    await listener.close()


def simulator(pipe: Pipe, profile: bool, *arguments: int) -> None:
    """Entry of the simulator's process."""
    if not profile:
        asyncio.run(simulate(pipe, *arguments))
        return
    import cProfile

    cProfile.runctx("asyncio.run(simulate(pipe, *arguments))", globals(), locals(), sort="tottime")


def cpu_s() -> float:
    """CPU time of this process so far, in s."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def drain(client: BleakClient, samples: int) -> int:
    """Fetch a whole log. Returns how many notifications it took."""
    done = asyncio.Event()
    seen = notifications = 0

    def on_log(_: object, value: bytearray) -> None:
        nonlocal seen, notifications
        seen += value[2]
        notifications += 1
        if seen >= samples:
            done.set()

    await client.start_notify(gatt.CONTROL_UUID, lambda *_: None)
    await client.start_notify(gatt.STREAM_UUID, on_log)
    await client.start_notify(gatt.LOG_UUID, on_log)
    await client.write_gatt_char(gatt.CONTROL_UUID, b"\x01\x00", response=True)
    await done.wait()
    return notifications


async def measure(port: int, pipe: Pipe, sensors: int, samples: int) -> None:
    """The gateway's side: all sensors at once; prints the figures."""
    radio: Radio
    async with open_radio(f"tcp:127.0.0.1:{port}") as radio:
        found = await radio.scan(1.0, gatt.SERVICE_UUID)
        clients = [radio.client(one, lambda: None) for one in found[:sensors]]
        for client in clients:
            await client.connect()
        pipe.send("mark")
        sim_s, ours_s, start_s = pipe.recv(), cpu_s(), time.perf_counter()
        counts = await asyncio.gather(*(drain(client, samples) for client in clients))
        wall_s, ours_s = time.perf_counter() - start_s, cpu_s() - ours_s
        pipe.send("mark")
        sim_s = pipe.recv() - sim_s
        total, mtu = sum(counts), clients[0].mtu_size
        print(
            f"{len(clients)} sensors, ATT MTU {mtu}: {total} notifications,"
            f" {sum(counts) / wall_s:,.0f}/s, {samples * len(clients) / wall_s:,.0f} samples/s in"
            f" {wall_s:.2f} s; CPU: simulator {sim_s:.2f} s ({sim_s / total * 1e6:.1f} us each),"
            f" gateway {ours_s:.2f} s ({ours_s / total * 1e6:.1f} us each)"
        )


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sensors", type=int, default=2)
    parser.add_argument("--samples", type=int, default=360_000, help="a sensor; 1,440,000 is 8 h")
    parser.add_argument("--mtu", type=int, default=peripheral.SENSOR_ATT_MTU)
    parser.add_argument("--acl-bytes", type=int, default=air.ACL_BYTES)
    parser.add_argument("--profile", choices=("simulator", "gateway"))
    options = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    arguments = (options.sensors, options.samples, options.mtu, options.acl_bytes)
    process = multiprocessing.get_context("spawn").Process(
        target=simulator, args=(theirs, options.profile == "simulator", *arguments)
    )
    process.start()
    work = "asyncio.run(measure(ours.recv(), ours, options.sensors, options.samples))"
    if options.profile == "gateway":
        import cProfile

        cProfile.runctx(work, globals(), locals(), sort="tottime")
    else:
        asyncio.run(measure(ours.recv(), ours, options.sensors, options.samples))
    ours.send("end")
    process.join()


if __name__ == "__main__":
    main()
