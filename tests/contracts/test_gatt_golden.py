"""Bytes of the native profile, written by hand from the tables of docs/gatt.md.

Both ways: the simulator and the gateway use the same codec, so only these literals can catch a
mistake that the two would share.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from contracts import gatt
from contracts.gatt import (
    Command,
    HapticPulse,
    Opcode,
    Position,
    Reply,
    ReplyStatus,
    SamplePacket,
    SensorStatus,
    SyncInfo,
)
from contracts.imu import ImuScale


def hex_bytes(text: str) -> bytes:
    return bytes.fromhex(text)


LOG_PACKET = hex_bytes(
    "01"  # version
    "01"  # flags: LOG
    "02"  # two samples
    "10"  # ± 16 g
    "04030201"  # sequence 0x01020304
    "0010a5d4e8000000"  # 10¹² µs
    "002d3101"  # 20,000,000 ns
    "05000000"  # five lost before
    "0700"  # epoch 7
    "10"  # 16 × 125 = ± 2000 deg/s
    "00"
    "0100 ffff 0008 0080 ff7f 0000"  # 1 −1 2048 −32768 32767 0
    "0001 00ff 0300 0400 fbff 0600"  # 256 −256 3 4 −5 6
)
END_PACKET = hex_bytes(
    "01 02 00 02"  # END, no sample, ± 2 g
    "0a000000"  # it would have been sequence 10
    "0000000000000000"
    "00ca9a3b"  # 1,000,000,000 ns: 1 Hz
    "00000000"
    "0000"
    "01"  # ± 125 deg/s
    "00"
)
AHEAD_PACKET = hex_bytes(
    "01 04 01 10"  # AHEAD, one sample, ± 16 g
    "e8030000"  # sequence 1000
    "002d310100000000"  # 20,000,000 µs
    "002d3101"  # 20,000,000 ns
    "02000000"  # two lost before
    "0100"  # epoch 1
    "10"  # ± 2000 deg/s
    "00"
    "0008 0000 0000 0000 0000 ffff"  # 2048 0 0 0 0 −1
)
STATUS = hex_bytes(
    "0010a5d4e8000000"  # device clock 10¹² µs
    "0200"  # epoch 2
    "0100 64000000"  # oldest: epoch 1, sequence 100
    "0200 00e1f505"  # next: epoch 2, sequence 100,000,000
    "80969800"  # 10,000,000 ns: 100 Hz
    "08"  # ± 8 g
    "08"  # ± 1000 deg/s
    "00eb4100"  # 4,320,000 kept
    "10270000"  # 10,000 overwritten
    "57"  # 87 %
    "01"  # sampling
    "0000"
)
SYNC_INFO = hex_bytes(
    "40420f0000000000"  # set first at device 1,000,000 µs
    "0040204648470600"  # ... to 2026-01-01T00:00:00Z, 1,767,225,600,000,000 µs
    "40a2e61d14000000"  # last at device 86,401,000,000 µs
    "00a0f7635c470600"  # ... to a day later, 1,767,312,000,000,000 µs
)


def same_fields(left: object, right: object) -> bool:
    """Field by field, since comparing packets with ``==`` would compare arrays."""
    assert type(left) is type(right)
    return all(
        np.array_equal(getattr(left, f.name), getattr(right, f.name))
        for f in fields(left)  # type: ignore[arg-type]
    )


PACKETS = [
    (
        LOG_PACKET,
        SamplePacket(
            sequence=0x01020304,
            device_us=10**12,
            period_ns=20_000_000,
            lost_before=5,
            epoch=7,
            scale=ImuScale(16, 2000),
            samples=np.array(
                [[1, -1, 2048, -32768, 32767, 0], [256, -256, 3, 4, -5, 6]], dtype=np.int16
            ),
            from_log=True,
        ),
    ),
    (
        END_PACKET,
        SamplePacket(
            sequence=10,
            device_us=0,
            period_ns=10**9,
            lost_before=0,
            epoch=0,
            scale=ImuScale(2, 125),
            samples=np.empty((0, 6), dtype=np.int16),
            end=True,
        ),
    ),
    (
        AHEAD_PACKET,
        SamplePacket(
            sequence=1000,
            device_us=20_000_000,
            period_ns=20_000_000,
            lost_before=2,
            epoch=1,
            scale=ImuScale(16, 2000),
            samples=np.array([[2048, 0, 0, 0, 0, -1]], dtype=np.int16),
            ahead=True,
        ),
    ),
]


@pytest.mark.parametrize(("data", "packet"), PACKETS)
def test_sample_packet(data: bytes, packet: SamplePacket) -> None:
    assert packet.to_bytes() == data
    assert same_fields(SamplePacket.from_bytes(data), packet)


COMMANDS = [
    ("01 07 0100 f4010000", Command(Opcode.START, 7, Position(1, 500).to_bytes())),
    ("02 08", Command(Opcode.STOP, 8)),
    ("03 09 002d3101", Command(Opcode.SET_RATE, 9, gatt.u32(20_000_000))),
    ("04 0a 04 04", Command(Opcode.SET_RANGES, 10, gatt.ranges_to_bytes(ImuScale(4, 500)))),
    ("05 0b 01 3c c800", Command(Opcode.HAPTIC, 11, HapticPulse(1, 60, 200).to_bytes())),
    ("06 0c 0040204648470600", Command(Opcode.SET_TIME, 12, gatt.u64(1_767_225_600_000_000))),
    ("07 0d ffff ffffffff", Command(Opcode.ERASE, 13, Position(65535, 2**32 - 1).to_bytes())),
    ("08 0e", Command(Opcode.STATUS, 14)),
    ("09 ff 0201", Command(Opcode.SYNC_INFO, 255, gatt.u16(258))),
    ("0a 00 0100 00000000", Command(Opcode.START_AHEAD, 0, Position(1, 0).to_bytes())),
]


@pytest.mark.parametrize(("text", "command"), COMMANDS)
def test_command(text: str, command: Command) -> None:
    assert command.to_bytes() == hex_bytes(text)
    assert Command.from_bytes(hex_bytes(text)) == command


def test_every_opcode_has_a_golden_command() -> None:
    assert {command.opcode for _, command in COMMANDS} == set(Opcode)


REPLIES = [
    ("81 07 00", Reply(Opcode.START, 7, ReplyStatus.OK)),
    ("ff 00 01", Reply(0x7F, 0, ReplyStatus.UNKNOWN_COMMAND)),
    ("83 09 02", Reply(Opcode.SET_RATE, 9, ReplyStatus.BAD_ARGUMENT)),
    ("85 0b 03", Reply(Opcode.HAPTIC, 11, ReplyStatus.BUSY)),
    ("89 0f 04", Reply(Opcode.SYNC_INFO, 15, ReplyStatus.NO_SUCH_EPOCH)),
    ("86 0c 00 40420f0000000000", Reply(Opcode.SET_TIME, 12, ReplyStatus.OK, gatt.u64(1_000_000))),
    ("88 0e 00" + STATUS.hex(), Reply(Opcode.STATUS, 14, ReplyStatus.OK, STATUS)),
    ("89 0f 00" + SYNC_INFO.hex(), Reply(Opcode.SYNC_INFO, 15, ReplyStatus.OK, SYNC_INFO)),
]


@pytest.mark.parametrize(("text", "reply"), REPLIES)
def test_reply(text: str, reply: Reply) -> None:
    assert reply.to_bytes() == hex_bytes(text)
    assert Reply.from_bytes(hex_bytes(text)) == reply


def test_every_reply_status_is_pinned() -> None:
    assert {reply.status for _, reply in REPLIES} == set(ReplyStatus)


def test_sensor_status() -> None:
    status = SensorStatus(
        device_us=10**12,
        epoch=2,
        oldest=Position(1, 100),
        next=Position(2, 100_000_000),
        period_ns=10_000_000,
        scale=ImuScale(8, 1000),
        kept=4_320_000,
        overwritten=10_000,
        battery_percent=87,
        sampling=True,
    )
    assert status.to_bytes() == STATUS
    assert SensorStatus.from_bytes(STATUS) == status


def test_sync_info() -> None:
    info = SyncInfo(1_000_000, 1_767_225_600_000_000, 86_401_000_000, 1_767_312_000_000_000)
    assert info.to_bytes() == SYNC_INFO
    assert SyncInfo.from_bytes(SYNC_INFO) == info
    assert info.known


def test_a_clock_that_was_never_set_is_all_zero() -> None:
    info = SyncInfo.from_bytes(bytes(32))
    assert info == SyncInfo(0, 0, 0, 0)
    assert not info.known
    assert info.to_bytes() == bytes(32)


def test_arguments() -> None:
    assert Position.from_bytes(hex_bytes("0100 f4010000")) == Position(1, 500)
    assert HapticPulse.from_bytes(hex_bytes("01 3c c800")) == HapticPulse(1, 60, 200)
    assert gatt.read_period_ns(hex_bytes("002d3101")) == 20_000_000
    assert gatt.read_ranges(hex_bytes("10 10")) == ImuScale(16, 2000)
    assert gatt.read_u16(hex_bytes("0201"), "epoch") == 258
    assert gatt.read_u64(hex_bytes("40420f0000000000"), "device_us") == 1_000_000
    assert gatt.read_utc_us(hex_bytes("0040204648470600")) == 1_767_225_600_000_000


def test_positions_are_ordered_by_epoch_then_sequence() -> None:
    places = [Position(2, 0), Position(1, 2**32 - 1), Position(1, 0)]
    assert sorted(places) == places[::-1]
    assert Position(1, 5) <= Position(1, 5) < Position(1, 6)
    assert Position(2, 0) > Position(1, 7) >= Position(1, 7)


def test_identifiers_are_pinned() -> None:
    tail = "-b0d1-4e1b-9c1e-706c756d6221"
    assert gatt.SERVICE_UUID == "504c0001" + tail
    assert gatt.STREAM_UUID == "504c0002" + tail
    assert gatt.CONTROL_UUID == "504c0003" + tail
    assert gatt.LOG_UUID == "504c0004" + tail
    assert gatt.BATTERY_SERVICE_UUID.startswith("0000180f-")
    assert gatt.DEVICE_INFORMATION_UUID.startswith("0000180a-")


@pytest.mark.parametrize(
    ("att_mtu", "samples"),
    [(0, 0), (23, 0), (42, 0), (43, 1), (247, 18), (510, 39), (511, 40), (517, 40)],
)
def test_samples_a_notification_carries(att_mtu: int, samples: int) -> None:
    assert gatt.samples_per_packet(att_mtu) == samples
