"""Appends to an outbox until it is killed. Prints a line after every commit: last seq, samples."""

from __future__ import annotations

import sys
from pathlib import Path

from device_gateway.outbox import Outbox
from tests.device_gateway.samples import append


def main() -> None:
    with Outbox(Path(sys.argv[1]), cap_bytes=2**30) as outbox:
        while True:
            state = outbox.state("S")
            after = outbox.write([append(outbox, batches=3, count=500)])["S"]
            assert after.received == state.received + 1500
            sys.stdout.write(f"{after.last_seq} {after.received}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
