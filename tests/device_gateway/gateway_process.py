"""A gateway in a process of its own: ``gateway_process RADIO BROKER_PORT FOLDER [keep]``."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

from contracts.broker import BrokerAddress
from contracts.vocabulary import Placement
from device_gateway.config import GatewayConfig
from device_gateway.service import run_gateway


async def main(radio: str, port: str, folder: str, keep: str = "") -> None:
    """Run until SIGTERM; the counts are in FOLDER/stats.json."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    config = GatewayConfig(
        site="site",
        gateway="gateway",
        radio=radio,
        broker=BrokerAddress(port=int(port)),
        outbox_path=Path(folder) / "outbox.db",
        keep_recording=Path(folder) / "kept" if keep else None,
        placements={"S-T4": Placement.T4, "S-L5": Placement.L5},
    )

    def report(counts: dict[str, Any]) -> None:
        part = Path(folder) / ".stats.json.part"
        part.write_text(json.dumps(counts))
        part.replace(Path(folder) / "stats.json")

    await run_gateway(config, clock_ns=time.time_ns, report=report, stop=stop)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
