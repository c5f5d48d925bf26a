"""A second gateway under the same id, on a real broker."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from device_gateway.outbox import Outbox
from tests.brokers import MosquittoBroker
from tests.device_gateway.test_publisher import CAP, configured, publisher, until


def test_one_of_two_gateways_with_one_id_says_so_and_gives_way(
    mosquitto_broker: MosquittoBroker, tmp_path: Path
) -> None:
    async def run() -> None:
        with contextlib.ExitStack() as opened:
            outboxes = [
                opened.enter_context(Outbox(tmp_path / f"{name}.db", cap_bytes=CAP))
                for name in ("one", "other")
            ]
            made = [publisher(configured(mosquitto_broker.port, box), box) for box in outboxes]
            tasks = [asyncio.create_task(each.run()) for each in made]
            await until(lambda: any("another service" in each.state for each in made))
            # The other one works from now on.
            await until(lambda: [each.state for each in made].count("connected") == 1)
            for each in made:
                each.stop()
            await asyncio.gather(*tasks)

    asyncio.run(run())
