"""The way up of a gateway that nobody answers: what it reads stays in its outbox."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from contracts.messages import SensorStatus
from device_gateway.batches import Batch, SensorState


class Unanswered:
    """A :class:`~device_gateway.uplink.Uplink` that is there at once and sends nothing."""

    state = "connected"
    reason = ""

    def __init__(self) -> None:
        self._ended = asyncio.Event()

    def committed(self, states: dict[str, SensorState]) -> None:
        """Nothing is sent."""

    def ahead(self, sensor: str, batches: Sequence[Batch]) -> None:
        """Nobody looks."""

    def status(self, sensor: str, status: SensorStatus) -> None:
        """What is said of a sensor, for who wants to note it."""

    def stored_seq(self, sensor: str) -> int:
        """Nothing is stored."""
        del sensor
        return 0

    async def connected(self) -> None:
        """At once."""

    def stop(self) -> None:
        """End :meth:`run`."""
        self._ended.set()

    async def run(self) -> None:
        """Until :meth:`stop`."""
        await self._ended.wait()


def unheard(_: dict[str, Any]) -> None:
    """Nobody reads a gateway's counts."""
