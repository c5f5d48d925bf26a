"""Several people's sensors on one virtual air, in a process that may be killed at any moment.

``sensors_process FILE``: FILE is the JSON that :class:`Orders` describes. A line ``lose SERIAL`` on
stdin breaks that sensor's link for a moment, ``off`` switches all of them off within two seconds.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from contracts.gatt import Opcode
from contracts.units import NS_PER_S
from firmware_sim.firmware import Firmware
from firmware_sim.fleet import SimulatedSensor
from firmware_sim.peripheral import Peripheral
from firmware_sim.service import run_simulator
from plumbline.lifeline import hold_to_parent
from plumbline.run import run_async
from plumbline.stats import StatsFile
from tests.chaos.people import Person

#: The commands that change what a sensor remembers.
REMEMBERED = (Opcode.ERASE, Opcode.SET_TIME)
#: When the sensors were switched off, in a file of this name beside what they remember, UTC in ns.
OFF = "off"


class Orders(msgspec.Struct):
    """What to play, and where."""

    people: list[tuple[str, str, int]]
    start_ns: int
    listen: str
    flash: str
    stats: str


class FlashOnDisk:
    """A firmware whose flash outlives its process: the commands that changed it are done again.

    Samples are the recording's and need no keeping; what was erased of them stays erased.
    """

    def __init__(self, firmware: Firmware, path: Path) -> None:
        self._firmware = firmware
        if path.exists():
            for line in path.read_text().splitlines():
                true_ns, _, command = line.partition(" ")
                if command.endswith("."):  # written whole
                    firmware.handle(bytes.fromhex(command[:-1]), int(true_ns))
        self._path = path

    def handle(self, command: bytes, true_ns: int) -> bytes:
        """As the firmware does, once it is written down."""
        if command and command[0] in REMEMBERED:
            with self._path.open("a") as file:
                file.write(f"\n{true_ns} {command.hex()}.")  # a line that was cut off ends here
        return self._firmware.handle(command, true_ns)

    def switch_off(self, true_ns: int) -> None:
        """Take no sample after ``true_ns``, which is still to come, or of which nothing was taken yet."""
        end = self._firmware._clock.device_ns(true_ns) // self._firmware._period_ns + 1
        self._firmware._end_tick = min(self._firmware._end_tick, end)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._firmware, name)


def sensors_of(orders: Orders) -> tuple[list[SimulatedSensor], list[FlashOnDisk]]:
    """Everybody's sensors with what they remember."""
    sensors, flashes = [], []
    off = Path(orders.flash) / OFF
    for wearer, recording, seed in orders.people:
        for sensor in Person(wearer, Path(recording), seed).sensors(orders.start_ns):
            flash = FlashOnDisk(sensor.firmware, Path(orders.flash) / f"{sensor.serial}.txt")
            if off.exists():
                flash.switch_off(int(off.read_text()))
            flashes.append(flash)
            sensors.append(SimulatedSensor(sensor.serial, sensor.placement, flash))  # type: ignore[arg-type]
    return sensors, flashes


def obey(on_air: Sequence[Peripheral], flashes: Sequence[FlashOnDisk], folder: Path) -> None:
    """One line from stdin."""
    word, _, serial = sys.stdin.readline().strip().partition(" ")
    if word == "off" and not (folder / OFF).exists():
        switch_off(flashes, folder)
    for peripheral in on_air:
        if word == "lose" and peripheral.serial == serial:
            peripheral.controller.lose_links()


def switch_off(flashes: Sequence[FlashOnDisk], folder: Path) -> None:
    """Switch all off within the next second, at three quarters of it, and write down when.

    There no clock that is estimated anew moves the last sample over the border of a second, nor makes
    it more or less than the half of one that counts as measured.
    """
    off_ns = (time.time_ns() // NS_PER_S + 1) * NS_PER_S + NS_PER_S * 3 // 4
    part = folder / f"{OFF}.part"
    part.write_text(str(off_ns))
    part.replace(folder / OFF)
    for flash in flashes:
        flash.switch_off(off_ns)


def main() -> None:
    hold_to_parent()
    orders = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Orders)
    sensors, flashes = sensors_of(orders)

    def placed(on_air: Sequence[Peripheral]) -> None:
        folder = Path(orders.flash)
        asyncio.get_running_loop().add_reader(sys.stdin, obey, on_air, flashes, folder)

    async def service(stop: asyncio.Event) -> None:
        await run_simulator(
            sensors,
            listen=orders.listen,
            clock_ns=time.time_ns,
            report=StatsFile(Path(orders.stats)),
            stop=stop,
            ready=lambda _: None,
            placed=placed,
        )

    run_async(service)


if __name__ == "__main__":
    main()
