"""The way to and from the broker: paho's network thread in, an inbox out. Reconnects for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.reasoncodes import ReasonCode

from analytics.inbox import Arrival, Inbox
from analytics.quick_client import Plain, QuickClient
from contracts.broker import BrokerAddress
from contracts.contested import PAUSE_S, Contest
from contracts.errors import BrokerError, Reason
from contracts.messages import MAX_IMU_BYTES

#: A broker notices within 1.5 times this that analytics is gone.
KEEPALIVE_S: Final = 30
#: From a broker's restart to a power cut of the house: quick first, then seldom.
RECONNECT_S: Final = (1, 30)
#: The network thread may wait this long for room for what has come, before it refuses what is left of
#: it; well under the keepalive.
ROOM_WAIT_S: Final = 2.0
#: What is said at the end is on its way within milliseconds, where the broker takes anything at all.
LAST_WORDS_S: Final = 2.0
_POLL_S: Final = 0.05
_REFUSED: Final = frozenset(
    {"Not authorized", "Bad user name or password", "Client identifier not valid", "Banned"}
)

log = structlog.get_logger(__name__)


class BrokerLink:
    """A connection that subscribes to ``topics`` whenever it comes up.

    ``connections`` counts how often it did, so that a worker notices that one was lost between.
    """

    def __init__(
        self, address: BrokerAddress, *, client_id: str, topics: Sequence[str], inbox: Inbox
    ) -> None:
        self.connections = 0
        self.why_not = ""
        self._last: mqtt.MQTTMessageInfo | None = None
        self._clearing: dict[tuple[str, ...], list[mqtt.MQTTMessageInfo]] = {}
        self._address = address
        self._topics = [(topic, 1) for topic in topics]
        self._inbox = inbox
        self._closing = False
        self._contest = Contest(client_id)
        self._gives_way = False
        self._client = QuickClient(client_id, self._take)
        self._client.on_connect = self._on_connect
        self._client.on_connect_fail = self._on_connect_fail
        self._client.on_disconnect = self._on_disconnect
        self._client.reconnect_delay_set(*RECONNECT_S)
        if address.username is not None:
            self._client.username_pw_set(address.username, address.password)
        if address.tls_ca is not None:
            self._set_tls(address)

    def open(self, wait_s: float, stop: threading.Event) -> None:
        """Connect and subscribe. BrokerError where the broker refuses, or is not there in time."""
        self._client.connect_async(self._address.host, self._address.port, KEEPALIVE_S)
        self._client.loop_start()
        ends_s = time.monotonic() + wait_s
        while not self.connections and not stop.is_set():
            if self.why_not in _REFUSED:
                self.close()
                raise self._refused()
            if time.monotonic() >= ends_s:
                self.close()
                raise self._unreachable()
            stop.wait(_POLL_S)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, qos: int = 1) -> None:
        """Publish, or drop it while there is no connection: what matters is said anew then."""
        if self._client.is_connected():
            self._last = self._client.publish(topic, payload, qos=qos, retain=retain)

    def clear(self, topics: Sequence[str]) -> bool:
        """Clear retained messages; whether the broker has taken that. Called again until it has."""
        sent = self._clearing.get(tuple(topics))
        if sent is None:
            if self._client.is_connected():
                self._clearing[tuple(topics)] = [
                    self._client.publish(topic, b"", qos=1, retain=True) for topic in topics
                ]
            return False
        try:
            taken = all(message.is_published() for message in sent)
        except (RuntimeError, ValueError):  # the connection was lost as they were sent
            taken, sent = False, None
        if taken or sent is None:
            del self._clearing[tuple(topics)]
        return taken

    @property
    def connected(self) -> bool:
        """Whether there is a connection now."""
        return self._client.is_connected()

    def close(self) -> None:
        """Leave the broker, when it has taken what was said last."""
        self._closing = True
        if self._last is not None and self._client.is_connected():
            with suppress(RuntimeError, ValueError):  # the connection was lost meanwhile
                self._last.wait_for_publish(LAST_WORDS_S)
        self._client.disconnect()
        self._client.loop_stop()
        # paho closes the pair of sockets that wakes its thread only when it is collected.
        self._client._reset_sockets()  # noqa: SLF001

    def _set_tls(self, address: BrokerAddress) -> None:
        try:
            self._client.tls_set(ca_certs=str(address.tls_ca))
        except OSError as error:
            raise BrokerError(
                Reason.BAD_SETTING,
                f"The certificate {address.tls_ca} of the MQTT broker cannot be read: {error}.",
                hint="Give the file of the authority that signed the broker's certificate.",
            ) from None

    def _on_connect(
        self, client: mqtt.Client, _data: Any, _flags: Any, code: ReasonCode, _properties: Any
    ) -> None:
        if code.is_failure:
            self._note(str(code))
            return
        self.why_not = ""
        self._contest.up(time.monotonic())
        client.subscribe(self._topics)
        self.connections += 1
        self._inbox.wake()

    def _on_connect_fail(self, _client: mqtt.Client, _data: Any) -> None:
        self._note("no answer")

    def _on_disconnect(
        self, _client: mqtt.Client, _data: Any, _flags: Any, code: ReasonCode, _properties: Any
    ) -> None:
        if self._closing or self.why_not in _REFUSED:
            return
        self._contest.down(time.monotonic())
        contested = self._contest.said
        if bool(contested) != self._gives_way:
            self._gives_way = bool(contested)
            first_s = round(PAUSE_S) if contested else RECONNECT_S[0]
            self._client.reconnect_delay_set(first_s, RECONNECT_S[1])
        self._note(contested or str(code))

    def _note(self, why: str) -> None:
        # The first failure is news, its repetition is not.
        tell = log.debug if why == self.why_not or not self.connections else log.warning
        self.why_not = why
        tell("no connection to the MQTT broker; trying on", host=self._address.host, reason=why)

    def _take(self, messages: Sequence[Plain]) -> None:
        self._inbox.put_all(map(_arrival, messages), ROOM_WAIT_S)

    def _refused(self) -> BrokerError:
        return BrokerError(
            Reason.BROKER_REFUSED,
            f"The MQTT broker at {self._where()} refuses: {self.why_not.lower()}.",
            hint="Check the broker's user name and password in the settings.",
        )

    def _unreachable(self) -> BrokerError:
        return BrokerError(
            Reason.BROKER_UNREACHABLE,
            f"No MQTT broker answers at {self._where()}.",
            hint="Start the broker, or correct its host and port in the settings.",
        )

    def _where(self) -> str:
        return f"{self._address.host}:{self._address.port}"


def _arrival(message: Plain) -> Arrival:
    size = len(message.payload)
    try:
        topic = message.topic.decode()
    except UnicodeDecodeError:
        topic = ""
    return Arrival(topic, message.payload if size <= MAX_IMU_BYTES else b"", size)
