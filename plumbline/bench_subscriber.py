"""A bare MQTT subscriber: it counts, and does nothing else. What a live consumer is held against.

``python -m plumbline.bench_subscriber PORT TOPIC COUNT --stats FILE`` says in FILE when it has
subscribed, and when it has had COUNT messages.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from plumbline.lifeline import hold_to_parent
from plumbline.ports import LOOPBACK
from plumbline.stats import StatsFile

QOS: Final = 1
KEEPALIVE_S: Final = 30


class Subscriber:
    """Counts what comes to ``topic`` until it is ``wanted`` messages."""

    def __init__(self, port: int, topic: str, wanted: int, say: StatsFile) -> None:
        self._topic = topic
        self._wanted = wanted
        self._say = say
        self._count = 0
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, clean_session=True)
        self._client.on_connect = lambda client, *_: client.subscribe(self._topic, QOS)
        self._client.on_subscribe = lambda *_: say({"messages": 0})
        self._client.on_message = self._on_message
        self._client.connect(LOOPBACK, port, KEEPALIVE_S)

    def run(self) -> None:
        """Until the process is ended."""
        self._client.loop_start()
        threading.Event().wait()

    def _on_message(self, _client: mqtt.Client, _data: Any, _message: mqtt.MQTTMessage) -> None:
        self._count += 1
        if self._count == self._wanted:
            self._say({"messages": self._count})


if __name__ == "__main__":
    hold_to_parent()
    given_port, given_topic, given_count, _, given_file = sys.argv[1:]
    stats = StatsFile(Path(given_file))
    Subscriber(int(given_port), given_topic, int(given_count), stats).run()
