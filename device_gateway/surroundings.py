"""What the sessions of one gateway share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from device_gateway.batches import Batch
from device_gateway.config import GatewayConfig
from device_gateway.outbox import Outbox
from device_gateway.radio import Advertisement, Radio
from device_gateway.writer import Writer

if TYPE_CHECKING:
    from device_gateway.sensor import SensorSession


@dataclass(slots=True)
class Surroundings:
    """The gateway's parts. ``changed`` is told when a session's status changes; ``show_ahead`` is given
    what a sensor sends ahead of its log.
    """

    config: GatewayConfig
    outbox: Outbox
    writer: Writer
    clock_ns: Callable[[], int]
    random: Random
    changed: Callable[[SensorSession], None]
    show_ahead: Callable[[str, Sequence[Batch]], None]
    radio: Radio | None = None
    owners: dict[str, SensorSession] = field(default_factory=dict)

    def speak_for_known(self, session: SensorSession, heard: Advertisement | None) -> str:
        """The serial number that a session speaks for which was refused before it knew whom it met.

        That which the advertisement names, where it was read before and nobody else speaks for it: who
        reads its status is to know why nothing comes. Else nothing.
        """
        name = heard.name if heard is not None else None
        if name is None or name not in {known.sensor for known in self.outbox.sensors()}:
            return ""
        return name if self.owners.setdefault(name, session) is session else ""
