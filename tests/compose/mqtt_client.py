"""An MQTT 5 client for the tests: it says with which reason the broker refused."""

from __future__ import annotations

import queue
import ssl
import threading
from typing import Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.compose.conftest import Site

PATIENCE_S = 20.0


class Client:
    """One connection. ``refused`` is why the broker let it not in, empty where it did."""

    def __init__(
        self,
        site: Site,
        user: str,
        password: str | None = None,
        *,
        client_id: str = "",
        will: str = "",
        tls: bool = True,
    ) -> None:
        self.messages: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self.refused = ""
        self.lost = threading.Event()
        self._connected: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._published: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._subscribed = threading.Event()
        self._site = site
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTProtocolVersion.MQTTv5
        )
        if user:
            client.username_pw_set(user, site.password(user) if password is None else password)
        if tls:
            client.tls_set_context(ssl.create_default_context(cafile=str(site.ca)))
        if will:
            client.will_set(will, b"gone", qos=1)
        client.on_connect = self._on_connect
        client.on_message = lambda _c, _d, m: self.messages.put((m.topic, m.payload))
        client.on_publish = lambda _c, _d, _m, code, _p: self._published.put(str(code))
        client.on_subscribe = lambda *_: self._subscribed.set()
        client.on_disconnect = lambda *_: self.lost.set()
        self._client = client

    def __enter__(self) -> Self:
        self._client.connect("127.0.0.1", self._site.port, clean_start=True)
        self._client.loop_start()
        self.refused = self._connected.get(timeout=PATIENCE_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        self._client._reset_sockets()

    def publish(self, topic: str, payload: bytes = b"x", *, retain: bool = False) -> str:
        """Publish with QoS 1; returned is the broker's answer."""
        self._client.publish(topic, payload, qos=1, retain=retain)
        return self._published.get(timeout=PATIENCE_S)

    def subscribe(self, *topics: str) -> None:
        self._client.subscribe([(topic, mqtt.SubscribeOptions(qos=1)) for topic in topics])
        assert self._subscribed.wait(PATIENCE_S)
        self._subscribed.clear()

    def heard(self) -> tuple[str, bytes]:
        """The next message."""
        return self.messages.get(timeout=PATIENCE_S)

    def die(self) -> None:
        """End without a word, so that the broker says the will."""
        sock: Any = self._client.socket()
        assert sock is not None
        self._client._sock = None
        self._client.loop_stop()
        sock.close()

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, code: Any, _props: Any) -> None:
        self._connected.put(str(code) if code.is_failure else "")
