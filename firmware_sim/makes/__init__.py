"""Simulated sensors of other makes, which the gateway reads by their documented bytes.

Written from the makers' documents, apart from the gateway's codecs: neither imports the other, and
bytes by hand pin both.
"""

from __future__ import annotations

from typing import Final

from firmware_sim.makes.device import Device, DeviceConfig, StreamStats
from firmware_sim.makes.dot import Dot
from firmware_sim.makes.movesense import Movesense
from firmware_sim.makes.thingy import Thingy
from firmware_sim.makes.witmotion import WitMotion

__all__ = ["MAKES", "Device", "DeviceConfig", "StreamStats"]

#: By the name that the command line takes; the native sensor is none of them.
MAKES: Final[dict[str, type[Device]]] = {
    "witmotion": WitMotion,
    "dot": Dot,
    "thingy": Thingy,
    "movesense": Movesense,
}
