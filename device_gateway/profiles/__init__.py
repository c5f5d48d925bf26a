"""The makes of sensors that the gateway reads, one file each."""

from __future__ import annotations

from typing import Final

from device_gateway.profiles import dot, movesense, thingy, witmotion
from device_gateway.profiles.port import Codec, Profile, Readings

__all__ = ["PROFILES", "Codec", "Profile", "Readings"]

#: Every make but the native one, which has a log and a command channel of its own.
PROFILES: Final[tuple[Profile, ...]] = (
    witmotion.PROFILE,
    dot.PROFILE,
    thingy.PROFILE,
    movesense.PROFILE,
)
