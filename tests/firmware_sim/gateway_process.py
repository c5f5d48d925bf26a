"""A gateway's radio in a process of its own: ``gateway_process SPEC`` reads a log until it is killed."""

from __future__ import annotations

import asyncio
import sys

from device_gateway.radio import open_radio
from tests.firmware_sim.bluetooth import connected, find, until


async def main(spec: str) -> None:
    """Say when samples come in, then go on."""
    async with open_radio(spec) as radio:
        async with connected(radio, (await find(radio, 1))[0]) as listener:
            await listener.start()
            await until(lambda: listener.samples > 100)
            print("receiving", flush=True)
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
