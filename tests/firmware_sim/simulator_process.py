"""A simulator in a process of its own: ``simulator_process PORT SAMPLES`` prints its address."""

from __future__ import annotations

import asyncio
import sys

from tests.firmware_sim.bluetooth import sensor, simulator


async def main(port: str, samples: str) -> None:
    """Run until killed."""
    async with simulator([sensor("S", waiting=int(samples))], f"tcp:127.0.0.1:{port}") as running:
        print(running.spec, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
