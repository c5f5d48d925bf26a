"""Asks a connected sensor for what its clocks need: a clock for each epoch that its log may hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from contracts.gatt import SensorStatus
from device_gateway.clock import DeviceClock

if TYPE_CHECKING:
    from device_gateway.control import Control

#: Epochs of a log that are asked for: a battery that went flat more often within a day is dead.
MAX_OLD_EPOCHS: Final = 8
#: Of the drift some 20 ppm stay unknown at first: 0.6 ms in half a minute, less than a round trip is.
LOOK_INTERVAL_S: Final = 30.0
#: Before that the drift may be 100 ppm, 6 ms a minute, and the first looks come sooner.
FIRST_LOOKS_S: Final = (10.0, 15.0, 20.0)
#: An anchor that contradicts the others is confirmed, or not, within a few seconds.
DOUBT_INTERVAL_S: Final = 5.0


async def clocks_of(
    control: Control, status: SensorStatus, known: DeviceClock | None
) -> tuple[dict[int, DeviceClock], int]:
    """The clocks by epoch, ours where we know one, else what others set it to; the battery in percent.

    ``known``: the clock of the last commit. The sensor's own clock is set. RadioError where it does
    not answer.
    """
    clocks: dict[int, DeviceClock] = {}
    first = min(status.oldest.epoch, status.epoch)
    for epoch in range(max(first, status.epoch - MAX_OLD_EPOCHS), status.epoch + 1):
        if known is not None and known.epoch == epoch and known.known:
            clocks[epoch] = known
            continue
        clock = DeviceClock(epoch) if known is None else known.next_epoch(epoch)
        sync = await control.sync_info(epoch)
        clocks[epoch] = clock if sync is None else clock.with_sync(sync)
    newest = clocks[status.epoch]
    anchor, status = await control.set_clock()
    clocks[status.epoch] = newest.with_anchor(anchor, trusted=newest is not known)
    return clocks, status.battery_percent


def clock_pause_s(looks: int, *, doubted: bool) -> float:
    """How long after the last look, of ``looks`` since the link came up, the clock is looked at again."""
    if doubted:
        return DOUBT_INTERVAL_S
    return FIRST_LOOKS_S[looks - 1] if 0 < looks <= len(FIRST_LOOKS_S) else LOOK_INTERVAL_S
