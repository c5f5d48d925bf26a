"""A sensor whose process is killed remembers what it erased and how its clock was set."""

from __future__ import annotations

from pathlib import Path

from contracts import gatt
from contracts.gatt import Opcode, Position
from contracts.units import NS_PER_S
from firmware_sim.firmware import Firmware, FirmwareConfig
from firmware_sim.source import ConstantSource
from tests.chaos.sensors_process import FlashOnDisk

ON_NS = 1_790_000_000 * NS_PER_S


def sensor(folder: Path) -> FlashOnDisk:
    config = FirmwareConfig(serial="S", power_on_ns=ON_NS)
    source = ConstantSource((0.0, 0.0, 9.81, 0.0, 0.0, 0.0), 50.0)
    return FlashOnDisk(Firmware(config, source), folder / "S.txt")


def ask(one: FlashOnDisk, opcode: Opcode, arguments: bytes, at_s: int) -> bytes:
    command = gatt.Command(opcode, 1, arguments).to_bytes()
    return one.handle(command, ON_NS + at_s * NS_PER_S)


def test_what_was_erased_and_set_stays_so(tmp_path: Path) -> None:
    one = sensor(tmp_path)
    ask(one, Opcode.SET_TIME, gatt.u64(ON_NS // 1000 + 7), 5)
    ask(one, Opcode.ERASE, Position(1, 100).to_bytes(), 6)
    sync = ask(one, Opcode.SYNC_INFO, (1).to_bytes(2, "little"), 9)
    kept = one.stats.kept
    again = sensor(tmp_path)
    assert ask(again, Opcode.SYNC_INFO, (1).to_bytes(2, "little"), 9) == sync
    assert again.stats.kept == kept < again.stats.recorded


def test_a_line_that_was_cut_off_is_not_obeyed(tmp_path: Path) -> None:
    one = sensor(tmp_path)
    ask(one, Opcode.ERASE, Position(1, 100).to_bytes(), 6)
    file = tmp_path / "S.txt"
    file.write_text(file.read_text()[:-3])
    assert sensor(tmp_path).stats.recorded == 0


def test_who_is_switched_off_takes_no_more_and_stays_so(tmp_path: Path) -> None:
    one = sensor(tmp_path)
    one.switch_off(ON_NS + 5 * NS_PER_S)
    one.advance(ON_NS + 9 * NS_PER_S)
    assert one.stats.ended
    assert one.stats.recorded == 5 * 50 + 1
    one.switch_off(ON_NS + 7 * NS_PER_S)
    one.advance(ON_NS + 9 * NS_PER_S)
    assert one.stats.recorded == 5 * 50 + 1
