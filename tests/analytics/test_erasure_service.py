"""An erasure with the real service and broker, killed as it goes: nothing comes back, not even retained."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from contracts import topics
from contracts.messages import Context
from contracts.vocabulary import Activity, ActivitySource
from store import open_registry, open_series
from store.people_ports import Errand, ErrandKind
from tests.analytics.gateways import SITE, OutboxGateway
from tests.analytics.services import WEARER, ServiceProcess
from tests.analytics.sessions import Session
from tests.brokers import MosquittoBroker

RECEIPT = "0123456789abcdef"
WAIT_S = 60.0


def wait(done: Callable[[], object]) -> None:
    ends_s = time.monotonic() + WAIT_S
    while not done():
        assert time.monotonic() < ends_s
        threading.Event().wait(0.002)


def retained(port: int) -> dict[str, bytes]:
    """What the broker keeps about wearers."""
    found: dict[str, bytes] = {}
    complete = threading.Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="looker")

    def take(_client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        if message.topic == "end":
            complete.set()
        elif message.retain:
            found[message.topic] = message.payload

    client.on_message = take
    client.connect("127.0.0.1", port)
    client.subscribe([("plumbline/v1/+/wearer/#", 1), ("end", 1)])
    client.loop_start()
    client.publish("end", b"", qos=1)  # what is retained comes first
    assert complete.wait(WAIT_S)
    client.disconnect()
    client.loop_stop()
    client._reset_sockets()
    return found


def test_killed_as_it_goes_nothing_is_left_or_comes_back(
    data_dir: Path, tmp_path: Path, mosquitto_broker: MosquittoBroker
) -> None:
    session = Session(tmp_path, data_dir / "recordings" / "sitting-04", batch_s=1.0)
    port = mosquitto_broker.port
    gateway = OutboxGateway(port, session.outboxes)
    service = ServiceProcess(tmp_path, port)
    half = {sensor: box[-1].seq // 2 for sensor, box in session.outboxes.items()}
    mark = Context(
        activity=Activity.TYPING, source=ActivitySource.CLIENT, start_ns=session.start_ns
    )
    gateway.raw(topics.context(SITE, WEARER), mark.encode(), retain=True)
    for sensor, box in session.outboxes.items():
        gateway.publish(sensor, box[: half[sensor] + 40])
    gateway.wait_stored(half)
    wait(lambda: len(retained(port)) == 2)  # the context, and the posture of the last frame
    registry = open_registry(f"sqlite:{tmp_path}/registry.sqlite")
    series = open_series(f"sqlite:{tmp_path}/series.sqlite", read_only=True)
    people = registry.people
    frames = series.count_rows(WEARER)["frames"]
    assert frames
    people.ask(Errand(RECEIPT, ErrandKind.ERASE, WEARER, "a", time.time_ns()))
    for step in (
        lambda: people.receipt(RECEIPT) or not series.count_rows(WEARER)["frames"],
        lambda: people.receipt(RECEIPT) or registry.released(),
    ):
        wait(step)
        service.kill()
        service = ServiceProcess(tmp_path, port)
    wait(lambda: people.receipt(RECEIPT))
    gateway.wait_stored()  # the rest of the outboxes is taken, and let go
    assert service.stop() == 0
    gateway.close()
    assert set(series.count_rows(WEARER).values()) == {0}
    assert registry.wearers() == []
    assert retained(port) == {}
    assert json.loads(people.receipt(RECEIPT).body)["series"]["frames"] >= frames
    series.close()
    registry.close()
