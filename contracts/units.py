"""Constants that turn one unit into another. Internally SI; the wire and the store say otherwise by name."""

from __future__ import annotations

import math
from typing import Final

STANDARD_GRAVITY_M_S2: Final = 9.80665
NS_PER_S: Final = 1_000_000_000
NS_PER_MS: Final = 1_000_000
NS_PER_US: Final = 1_000
RAD_PER_DEG: Final = math.pi / 180.0
DEG_PER_RAD: Final = 180.0 / math.pi
INT16_MAX: Final = 32767
INT16_MIN: Final = -32768
#: An int16 reading r of a sensor with full scale F stands for r * F / 32768.
INT16_FULL_SCALE: Final = 32768.0
