"""A process of the sensors' benchmark: the plainest bleak program there is, which only counts samples."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Final

from bleak import BleakClient

from contracts import gatt
from device_gateway.radio import Advertisement, Radio, open_radio
from plumbline.run import run_async
from plumbline.stats import StatsFile

REPORT_S: Final = 0.5
#: Where a packet says how many samples it holds.
_COUNT_AT: Final = 2


class _Counter:
    """What one sensor sent."""

    def __init__(self) -> None:
        self.received = 0

    def __call__(self, _: object, value: bytearray) -> None:
        self.received += value[_COUNT_AT]


async def _read(radio: Radio, heard: Advertisement, count: _Counter) -> BleakClient:
    client = radio.client(heard, lambda: None)
    await client.connect()
    await client.start_notify(gatt.CONTROL_UUID, lambda *_: None)
    await client.start_notify(gatt.STREAM_UUID, count)
    await client.start_notify(gatt.LOG_UUID, count)
    start = gatt.Command(gatt.Opcode.START, 1, gatt.Position(1, 0).to_bytes())
    await client.write_gatt_char(gatt.CONTROL_UUID, start.to_bytes(), response=True)
    return client


async def _count(address: str, sensors: int, write: StatsFile, stop: asyncio.Event) -> None:
    async with open_radio(address) as radio:
        found: list[Advertisement] = []
        while len(found) < sensors:
            found = await radio.scan(1.0, gatt.SERVICE_UUID)
        counters = {one.name or one.address: _Counter() for one in found}
        clients = [await _read(radio, one, counters[one.name or one.address]) for one in found]
        while not stop.is_set():
            write({"sensors": {n: {"received": c.received} for n, c in counters.items()}})
            await asyncio.wait({asyncio.ensure_future(stop.wait())}, timeout=REPORT_S)
        await asyncio.gather(*(client.disconnect() for client in clients))


def main() -> None:
    """``python -m plumbline.bench_bare ADDRESS SENSORS --stats FILE``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("sensors", type=int)
    parser.add_argument("--stats", type=Path)
    chosen = parser.parse_args()
    run_async(lambda stop: _count(chosen.address, chosen.sensors, StatsFile(chosen.stats), stop))


if __name__ == "__main__":
    main()
