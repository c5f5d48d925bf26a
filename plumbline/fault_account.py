"""What became of a day's samples: every one that reached a log, or an outbox, is looked for in the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from contracts.messages import ImuMessage
from contracts.units import NS_PER_S
from device_gateway.outbox import Outbox
from firmware_sim.clock import DeviceClock
from firmware_sim.counting import counted_ticks
from firmware_sim.epochs import AnyFirmware, EpochFirmware
from firmware_sim.fast_time import BEGIN_NS
from firmware_sim.faults import Span
from firmware_sim.firmware import Firmware
from firmware_sim.fleet import SimulatedSensor
from firmware_sim.makes.fleet import MakeSensor
from firmware_sim.source import Ticks

_NONE: Final[Ticks] = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Account:
    """What became of one native sensor's samples over a day, in samples, in all outboxes together."""

    recorded: int  # reached its log
    found: int  # in an outbox
    twice: int  # in one outbox
    both: int  # in two of them
    invented: int  # in an outbox, and never recorded
    overwritten: int  # a full log gave them up before anyone read them
    untimed: int  # of an epoch that nobody ever gave a time
    counted_untimed: int  # by the gateways
    missing: int  # neither in an outbox nor still in the log, overwritten or untimed
    lost: tuple[Lost, ...]  # by outbox


@dataclass(frozen=True, slots=True)
class Lost:
    """Ticks up to the last one in an outbox that are not in it: ``least`` to ``most``, and as counted.

    What an outbox has of a sensor begins where nobody told its gateway to forget it; how much the sensor
    lost just before that is all that is open.
    """

    least: int
    most: int
    counted: int


@dataclass(frozen=True, slots=True)
class StreamAccount:
    """What became of the samples of a sensor without a log over a day, in samples."""

    sampled: int  # of the whole day
    found: int  # in an outbox
    twice: int
    invented: int  # in an outbox, and never sent
    missing: int  # sampled on a live link of untroubled air, and in no outbox
    gone: int  # sampled, and in no outbox


def account(
    sensor: SimulatedSensor, outboxes: Sequence[Outbox], counted_untimed: int = 0
) -> Account:
    """What became of a native sensor's samples."""
    epochs = _epochs(sensor.firmware)
    recorded = np.concatenate([_counts(epoch) for epoch in epochs])
    untimed = np.concatenate([_NONE, *(_counts(epoch) for epoch in epochs if not epoch.timed)])
    each = [found_in(outbox, sensor.serial) for outbox in outboxes]
    once = [np.unique(found) for found in each]
    unique, owners = np.unique(np.concatenate([_NONE, *once]), return_counts=True)
    read = recorded <= unique[-1] if len(unique) else np.zeros(len(recorded), bool)
    gone = np.setdiff1d(np.setdiff1d(recorded[read], unique), untimed)
    overwritten = min(len(gone), sensor.firmware.stats.overwritten)
    timed = [epoch for epoch in epochs if epoch.timed]
    if len(outboxes) == 1:
        lost = overwritten + sum(_never_recorded(epoch, unique) for epoch in timed)
        bounds = [(lost, lost)]
    else:
        bounds = [_lost_to(timed, found) for found in once]
        bounds = [(least, most + overwritten) for least, most in bounds]
    return Account(
        recorded=len(recorded),
        found=len(unique),
        twice=sum(len(found) - len(own) for found, own in zip(each, once, strict=True)),
        both=int((owners - 1).sum()),
        invented=len(np.setdiff1d(unique, recorded)),
        overwritten=overwritten,
        untimed=len(np.setdiff1d(untimed, unique)),
        counted_untimed=counted_untimed,
        missing=len(gone) - overwritten,
        lost=tuple(
            Lost(least, most, outbox.state(sensor.serial).lost)
            for (least, most), outbox in zip(bounds, outboxes, strict=True)
        ),
    )


def _never_recorded(epoch: Firmware, found: Ticks) -> int:
    """Ticks of an epoch that the sensor lost before the last one of it that was found."""
    taken = epoch.taken()
    known = np.isin(counted_ticks(taken.samples), found)
    if not known.any():
        return 0
    last = int(np.flatnonzero(known)[-1])
    return int(taken.sequences[last]) - last


def _lost_to(epochs: Sequence[Firmware], found: Ticks) -> tuple[int, int]:
    """Ticks that are not in an outbox beside which there was another, to which they may have gone.

    Of an epoch that it has nothing of, nobody could tell its gateway.
    """
    least = most = 0
    begun = False
    for epoch in epochs:
        taken = epoch.taken()
        known = np.flatnonzero(np.isin(counted_ticks(taken.samples), found))
        if not len(known):
            continue
        first, last = (int(taken.sequences[known[end]]) for end in (0, -1))
        behind = last + 1 - first - len(known)
        least += behind + (first if begun else 0)
        most += behind + (first if begun else first - int(known[0]))
        begun = True
    return least, most


def stream_account(
    sensor: MakeSensor,
    name: str,
    outboxes: Sequence[Outbox],
    safe: Sequence[Span],
    end_s: float,
) -> StreamAccount:
    """What became of the samples of a sensor without a log, which gateways know by ``name``.

    ``safe``: when nothing may get lost; ``end_s``: when the day ends.
    """
    device = sensor.firmware
    clock = DeviceClock(device.config.power_on_ns, device.config.clock_drift_ppm)

    def due(at_s: float) -> int:
        """The tick that is due next after a time."""
        return (
            int(clock.device_ns(BEGIN_NS + round(at_s * NS_PER_S)) * device.rate_hz) // NS_PER_S + 1
        )

    each = [found_in(outbox, name) for outbox in outboxes]
    unique = np.unique(np.concatenate([_NONE, *each]))
    sampled = due(end_s)
    wanted = [np.arange(due(span.start_s), due(span.end_s)) for span in safe]
    return StreamAccount(
        sampled=sampled,
        found=len(unique),
        twice=sum(map(len, each)) - len(unique),
        invented=max(int((unique >= sampled).sum()), len(unique) - device.stats.sent),
        missing=len(np.setdiff1d(np.concatenate([_NONE, *wanted]), unique)),
        gone=sampled - len(unique),
    )


def found_in(outbox: Outbox, serial: str) -> Ticks:
    """The ticks of all samples of a sensor in an outbox, in its order."""
    pieces = [_NONE]
    after = 0
    while rows := outbox.read(serial, after, max_bytes=2**22, max_batches=4096):
        for seq, payload in rows:
            message = ImuMessage.decode(payload, now_ns=None)
            raw = np.frombuffer(message.samples, "<i2").reshape(-1, 6)
            pieces.append(counted_ticks(raw))
            after = seq
    return np.concatenate(pieces)


def _epochs(firmware: AnyFirmware) -> Sequence[Firmware]:
    return firmware.epochs if isinstance(firmware, EpochFirmware) else (firmware,)


def _counts(epoch: Firmware) -> Ticks:
    """The counts of all samples that reached a log."""
    return counted_ticks(epoch.taken().samples)
