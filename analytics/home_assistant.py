"""What Home Assistant is told so that wearers and sensors appear there by themselves. Pure.

Device discovery of Home Assistant's MQTT integration (2024.11 and later): one retained message a device,
on ``{prefix}/device/plumbline-{site}/{device}/config``, with ``device``, ``origin``, ``availability`` and
``components``; an empty one takes the device away again. Ids are Plumbline's pseudonyms, and no name nor
placement is said: a broker may have other readers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from analytics.roster import Roster, WearerPlan
from contracts import topics
from contracts.vocabulary import ACTIVITIES, POSTURES, NudgeKind

#: Devices of other sites and programs are not ours to take away.
_NODE: Final = "plumbline-{site}"
#: A session's states in which the sensor is linked to its gateway.
_LINKED: Final = ("preparing", "syncing", "live", "ended", "holding")
#: Remembered devices; a site has two for each of 500 people at most.
MAX_DEVICES: Final = 2048
#: A longer description is none of ours, and is not kept in memory.
MAX_PAYLOAD_BYTES: Final = 16_384
NOT_NOW_MIN: Final = 60
_ORIGIN: Final = {"name": "Plumbline"}


def discovery_filter(prefix: str, site: str) -> str:
    """The subscription that brings what the broker keeps of this site's devices, and nothing else."""
    return f"{prefix}/device/{_NODE.format(site=site)}/+/config"


def wearer_topic(prefix: str, site: str, wearer: str) -> str:
    """Where a wearer's device is described."""
    return f"{prefix}/device/{_NODE.format(site=site)}/wearer-{wearer}/config"


def sensor_topic(prefix: str, site: str, sensor: str) -> str:
    """Where a sensor's device is described."""
    return f"{prefix}/device/{_NODE.format(site=site)}/sensor-{sensor}/config"


