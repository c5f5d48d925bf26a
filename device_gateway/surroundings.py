"""What the sessions of one gateway share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from device_gateway.batches import Batch
from device_gateway.config import GatewayConfig
from device_gateway.outbox import Outbox
from device_gateway.radio import Radio
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
