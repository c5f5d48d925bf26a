"""What a gateway asks of the way up to analytics, and the parts that it can be given from outside."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from contracts.messages import GatewayCommand, GatewayReply, SensorStatus
from device_gateway.batches import Batch, SensorState
from device_gateway.config import GatewayConfig
from device_gateway.outbox import Outbox
from device_gateway.publisher import Publisher
from device_gateway.radio import Radio


class Uplink(Protocol):
    """What takes batches from the outbox to analytics, and says what became of them."""

    state: str
    reason: str

    def committed(self, states: dict[str, SensorState]) -> None:
        """The outbox changed: there may be something to send."""

    def ahead(self, sensor: str, batches: Sequence[Batch]) -> None:
        """What a sensor samples now, for who looks at it; it is in the outbox once its turn comes."""

    def status(self, sensor: str, status: SensorStatus) -> None:
        """What to say of a sensor from now on."""

    def stored_seq(self, sensor: str) -> int:
        """What analytics has stored of a sensor, as far as it is known."""

    async def connected(self) -> None:
        """Returns once it can be reached for the first time. BrokerError where it cannot."""

    def stop(self) -> None:
        """End :meth:`run`."""

    async def run(self) -> None:
        """Serve until :meth:`stop`."""


class UplinkMaker(Protocol):
    """Makes the uplink of a gateway; :class:`Publisher` is the one over MQTT."""

    def __call__(
        self,
        config: GatewayConfig,
        outbox: Outbox,
        *,
        clock_ns: Callable[[], int],
        stored: Callable[[str, int], None],
        command: Callable[[GatewayCommand], Awaitable[GatewayReply]],
    ) -> Uplink:
        """``stored`` is told what analytics has stored, ``command`` carries out what it asks for."""
        ...


@dataclass(frozen=True, slots=True)
class GatewayParts:
    """What a gateway is made of beside its settings. ``radio`` None: the one that these name."""

    radio: Radio | None = None
    uplink: UplinkMaker = Publisher
    random: Random = field(default_factory=Random)
