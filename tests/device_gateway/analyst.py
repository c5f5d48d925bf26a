"""Stands where analytics stands: takes batches in order, acknowledges them, asks for what is missing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import paho.mqtt.client as mqtt

from contracts import topics
from contracts.messages import GatewayReply, GatewayStatus, ImuMessage, SensorStatus, Stored
from contracts.topics import Kind

SITE, GATEWAY = "site", "gateway"
WAIT_S = 60.0


class Analyst:
    """Keeps every batch that it acknowledged. ``acknowledging`` False: takes and says nothing."""

    def __init__(self) -> None:
        self.acknowledging = True
        self.batches: dict[str, list[ImuMessage]] = {}
        self.seen = 0
        self.duplicates = 0
        self.holes = 0
        self.gateway: list[GatewayStatus] = []
        self.statuses: dict[str, SensorStatus] = {}
        self.replies: list[GatewayReply] = []
        self._changed = threading.Condition()
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        self.client.on_message = self._on_message
        self.client.on_connect = lambda client, *_: client.subscribe("plumbline/#", 1)
        self.client.reconnect_delay_set(1, 1)

    def wait(self, condition: Callable[[], bool]) -> None:
        """Until ``condition`` of this holds."""
        with self._changed:
            assert self._changed.wait_for(condition, WAIT_S), "waited in vain"

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        self.client.publish(topic, payload, qos=1, retain=retain)

    def received(self, sensor: str) -> int:
        return sum(batch.count for batch in self.batches.get(sensor, []))

    def values(self, sensor: str) -> list[int]:
        return [v for batch in self.batches[sensor] for v in batch.raw()[:, 0].tolist()]

    def last(self, sensor: str) -> int:
        return self.batches[sensor][-1].seq if self.batches.get(sensor) else 0

    def _on_message(self, _: mqtt.Client, __: object, message: mqtt.MQTTMessage) -> None:
        topic = topics.parse(message.topic)
        now_ns = time.time_ns()
        with self._changed:
            if topic.kind is Kind.IMU:
                self._take(topic.sensor, ImuMessage.decode(message.payload, now_ns=now_ns))
            elif topic.kind is Kind.GATEWAY_STATUS:
                self.gateway.append(GatewayStatus.decode(message.payload, now_ns=now_ns))
            elif topic.kind is Kind.SENSOR_STATUS:
                status = SensorStatus.decode(message.payload, now_ns=now_ns)
                self.statuses[topic.sensor] = status
            elif topic.kind is Kind.REPLY:
                self.replies.append(GatewayReply.decode(message.payload, now_ns=now_ns))
            self._changed.notify_all()

    def _take(self, sensor: str, batch: ImuMessage) -> None:
        self.seen += 1
        if not self.acknowledging:
            return
        expected = self.last(sensor) + 1
        if batch.seq < expected:
            self.duplicates += 1
        elif batch.seq > expected:
            self.holes += 1
        else:
            self.batches.setdefault(sensor, []).append(batch)
        stored = Stored(
            outbox=batch.outbox, seq=self.last(sensor), resend=batch.seq > expected
        ).encode()
        self.publish(topics.stored(SITE, GATEWAY, sensor), stored, retain=True)


@contextmanager
def analyst(port: int) -> Iterator[Analyst]:
    """An analyst at the broker on ``port``."""
    made = Analyst()
    made.client.connect("127.0.0.1", port)
    made.client.loop_start()
    try:
        yield made
    finally:
        made.client.disconnect()
        made.client.loop_stop()
