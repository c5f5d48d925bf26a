"""The embedded MQTT broker: amqtt on loopback, with a password and limits of our own.

For the demo, one home and tests. It keeps nothing on disk: what must not be lost is in the gateway's
outbox and in the store. amqtt itself has no limit on a packet and queues without end for a client
that does not read; here a packet is capped, and who sends too fast has to wait.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import structlog
from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker
from amqtt.errors import BrokerError as AmqttError
from amqtt.plugins.base import BaseAuthPlugin
from amqtt.session import Session

from contracts.errors import BrokerError, Reason
from contracts.messages import MAX_IMU_BYTES
from contracts.topics import MAX_TOPIC_CHARS
from plumbline.ports import check_port_free, port_in_use

_log = structlog.get_logger(__name__)

MAX_CONNECTIONS: Final = 256
#: Nothing of ours is longer than a full batch with its topic.
MAX_PACKET_BYTES: Final = MAX_IMU_BYTES + MAX_TOPIC_CHARS + 64
#: Deliveries under way before senders wait: some 25 MB of the longest batches.
MAX_DELIVERIES: Final = 128
#: An acknowledgement is shorter than this and never waits: it is what ends the waiting.
SMALL_READ_BYTES: Final = 256
_CONGESTION_POLL_S: Final = 0.005
_REPORT_S: Final = 0.5


@dataclass(frozen=True)
class BrokerConfig:
    """Where the broker listens and whom it lets in. ``password`` None: anyone on this machine."""

    host: str
    port: int
    username: str = ""
    password: str | None = None


class PasswordAuth(BaseAuthPlugin):  # type: ignore[misc]
    """Lets in who knows the one user name and password."""

    @dataclass
    class Config:
        """Filled in by amqtt from the plugin's section."""

        username: str = ""
        password: str = ""

    async def authenticate(self, *, session: Session) -> bool:
        """Whether the session's user name and password are the right ones, in constant time."""
        given = f"{session.username or ''}\0{session.password or ''}".encode()
        wanted = f"{self.config.username}\0{self.config.password}".encode()
        return hmac.compare_digest(given, wanted)


class _PatientReader(StreamReaderAdapter):  # type: ignore[misc]
    """Refuses a part of a packet that is too long, and lets a long one wait while others are slow."""

    def __init__(self, reader: asyncio.StreamReader, congested: Callable[[], bool]) -> None:
        super().__init__(reader)
        self._congested = congested

    async def read(self, n: int = -1) -> bytes:
        if n > MAX_PACKET_BYTES:
            raise OSError(f"a packet of {n} bytes is too long")
        if n > SMALL_READ_BYTES:
            while self._congested():  # noqa: ASYNC110 - amqtt tells nobody when it ends
                await asyncio.sleep(_CONGESTION_POLL_S)
        data: bytes = await super().read(n)
        return data


class LimitedBroker(Broker):  # type: ignore[misc]
    """amqtt's broker behind readers that keep its memory bounded."""

    def deliveries(self) -> int:
        """Messages on their way to subscribers."""
        queued: int = self._broadcast_queue.qsize()
        return queued + sum(not task.done() for task in self._tasks_queue)

    async def stream_connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str
    ) -> None:
        """Called by asyncio for each new connection."""
        patient = _PatientReader(reader, lambda: self.deliveries() > MAX_DELIVERIES)
        await self._client_connected(listener_name, patient, StreamWriterAdapter(writer))

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        """Tell a session what is retained, but only for what it subscribed to itself.

        amqtt tells every new connection what is retained under anybody's subscriptions, and fails
        when one of those is added meanwhile.
        """
        held = self._subscriptions.get(subscription[0], ())
        if any(subscriber is session for subscriber, _ in held):
            await super()._publish_retained_messages_for_subscription(subscription, session)


async def run_broker(
    config: BrokerConfig, *, report: Callable[[dict[str, Any]], None], stop: asyncio.Event
) -> None:
    """Serve until ``stop``. BrokerError where it cannot start, PORT_IN_USE where the port is taken."""
    check_port_free(config.host, config.port, "--broker-port")
    broker = LimitedBroker(_amqtt_config(config))
    try:
        await broker.start()
    except AmqttError as error:
        if "in use" in str(error):  # taken since we looked
            raise port_in_use(config.host, config.port, "--broker-port") from None
        raise BrokerError(
            Reason.BROKER_UNREACHABLE, f"The embedded broker cannot start: {error}."
        ) from None
    _log.info("broker listens", host=config.host, port=config.port)
    try:
        while not stop.is_set():
            report(
                {
                    "listen": f"{config.host}:{config.port}",
                    "clients": len(broker.sessions),
                    "deliveries": broker.deliveries(),
                }
            )
            await _wait(stop, _REPORT_S)
    finally:
        await broker.shutdown()


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


def _amqtt_config(config: BrokerConfig) -> dict[str, Any]:
    auth: dict[str, dict[str, object]]
    if config.password is None:
        auth = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
    else:
        auth = {
            "plumbline.broker.PasswordAuth": {
                "username": config.username,
                "password": config.password,
            }
        }
    return {
        "listeners": {
            "default": {
                "type": "tcp",
                "bind": f"{config.host}:{config.port}",
                "max_connections": MAX_CONNECTIONS,
            }
        },
        "plugins": auth,
    }
