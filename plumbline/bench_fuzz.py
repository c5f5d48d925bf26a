"""``plumbline bench fuzz``: random and mutated notifications at every decoder of sensors' bytes.

What counts: no error but the typed one, good bytes read again afterwards, and no growth. Memory is looked
at after a tenth, when everything that is made once has been made, and at the end.
"""

from __future__ import annotations

import gc
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

from contracts import gatt
from contracts.errors import DecodeError
from contracts.units import NS_PER_S
from device_gateway.profiles import PROFILES, Codec, Profile
from device_gateway.profiles.port import MAX_NOTIFICATION_BYTES, Pause, Read, Subscribe, Write
from firmware_sim.firmware import Firmware, FirmwareConfig
from firmware_sim.makes import MAKES, Device, DeviceConfig
from firmware_sim.source import ConstantSource
from plumbline.procfs import usage

NOTIFICATIONS: Final = 1_000_000
SEED: Final = 1
#: Good notifications of each sensor, from which the mutated ones are made.
SEED_SECONDS: Final = 4
BEGIN_NS: Final = 1_800_000_000 * NS_PER_S
READING: Final = (1.5, -2.0, 9.5, 0.1, -0.2, 0.3)

Value = tuple[str, bytes]
#: Takes a value of a characteristic: how many samples were in it. DecodeError, or a defect.
Take = Callable[[str, bytes], int]


@dataclass
class Counts:
    """What became of the values."""

    read: int = 0
    samples: int = 0
    refused: int = 0
    defects: int = 0
    first_defect: str = ""


@dataclass(frozen=True)
class Target:
    """A decoder, and good values for it."""

    take: Take
    good: tuple[Value, ...]


def measure_fuzz(_folder: Path, notifications: int = NOTIFICATIONS) -> dict[str, Any]:
    """The figures of every decoder, by name."""
    targets = {profile.name: _of_make(profile) for profile in PROFILES} | _native()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a decoder that warns is one that did not look
        return {name: fuzzed(target, notifications) for name, target in targets.items()}


def fuzzed(target: Target, notifications: int) -> dict[str, Any]:
    """The figures of one decoder."""
    counts = Counts()
    values = mutated(target.good, Random(SEED))
    warm_up = max(1, notifications // 10)
    began_s = time.perf_counter()
    _throw(target, values, warm_up, counts)
    before = _memory()
    _throw(target, values, notifications - warm_up, counts)
    after, took_s = _memory(), time.perf_counter() - began_s
    return {
        "notifications": notifications,
        "read": counts.read,
        "samples": counts.samples,
        "refused": counts.refused,
        "other errors": counts.defects,
        **({"first of them": counts.first_defect} if counts.first_defect else {}),
        "good ones read afterwards": _reads_again(target),
        "blocks grown": after[0] - before[0],
        "RSS grown MB": round(after[1] - before[1], 2),
        "us each": round(took_s / notifications * 1e6, 2),
    }


def _throw(target: Target, values: Iterator[Value], count: int, counts: Counts) -> None:
    for _ in range(count):
        uuid, value = next(values)
        try:
            counts.samples += target.take(uuid, value)
            counts.read += 1
        except DecodeError:
            counts.refused += 1
        except Exception as error:  # noqa: BLE001 - whatever else comes is what is looked for
            counts.defects += 1
            counts.first_defect = counts.first_defect or f"{error!r} at {value.hex()}"


def mutated(good: tuple[Value, ...], chance: Random) -> Iterator[Value]:
    """Without end: random bytes, and good ones changed, cut, lengthened, joined, or as they were."""
    while True:
        uuid, value = chance.choice(good)
        kind = chance.randrange(6)
        if kind == 0:
            value = chance.randbytes(chance.randrange(64))
        elif kind == 1:
            changed = bytearray(value)
            for _ in range(chance.randint(1, 4)):
                changed[chance.randrange(len(changed))] = chance.randrange(256)
            value = bytes(changed)
        elif kind == 2:
            value = value[: chance.randrange(len(value) + 1)]
        elif kind == 3:
            value += chance.randbytes(chance.randrange(MAX_NOTIFICATION_BYTES))
        elif kind == 4:
            value += chance.choice(good)[1]
        yield uuid, value


def _memory() -> tuple[int, float]:
    """Blocks that Python holds, and MB of the process."""
    gc.collect()
    used = usage(os.getpid())
    return sys.getallocatedblocks(), 0.0 if used is None else used.now_mb


def _reads_again(target: Target) -> bool:
    """Whether good values are read after all that: the first few may still belong to the bad."""
    samples = 0
    for uuid, value in target.good * 2:
        try:
            samples += target.take(uuid, value)
        except DecodeError:
            continue
    return samples > 0


def _of_make(profile: Profile) -> Target:
    codec = profile.codec(profile.rates_hz[-1])
    good = tuple(_said(profile, profile.codec(profile.rates_hz[-1])))

    def take(uuid: str, value: bytes) -> int:
        found = codec.on_value(uuid, value)
        return 0 if found is None else found.count

    return Target(take, good)


def _said(profile: Profile, codec: Codec) -> Iterator[Value]:
    """What a simulated sensor of a make says while it is opened and streams."""
    config = DeviceConfig("1234", BEGIN_NS - NS_PER_S)
    device = MAKES[profile.name](config, lambda rate_hz: ConstantSource(READING, rate_hz))
    device.max_value_bytes = 244
    now_ns = BEGIN_NS
    for step in codec.opening():
        match step:
            case Subscribe(uuid):
                device.subscribe(uuid, True, now_ns)
            case Write(uuid, value):
                device.write(uuid, value, now_ns)
            case Read(uuid):
                value = device.read(uuid, now_ns)
                codec.on_value(uuid, value)
                yield uuid, value
            case Pause():
                pass
    yield from _streamed(device, now_ns)


def _streamed(device: Device, now_ns: int) -> Iterator[Value]:
    for second in range(1, SEED_SECONDS + 1):
        device.advance(now_ns + second * NS_PER_S)
        while (notification := device.next_notification()) is not None:
            yield notification


def _native() -> dict[str, Target]:
    """The native codecs, with what a simulated native sensor sends and replies."""
    firmware = Firmware(FirmwareConfig("FUZZ", BEGIN_NS), ConstantSource(READING, 50.0))
    at_ns = BEGIN_NS + 30 * NS_PER_S
    start = gatt.Command(gatt.Opcode.START, 1, gatt.Position(1, 0).to_bytes())
    ask = gatt.Command(gatt.Opcode.STATUS, 2)
    replies = [firmware.handle(one.to_bytes(), at_ns) for one in (start, ask)]
    packets = []
    while (sent := firmware.next_notification(18)) is not None:
        packets.append(sent.value)
    status = gatt.Reply.from_bytes(replies[1]).result
    return {
        "native SamplePacket": _pure(
            lambda data: gatt.SamplePacket.from_bytes(data).count, packets
        ),
        "native Reply": _pure(lambda data: bool(gatt.Reply.from_bytes(data)), replies),
        "native SensorStatus": _pure(
            lambda data: bool(gatt.SensorStatus.from_bytes(data)), [status]
        ),
    }


def _pure(decode: Callable[[bytes], int], good: list[bytes]) -> Target:
    return Target(lambda _, value: decode(value), tuple(("", value) for value in good))
