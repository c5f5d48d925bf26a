"""MQTT topics: built and read in one place. Root ``plumbline/v1/{site}``; ids are never names."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from contracts.checks import check_id, quoted
from contracts.errors import DecodeError, Reason

ROOT: Final = "plumbline/v1"
MAX_TOPIC_CHARS: Final = 400
#: Two topics a sensor of a large site, and the odd one more.
MAX_KNOWN_TOPICS: Final = 2048


class Kind(StrEnum):
    """What a topic carries."""

    GATEWAY_STATUS = "gateway-status"
    COMMAND = "command"
    REPLY = "reply"
    IMU = "imu"
    AHEAD = "ahead"
    SENSOR_STATUS = "sensor-status"
    STORED = "stored"
    POSTURE = "posture"
    EPISODE = "episode"
    NUDGE = "nudge"
    CONTEXT = "context"
    NOT_NOW = "not-now"
    REJECTED = "rejected"


_GATEWAY_LEAVES: Final = {
    "status": Kind.GATEWAY_STATUS,
    "command": Kind.COMMAND,
    "reply": Kind.REPLY,
}
_SENSOR_LEAVES: Final = {
    "imu": Kind.IMU,
    "ahead": Kind.AHEAD,
    "status": Kind.SENSOR_STATUS,
    "stored": Kind.STORED,
}
_WEARER_LEAVES: Final = {
    "posture": Kind.POSTURE,
    "episode": Kind.EPISODE,
    "nudge": Kind.NUDGE,
    "context": Kind.CONTEXT,
    "not-now": Kind.NOT_NOW,
}


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic taken apart. ``owner`` is the gateway or the wearer, ``sensor`` empty where none."""

    kind: Kind
    site: str
    owner: str = ""
    sensor: str = ""


@lru_cache(maxsize=MAX_KNOWN_TOPICS)  # a sensor's batches all come to the same few
def parse(topic: str) -> Topic:
    """The parts of a topic. DecodeError(BAD_TOPIC, BAD_ID) where it is none of ours."""
    if len(topic) > MAX_TOPIC_CHARS:
        raise DecodeError(Reason.TOO_LONG, f"a topic of {len(topic)} characters is too long.")
    match topic.split("/"):
        case ["plumbline", "v1", site, "gateway", gateway, "sensor", sensor, leaf] if (
            leaf in _SENSOR_LEAVES
        ):
            found = Topic(_SENSOR_LEAVES[leaf], site, gateway, check_id("sensor", sensor))
        case ["plumbline", "v1", site, "gateway", gateway, leaf] if leaf in _GATEWAY_LEAVES:
            found = Topic(_GATEWAY_LEAVES[leaf], site, gateway)
        case ["plumbline", "v1", site, "wearer", wearer, leaf] if leaf in _WEARER_LEAVES:
            found = Topic(_WEARER_LEAVES[leaf], site, wearer)
        case ["plumbline", "v1", site, "rejected"]:
            found = Topic(Kind.REJECTED, site)
        case _:
            raise DecodeError(Reason.BAD_TOPIC, f"{quoted(topic)} is not a Plumbline topic.")
    check_id("site", found.site)
    if found.kind is not Kind.REJECTED:
        check_id("gateway or wearer", found.owner)
    return found


def gateway_status(site: str, gateway: str) -> str:
    """A gateway's own state; retained, and the last will."""
    return f"{ROOT}/{site}/gateway/{gateway}/status"


def command(site: str, gateway: str) -> str:
    """Wishes to a gateway."""
    return f"{ROOT}/{site}/gateway/{gateway}/command"


def reply(site: str, gateway: str) -> str:
    """What became of a command."""
    return f"{ROOT}/{site}/gateway/{gateway}/reply"


def imu(site: str, gateway: str, sensor: str) -> str:
    """Batches of one sensor. ``+`` for an id gives a subscription."""
    return f"{ROOT}/{site}/gateway/{gateway}/sensor/{sensor}/imu"


def ahead(site: str, gateway: str, sensor: str) -> str:
    """What one sensor samples now, while earlier batches of it are on their way."""
    return f"{ROOT}/{site}/gateway/{gateway}/sensor/{sensor}/ahead"


def sensor_status(site: str, gateway: str, sensor: str) -> str:
    """How a sensor is, as its gateway sees it; retained."""
    return f"{ROOT}/{site}/gateway/{gateway}/sensor/{sensor}/status"


def stored(site: str, gateway: str, sensor: str) -> str:
    """Up to where a sensor's batches are in the store; retained."""
    return f"{ROOT}/{site}/gateway/{gateway}/sensor/{sensor}/stored"


def posture(site: str, wearer: str) -> str:
    """A wearer's latest second; retained."""
    return f"{ROOT}/{site}/wearer/{wearer}/posture"


def episode(site: str, wearer: str) -> str:
    """Sustained episodes of a wearer."""
    return f"{ROOT}/{site}/wearer/{wearer}/episode"


def nudge(site: str, wearer: str) -> str:
    """Decisions to remind a wearer."""
    return f"{ROOT}/{site}/wearer/{wearer}/nudge"


def context(site: str, wearer: str) -> str:
    """What a wearer says they do; retained."""
    return f"{ROOT}/{site}/wearer/{wearer}/context"


def not_now(site: str, wearer: str) -> str:
    """A wearer's wish for no nudges for some minutes."""
    return f"{ROOT}/{site}/wearer/{wearer}/not-now"


def rejected(site: str) -> str:
    """What was refused at a site, and why."""
    return f"{ROOT}/{site}/rejected"