class Discovery:
    """The devices that should be there, and those that the broker is known to keep.

    :meth:`changes` are the messages that make the one the other: (topic, payload), empty to remove.
    """

    def __init__(self, prefix: str, site: str) -> None:
        self._prefix = prefix
        self._site = site
        self._kept: dict[str, bytes] = {}

    def owns(self, topic: str) -> bool:
        """Whether a topic describes a device of this site."""
        start, end = discovery_filter(self._prefix, self._site).split("+")
        return topic.startswith(start) and topic.endswith(end)

    def heard(self, topic: str, payload: bytes) -> None:
        """What the broker keeps, as it says when it is asked; also what was just published."""
        if not payload:
            self._kept.pop(topic, None)
        elif topic in self._kept or len(self._kept) < MAX_DEVICES:
            self._kept[topic] = payload[: MAX_PAYLOAD_BYTES + 1]

    def greet(self) -> None:
        """A connection came up: the broker may have lost what it kept, and says what it has."""
        self._kept.clear()

    def changes(
        self, roster: Roster, gateways: Mapping[str, str], now_ns: int
    ) -> Iterator[tuple[str, bytes]]:
        """What is to be published now. ``gateways``: the one each sensor was last heard through.

        A device of which no gateway has said anything yet stays as it was left.
        """
        may_stay: set[str] = set()
        for wearer, plan in roster.wearers.items():
            worn = worn_sensors(plan, now_ns)
            may_stay |= {self._sensor(sensor) for sensor in worn}
            may_stay |= {self._wearer(wearer)} if worn else set()
            for topic, device in self._described(wearer, worn, gateways):
                payload = msgspec.json.encode(device, order="deterministic")
                if self._kept.get(topic) != payload:
                    self._kept[topic] = payload
                    yield topic, payload
        for topic in self._kept.keys() - may_stay:
            del self._kept[topic]
            yield topic, b""

    def _described(
        self, wearer: str, worn: Iterable[str], gateways: Mapping[str, str]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        heard = {sensor: gateways[sensor] for sensor in worn if sensor in gateways}
        if heard:
            through = sorted(set(heard.values()))
            yield self._wearer(wearer), wearer_device(self._site, wearer, through)
        for sensor, gateway in heard.items():
            yield self._sensor(sensor), sensor_device(self._site, sensor, gateway)

    def _wearer(self, wearer: str) -> str:
        return wearer_topic(self._prefix, self._site, wearer)

    def _sensor(self, sensor: str) -> str:
        return sensor_topic(self._prefix, self._site, sensor)


def worn_sensors(plan: WearerPlan, now_ns: int) -> list[str]:
    """The sensors that a wearer has now."""
    found = (plan.sensor_at(placement, now_ns) for placement in plan.worn(now_ns))
    return sorted(sensor for sensor in found if sensor is not None)


def wearer_device(site: str, wearer: str, gateways: Iterable[str]) -> dict[str, Any]:
    """A wearer as a device: posture, activity, flexion, nudges, and a button for none just now."""
    device = f"plumbline-{site}-wearer-{wearer}"
    state = topics.posture(site, wearer)
    return {
        "device": _device(device, f"Plumbline {wearer}", "Posture of a wearer"),
        "origin": _ORIGIN,
        "availability": [_available(site, gateway) for gateway in gateways],
        "availability_mode": "any",
        "components": {
            "posture": _sensor(device, "Posture", state, "posture")
            | {"device_class": "enum", "options": [p.value for p in POSTURES]},
            "activity": _sensor(device, "Activity", state, "activity")
            | {"device_class": "enum", "options": [a.value for a in ACTIVITIES]},
            "trunk_flexion_deg": _sensor(device, "Trunk flexion", state, "trunk_flexion_deg")
            | {"unit_of_measurement": "°", "state_class": "measurement"},
            "rounded_for_s": _sensor(device, "Rounded for", state, "rounded_for_s")
            | {"device_class": "duration", "unit_of_measurement": "s"},
            "nudge": {
                "platform": "event",
                "name": "Nudge",
                "unique_id": f"{device}-nudge",
                "state_topic": topics.nudge(site, wearer),
                "event_types": [kind.value for kind in NudgeKind],
                "value_template": (
                    "{{ {'event_type': value_json.kind, 'reason': value_json.reason,"
                    " 'held_for_s': value_json.rounded_for_s} | tojson }}"
                ),
            },
            "not_now": {
                "platform": "button",
                "name": "Not now",
                "unique_id": f"{device}-not_now",
                "command_topic": topics.not_now(site, wearer),
                "payload_press": f'{{"v":1,"minutes":{NOT_NOW_MIN}}}',
                "qos": 1,
            },
        },
    }


def sensor_device(site: str, sensor: str, gateway: str) -> dict[str, Any]:
    """A sensor as a device: whether it is linked, its battery and its signal."""
    device = f"plumbline-{site}-sensor-{sensor}"
    state = topics.sensor_status(site, gateway, sensor)
    linked = " or ".join(f"value_json.state == '{name}'" for name in _LINKED)
    return {
        "device": _device(device, f"Plumbline {sensor}", "Sensor") | {"serial_number": sensor},
        "origin": _ORIGIN,
        "availability": [_available(site, gateway)],
        "components": {
            "connected": {
                "platform": "binary_sensor",
                "name": "Connected",
                "unique_id": f"{device}-connected",
                "state_topic": state,
                "device_class": "connectivity",
                "value_template": f"{{{{ 'ON' if {linked} else 'OFF' }}}}",
                "entity_category": "diagnostic",
            },
            "battery_percent": _sensor(device, "Battery", state, "battery_percent")
            | {
                "device_class": "battery",
                "unit_of_measurement": "%",
                "state_class": "measurement",
                "entity_category": "diagnostic",
            },
            "rssi_dbm": _sensor(device, "Signal", state, "rssi_dbm")
            | {
                "device_class": "signal_strength",
                "unit_of_measurement": "dBm",
                "state_class": "measurement",
                "entity_category": "diagnostic",
            },
        },
    }


def _device(identifier: str, name: str, model: str) -> dict[str, Any]:
    return {
        "identifiers": [identifier],
        "name": name,
        "manufacturer": "Plumbline",
        "model": model,
    }


def _available(site: str, gateway: str) -> dict[str, str]:
    """The gateway's own status, which its last will sets to offline; both words are the defaults."""
    return {
        "topic": topics.gateway_status(site, gateway),
        "value_template": "{{ value_json.state }}",
    }


def _sensor(device: str, name: str, topic: str, field: str) -> dict[str, Any]:
    return {
        "platform": "sensor",
        "name": name,
        "unique_id": f"{device}-{field}",
        "state_topic": topic,
        "value_template": f"{{{{ value_json.{field} }}}}",
    }
