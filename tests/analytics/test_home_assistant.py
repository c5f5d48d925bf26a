"""Wearers and sensors appear in Home Assistant by themselves, and are gone when they are."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from analytics.erasing import retained_topics
from analytics.home_assistant import (
    MAX_DEVICES,
    MAX_PAYLOAD_BYTES,
    Discovery,
    discovery_filter,
    sensor_device,
    sensor_topic,
    wearer_device,
    wearer_topic,
)
from analytics.roster import Roster, WearerPlan
from contracts import topics
from contracts.messages import GatewayStatus, SensorStatus
from contracts.settings import PostureSettings
from contracts.vocabulary import Placement
from contracts.wishes import NotNowWish
from store import open_registry
from store.people_ports import Errand, ErrandKind
from store.ports import Assignment
from tests.analytics.gateways import SITE
from tests.analytics.hand_worker import SITE as HAND_SITE
from tests.analytics.hand_worker import HandWorker
from tests.analytics.services import WEARER, config_for, enrol, running
from tests.brokers import MosquittoBroker

PREFIX = "homeassistant"
WAIT_S = 60.0
NOW_NS = 1_800_000_000_000_000_000
GATEWAYS = {"sensor-T4": "gw-1", "sensor-L5": "gw-2"}
#: Of the MQTT integration's pages, by platform: what is required, and all that we say is documented.
DOCUMENTED = {
    "sensor": {"state_topic", "value_template", "device_class", "options", "state_class"}
    | {"unit_of_measurement"},
    "binary_sensor": {"state_topic", "value_template", "device_class"},
    "event": {"state_topic", "value_template", "event_types"},
    "button": {"command_topic", "payload_press"},
}
REQUIRED = {
    "sensor": {"state_topic"},
    "binary_sensor": {"state_topic"},
    "event": {"state_topic", "event_types"},
    "button": {"command_topic"},
}
ANY = {"platform", "name", "unique_id", "qos", "entity_category"}


def roster(*worn: tuple[str, Placement], wearer: str = "w1") -> Roster:
    assignments = tuple(Assignment(sensor, wearer, place, 0) for sensor, place in worn)
    places = tuple(place for _, place in worn)
    return Roster(
        1, {wearer: WearerPlan(wearer, "UTC", places, PostureSettings(), (), assignments)}
    )


BOTH = roster(("sensor-T4", Placement.T4), ("sensor-L5", Placement.L5))


@pytest.mark.parametrize(
    "device", [wearer_device("home", "w1", ["gw-1"]), sensor_device("home", "s1", "gw-1")]
)
def test_every_key_is_documented_and_none_that_is_required_is_missing(
    device: dict[str, Any],
) -> None:
    assert {"device", "origin", "components", "availability"} <= set(device)
    assert device["device"]["identifiers"]
    assert device["origin"]["name"]
    ids = [component["unique_id"] for component in device["components"].values()]
    assert len(set(ids)) == len(ids)
    for component in device["components"].values():
        platform = component["platform"]
        assert set(component) >= REQUIRED[platform] | {"unique_id"}
        assert set(component) <= DOCUMENTED[platform] | ANY


def test_the_fields_that_are_asked_for_are_in_the_messages() -> None:
    state = wearer_device("home", "w1", ["gw-1"])["components"]
    status = sensor_device("home", "s1", "gw-1")["components"]
    said = SensorStatus(state="live", at_ns=NOW_NS)
    assert set(status) - {"connected"} <= set(said.__struct_fields__)
    assert {"posture", "activity", "trunk_flexion_deg", "rounded_for_s"} <= set(state)
    pressed = state["not_now"]["payload_press"].encode()
    assert NotNowWish.decode(pressed, now_ns=NOW_NS) == NotNowWish(minutes=60)
    assert state["nudge"]["state_topic"] == topics.nudge("home", "w1")


def test_availability_is_the_gateways_last_will() -> None:
    device = wearer_device("home", "w1", ["gw-1", "gw-2"])
    assert [a["topic"] for a in device["availability"]] == [
        topics.gateway_status("home", gateway) for gateway in ("gw-1", "gw-2")
    ]
    assert device["availability_mode"] == "any"
    assert GatewayStatus(state="online").state == "online"  # the default payload_available


def test_what_is_kept_already_is_not_said_again() -> None:
    discovery = Discovery(PREFIX, "home")
    first = dict(discovery.changes(BOTH, GATEWAYS, NOW_NS))
    assert len(first) == 3
    assert list(discovery.changes(BOTH, GATEWAYS, NOW_NS)) == []
    discovery.greet()  # the broker was restarted
    assert dict(discovery.changes(BOTH, GATEWAYS, NOW_NS)) == first


def test_what_no_gateway_speaks_of_yet_stays_as_it_was_left() -> None:
    discovery = Discovery(PREFIX, "home")
    kept = sensor_topic(PREFIX, "home", "sensor-T4")
    discovery.heard(kept, b"{}")
    assert list(discovery.changes(BOTH, {}, NOW_NS)) == []
    assert kept in dict(discovery.changes(BOTH, GATEWAYS, NOW_NS))


def test_a_sensor_that_is_given_back_is_taken_away() -> None:
    discovery = Discovery(PREFIX, "home")
    list(discovery.changes(BOTH, GATEWAYS, NOW_NS))
    found = dict(discovery.changes(roster(("sensor-T4", Placement.T4)), GATEWAYS, NOW_NS))
    assert found[sensor_topic(PREFIX, "home", "sensor-L5")] == b""
    assert dict(discovery.changes(Roster(), GATEWAYS, NOW_NS)) == {
        sensor_topic(PREFIX, "home", "sensor-T4"): b"",
        wearer_topic(PREFIX, "home", "w1"): b"",
    }


def test_what_others_keep_at_the_broker_has_a_cap() -> None:
    discovery = Discovery(PREFIX, "home")
    for number in range(MAX_DEVICES + 10):
        discovery.heard(sensor_topic(PREFIX, "home", f"s{number}"), b"x" * 100_000)
    taken_away = list(discovery.changes(Roster(), {}, NOW_NS))
    assert len(taken_away) == MAX_DEVICES
    discovery.heard("t", b"x" * 100_000)
    assert max(map(len, discovery._kept.values())) <= MAX_PAYLOAD_BYTES + 1


def test_only_devices_of_this_site_are_ours() -> None:
    discovery = Discovery(PREFIX, "home")
    assert discovery.owns(wearer_topic(PREFIX, "home", "w1"))
    assert not discovery.owns(wearer_topic(PREFIX, "home-2", "w1"))
    assert not discovery.owns("homeassistant/device/kitchen/config")


class Looker:
    """What a broker keeps under a filter, as it changes; publishes as the gateway does."""

    def __init__(self, port: int) -> None:
        self.kept: dict[str, bytes] = {}
        self._changed = threading.Condition()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="looker")
        self._client.on_message = self._take
        self._client.connect("127.0.0.1", port)
        self._client.subscribe("homeassistant/#", 1)
        self._client.loop_start()

    def _take(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        with self._changed:
            if message.payload:
                self.kept[message.topic] = message.payload
            else:
                self.kept.pop(message.topic, None)
            self._changed.notify_all()

    def wait(self, wanted: set[str]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: set(self.kept) == wanted, WAIT_S), self.kept

    def say(self, topic: str, payload: bytes) -> None:
        self._client.publish(topic, payload, qos=1, retain=True).wait_for_publish(WAIT_S)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        self._client._reset_sockets()


@contextmanager
def looking(port: int) -> Iterator[Looker]:
    looker = Looker(port)
    try:
        yield looker
    finally:
        looker.close()


def test_with_a_real_broker_devices_come_and_go(
    tmp_path: Path, mosquitto_broker: MosquittoBroker
) -> None:
    enrol(tmp_path, 0, None)
    registry = open_registry(f"sqlite:{tmp_path}/registry.sqlite")
    config = config_for(mosquitto_broker.port, home_assistant=PREFIX, registry_poll_s=0.1)
    others = "homeassistant/device/kitchen/config"
    gone = wearer_topic(PREFIX, SITE, "who-left-while-nobody-ran")
    wearer = wearer_topic(PREFIX, SITE, WEARER)
    upper, lower = (sensor_topic(PREFIX, SITE, f"sensor-{at}") for at in ("T4", "L5"))
    with looking(mosquitto_broker.port) as looker:
        looker.say(others, b"{}")
        looker.say(gone, b"{}")
        now_ns = time.time_ns()
        for sensor in ("sensor-T4", "sensor-L5"):
            status = SensorStatus(state="live", at_ns=now_ns, battery_percent=80)
            looker.say(topics.sensor_status(SITE, "gw", sensor), status.encode())
        with running(tmp_path, config):
            looker.wait({others, wearer, upper, lower})
            said = msgspec.json.decode(looker.kept[upper])
            battery = said["components"]["battery_percent"]
            assert battery["state_topic"] == topics.sensor_status(SITE, "gw", "sensor-T4")
            assert "Somebody" not in str(looker.kept)  # the name in the registry
            registry.unassign(WEARER, "sensor-L5", time.time_ns())
            looker.wait({others, wearer, upper})
            errand = Errand("0123456789abcdef", ErrandKind.ERASE, WEARER, "w", time.time_ns())
            registry.people.ask(errand)
            looker.wait({others})
    registry.close()


def test_told_nothing_where_it_is_not_asked_for(
    tmp_path: Path, mosquitto_broker: MosquittoBroker
) -> None:
    enrol(tmp_path, 0, None)
    config = config_for(mosquitto_broker.port, registry_poll_s=0.1)
    status = SensorStatus(state="live", at_ns=time.time_ns())
    with looking(mosquitto_broker.port) as looker, running(tmp_path, config) as reports:
        looker.say(topics.sensor_status(SITE, "gw", "sensor-T4"), status.encode())
        heard = len(reports)
        ends_s = time.monotonic() + WAIT_S
        while len(reports) < heard + 3:
            assert time.monotonic() < ends_s
            threading.Event().wait(0.02)
        assert looker.kept == {}


def test_a_status_of_a_sensor_that_nobody_wears_is_not_remembered(tmp_path: Path) -> None:
    hand = HandWorker(tmp_path)
    hand.wear("w", T4="s1")
    hand.start()
    status = SensorStatus(state="live", at_ns=hand.clock_ns).encode()
    for sensor in ("s1", "stranger"):
        hand.take(topics.sensor_status(HAND_SITE, "gw", sensor), status)
    assert hand.worker._gateways == {"s1": "gw"}
    hand.close()


def test_an_erasure_clears_the_device_too() -> None:
    assert wearer_topic(PREFIX, SITE, "w") in retained_topics(SITE, "w", PREFIX)
    assert not any(topic.startswith(PREFIX) for topic in retained_topics(SITE, "w"))
    assert discovery_filter(PREFIX, SITE).count("+") == 1
