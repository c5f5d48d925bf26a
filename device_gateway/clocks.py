"""What is asked of a connected native sensor for its clocks, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from contracts.gatt import SensorStatus
from contracts.units import NS_PER_MS, NS_PER_S
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
#: NTP that slews moves the host's clock by 15 ms between two looks; what moves it more has set it. One
#: that is set all the time is not followed all the time.
HOST_SET_NS: Final = 20 * NS_PER_MS
HOST_PAUSE_S: Final = 2.0


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


class Looks:
    """When a sensor's clock is looked at: soon at first, then now and then, and when the host's was set.

    Pure: ``at_ns`` is of a clock that nobody sets, ``utc_ns`` what the host takes for UTC.
    """

    def __init__(self) -> None:
        self._done = 0
        self._at_ns = 0
        self._ahead_ns = 0

    def done(self, at_ns: int, utc_ns: int) -> None:
        """It was looked at now."""
        self._done += 1
        self._at_ns, self._ahead_ns = at_ns, utc_ns - at_ns

    def due(self, at_ns: int, utc_ns: int, *, doubted: bool) -> bool:
        """Whether it is time; ``doubted``: the last look contradicted those before."""
        since_s = (at_ns - self._at_ns) / NS_PER_S
        if abs(utc_ns - at_ns - self._ahead_ns) > HOST_SET_NS and since_s > HOST_PAUSE_S:
            return True
        if doubted:
            return since_s > DOUBT_INTERVAL_S
        first = self._done <= len(FIRST_LOOKS_S)
        return since_s > (FIRST_LOOKS_S[self._done - 1] if first else LOOK_INTERVAL_S)
