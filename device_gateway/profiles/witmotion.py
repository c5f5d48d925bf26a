"""WitMotion BWT901BLE5.0 and WT901BLECL: frames of 20 bytes in a stream, and registers.

Source: WitMotion's Bluetooth 5.0 protocol (docs/profiles.md). The stream has no time, no number and
no checksum; a notification may hold several frames, or a part of one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from contracts.errors import DecodeError, Reason
from contracts.imu import ImuScale, Int16Samples
from device_gateway.profiles.decoding import WithoutMotor, checked
from device_gateway.profiles.port import Pause, Profile, Readings, Step, Subscribe, Write

# The base ends in 9a, not in the 9b of Bluetooth's own.
SERVICE_UUID: Final = "0000ffe5-0000-1000-8000-00805f9a34fb"
NOTIFY_UUID: Final = "0000ffe4-0000-1000-8000-00805f9a34fb"
WRITE_UUID: Final = "0000ffe9-0000-1000-8000-00805f9a34fb"

FRAME_BYTES: Final = 20
READINGS_HEAD: Final = b"\x55\x61"
REGISTERS_HEAD: Final = b"\x55\x71"
#: Registers that one answer holds, from the one that was asked for on.
REGISTERS: Final = 8

UNLOCK: Final = bytes.fromhex("ff aa 69 88 b5")
REGISTER_RATE: Final = 0x03
REGISTER_BATTERY: Final = 0x64
#: The makers' documents disagree on 200 Hz, 0a or 0b; what is read back is understood either way.
RATE_CODES: Final = {10.0: 0x06, 20.0: 0x07, 50.0: 0x08, 100.0: 0x09, 200.0: 0x0B}
RATES_BY_CODE: Final = {code: rate_hz for rate_hz, code in RATE_CODES.items()} | {0x0A: 200.0}
#: From hundredths of a volt on, percent: the makers' table.
BATTERY_STEPS: Final = (
    (397, 100), (393, 90), (387, 75), (382, 60), (379, 50), (377, 40),
    (373, 30), (370, 20), (368, 15), (350, 10), (340, 5), (1, 0),
)  # fmt: skip
#: A command that follows another at once is lost; the makers' own programs wait about as long.
BETWEEN_COMMANDS_S: Final = 0.1


class WitMotionCodec(WithoutMotor):
    """One connection to a WitMotion sensor. Its readings are int16 of the scale already."""

    def __init__(self, rate_hz: float) -> None:
        self.rate_hz = rate_hz
        self.battery_percent: int | None = None
        self._code = RATE_CODES[rate_hz]
        self._rest = b""  # the beginning of a frame whose end has not come
        self._broken = 0  # frames that began and did not end, since the last readings

    def opening(self) -> Iterator[Step]:
        """Subscribe, set the rate, ask for it and for the battery.

        The rate is not saved: it would wear the flash and outlive us in somebody's sensor.
        """
        yield Subscribe(NOTIFY_UUID)
        for command in (UNLOCK, command_set(REGISTER_RATE, self._code)):
            yield Write(WRITE_UUID, command)
            yield Pause(BETWEEN_COMMANDS_S)
        for register in (REGISTER_RATE, REGISTER_BATTERY):
            yield Write(WRITE_UUID, command_read(register))
            yield Pause(BETWEEN_COMMANDS_S)

    def closing(self) -> Sequence[Step]:
        """Nothing: it stops with the link."""
        return ()

    def on_value(self, uuid: str, value: bytes) -> Readings | None:
        """Readings of all frames that end in this notification."""
        del uuid  # one characteristic notifies
        frames = self._frames(checked(value, "WitMotion"))
        rows = []
        for frame in frames:
            if frame.startswith(READINGS_HEAD):
                rows.append(frame[2:14])
            else:
                self._on_registers(frame)
        if not rows:
            return None
        lost_before, self._broken = self._broken, 0
        return Readings(_int16(b"".join(rows)), None, lost_before)

    def _frames(self, value: bytes) -> list[bytes]:
        """The frames that are whole now; the beginning of the next one is kept.

        DecodeError where there is neither: these bytes are not of this make.
        """
        if self._rest and value.startswith((READINGS_HEAD, REGISTERS_HEAD)):
            # The rest was cut off. Put before this, pieces of two frames might pass for one.
            self._broken += self._rest.startswith(READINGS_HEAD)
            self._rest = b""
        data = self._rest + value
        self._rest = b""
        frames = []
        at = 0
        while at < len(data):
            if not _begins_frame(data, at):
                at += 1
            elif at + FRAME_BYTES > len(data):
                self._rest = data[at:]
                break
            elif _begins_frame(data, at + FRAME_BYTES):
                frames.append(data[at : at + FRAME_BYTES])
                at += FRAME_BYTES
            else:  # cut off, or bytes that only look like a head: what should follow does not
                self._broken += data.startswith(READINGS_HEAD, at)
                at += 1
        if not frames and not self._rest:
            raise DecodeError(
                Reason.BAD_FIELD, f"{len(value)} bytes from WitMotion hold no frame 55 61 or 55 71."
            )
        return frames

    def _on_registers(self, frame: bytes) -> None:
        first = int.from_bytes(frame[2:4], "little")
        values = np.frombuffer(frame, dtype="<u2", offset=4)
        for number, value in enumerate(values.tolist(), first):
            if number == REGISTER_RATE:
                self.rate_hz = RATES_BY_CODE.get(value, self.rate_hz)
            elif number == REGISTER_BATTERY:
                self.battery_percent = _percent(value)


def command_set(register: int, value: int) -> bytes:
    """``FF AA register value``: set a register until it is switched off."""
    return bytes((0xFF, 0xAA, register)) + value.to_bytes(2, "little")


def command_read(register: int) -> bytes:
    """``FF AA 27 register``: have eight registers from one on notified as ``55 71``."""
    return command_set(0x27, register)


def _begins_frame(data: bytes, at: int) -> bool:
    """Whether a frame may begin at ``at``: a head, as much of one as is there, or the end."""
    head = data[at : at + 2]
    return READINGS_HEAD.startswith(head) or REGISTERS_HEAD.startswith(head)


def _percent(centivolts: int) -> int | None:
    """The charge at a voltage; None for 0, which is what it says before it has measured."""
    return next((percent for least, percent in BATTERY_STEPS if centivolts >= least), None)


def _int16(data: bytes) -> Int16Samples:
    return np.frombuffer(data, dtype="<i2").reshape(-1, 6).astype(np.int16)


PROFILE: Final = Profile(
    name="witmotion",
    title="WitMotion BWT901BLE5.0, WT901BLECL",
    services=frozenset(),
    rates_hz=tuple(RATE_CODES),
    scale=ImuScale(accel_range_g=16, gyro_range_deg_s=2000),
    codec=WitMotionCodec,
    # not every WT: the vibration meters WTVB01 send other things under the same head
    name_starts=("WT901", "BWT901"),
    serial_prefix="WT-",
)
