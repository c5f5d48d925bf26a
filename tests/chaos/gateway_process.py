"""A gateway whose clock can be stepped: ``gateway_process FILE``, the JSON of :class:`Orders`."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import msgspec

from contracts.broker import BrokerAddress
from contracts.errors import PlumblineError
from device_gateway.config import GatewayConfig
from device_gateway.service import run_gateway
from plumbline.lifeline import hold_to_parent
from plumbline.logs import configure_logging
from plumbline.run import run_async
from plumbline.settings import LogFormat, LogLevel
from plumbline.stats import StatsFile

#: How often the clock's offset is looked up.
LOOK_S = 0.02


class Orders(msgspec.Struct):
    """What the gateway is told."""

    site: str
    radio: str
    broker_port: int
    outbox: str
    keep: str
    offset: str
    stats: str


class SteppedClock:
    """The machine's clock plus an offset in ns that stands in a file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._offset_ns = 0
        self._looked_s = -LOOK_S

    def __call__(self) -> int:
        now_s = time.monotonic()
        if now_s - self._looked_s >= LOOK_S:
            self._looked_s = now_s
            self._offset_ns = int(self._file.read_text())
        return time.time_ns() + self._offset_ns


def main() -> None:
    hold_to_parent()
    configure_logging(LogLevel.WARNING, LogFormat.HUMAN)
    orders = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Orders)
    config = GatewayConfig(
        site=orders.site,
        gateway="gateway-1",
        radio=orders.radio,
        broker=BrokerAddress(port=orders.broker_port),
        outbox_path=Path(orders.outbox),
        keep_recording=Path(orders.keep),
        broker_wait_s=60.0,
    )

    async def service(stop: asyncio.Event) -> None:
        clock = SteppedClock(Path(orders.offset))
        await run_gateway(config, clock_ns=clock, report=StatsFile(Path(orders.stats)), stop=stop)

    try:
        run_async(service)
    except PlumblineError as error:
        sys.exit(f"{error.message} {error.hint}")


if __name__ == "__main__":
    main()
