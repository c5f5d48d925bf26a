"""MQTT: batches out, acknowledgements and commands in. The broker may come and go.

Only the outbox remembers; what the client library still holds when a connection breaks is dropped and
sent again from the outbox. Batches go out with QoS 1, and are done when analytics says so. What sensors
send ahead of their logs goes out beside that with QoS 0, while there is a connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import aiomqtt
import structlog
from aiomqtt.exceptions import MqttConnectError

from contracts import topics
from contracts.contested import PAUSE_S, Contest
from contracts.errors import BrokerError, DecodeError, DiskError, Reason
from contracts.messages import (
    GatewayCommand,
    GatewayReply,
    GatewayStatus,
    SensorStatus,
    Stored,
)
from contracts.topics import Kind
from device_gateway.batches import Batch, SensorState
from device_gateway.config import GatewayConfig
from device_gateway.outbox import Outbox
from device_gateway.told import told
from device_gateway.window import Window

log = structlog.get_logger(__name__)

#: A restarted broker is back within seconds; a minute's wait at most when it stays away.
RECONNECT_FIRST_S: Final = 0.5
RECONNECT_MOST_S: Final = 30.0
#: A broker that does not answer in this time is taken for gone.
BROKER_TIMEOUT_S: Final = 10.0
KEEPALIVE_S: Final = 15
#: PUBLISHes under way: enough to hide the round trip, 4 MB of memory at the most.
MAX_UNDER_WAY: Final = 32
#: Read from the outbox for one sensor before the next has its turn.
TURN_BYTES: Final = 256 * 2**10
TURN_BATCHES: Final = 256
#: Batches ahead of logs that did not go out yet: some seconds of ten sensors. The oldest are dropped.
MAX_AHEAD: Final = 256
#: Messages that came in and were not looked at. One a sensor and commit is usual.
MAX_INCOMING: Final = 1000
#: Commands that sensors were not done with yet.
MAX_COMMANDS: Final = 16
STATUS_INTERVAL_S: Final = 1.0
#: Counts that grow while all is well are told with every so many looks.
COUNTS_EVERY: Final = 5
#: How often silence is looked for.
SILENCE_CHECK_S: Final = 0.5
#: Return codes of CONNECT that waiting does not mend: bad credentials, not authorised, bad client id.
_REFUSALS: Final = frozenset({133, 134, 135, 138})


class Publisher:
    """The gateway's side of the broker. ``stored`` is told what analytics has stored, by sensor."""

    def __init__(
        self,
        config: GatewayConfig,
        outbox: Outbox,
        *,
        clock_ns: Callable[[], int],
        stored: Callable[[str, int], None],
        command: Callable[[GatewayCommand], Awaitable[GatewayReply]],
    ) -> None:
        self.state = "connecting"
        self.reason = ""  # what the gateway's status says beside being online
        self._config = config
        self._outbox = outbox
        self._clock_ns = clock_ns
        self._on_stored = stored
        self._on_command = command
        self._client_id = f"plumbline-gateway-{config.site}-{config.gateway}"
        self._contest = Contest(self._client_id)
        self._windows = {
            state.sensor: Window(state.stored_seq, state.last_seq) for state in outbox.sensors()
        }
        self._statuses: dict[str, SensorStatus] = {}
        self._published: dict[str, SensorStatus] = {}
        self._announced: GatewayStatus | None = None
        self._ahead: deque[tuple[str, bytes]] = deque(maxlen=MAX_AHEAD)
        self._ahead_seq = 0
        self._ahead_news = asyncio.Event()
        self._commands = 0
        self._unreadable = False
        self._disbelieved = False
        self._news = asyncio.Event()
        self._stopping = asyncio.Event()
        self._first: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def committed(self, states: dict[str, SensorState]) -> None:
        """The outbox changed: there may be something to send."""
        for sensor, state in states.items():
            window = self._windows.setdefault(sensor, Window(state.stored_seq, state.last_seq))
            window.last_seq = state.last_seq
        self._news.set()

    def ahead(self, sensor: str, batches: Sequence[Batch]) -> None:
        """What a sensor samples now while its log comes in. Dropped where nobody can be told."""
        topic = topics.ahead(self._config.site, self._config.gateway, sensor)
        for batch in batches if self.state == "connected" else ():
            self._ahead_seq += 1
            message = batch.message(self._outbox.outbox_id, self._ahead_seq)
            self._ahead.append((topic, message.encode()))
            self._ahead_news.set()

    def status(self, sensor: str, status: SensorStatus) -> None:
        """What to say of a sensor from now on."""
        self._statuses[sensor] = status

    def stored_seq(self, sensor: str) -> int:
        """What analytics has stored of a sensor, as far as it is known."""
        window = self._windows.get(sensor)
        return 0 if window is None else window.stored_seq

    async def connected(self) -> None:
        """Returns after the first connection. BrokerError where it is refused, or takes too long."""
        wait_s = self._config.broker_wait_s
        try:
            async with asyncio.timeout(wait_s):
                await asyncio.shield(self._first)
        except TimeoutError:
            broker = self._config.broker
            raise BrokerError(
                Reason.BROKER_UNREACHABLE,
                f"The MQTT broker at {broker.host}:{broker.port} did not answer within {wait_s:g} s.",
                hint="Start it, or give the right host and port. The outbox keeps what it has.",
            ) from None

    def stop(self) -> None:
        """Say that the gateway goes offline, and end :meth:`run`."""
        self._stopping.set()

    async def run(self) -> None:
        """Connect, serve, and connect again, until :meth:`stop`."""
        pause_s, warned = RECONNECT_FIRST_S, False
        clock_s = asyncio.get_running_loop().time
        while not self._stopping.is_set():
            try:
                async with self._client() as client:
                    pause_s, warned = RECONNECT_FIRST_S, False
                    self._contest.up(clock_s())
                    await self._serve(client)
            except* (aiomqtt.MqttError, OSError) as group:
                error = _first_error(group)
                self._contest.down(clock_s())
                contested = self._contest.said
                if contested:
                    pause_s = PAUSE_S
                self.state = contested or "unreachable"
                refused = self._refused(error)
                level = log.debug if warned else log.warning
                why = contested or str(error)
                level("broker.lost", reason=why if refused is None else refused.reason)
                warned = True
            if not self._stopping.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause_s):
                        await self._stopping.wait()
                pause_s = min(RECONNECT_MOST_S, 2 * pause_s)

    def _client(self) -> aiomqtt.Client:
        config, broker = self._config, self._config.broker
        offline = GatewayStatus(state="offline", version=config.version, reason="connection lost")
        tls = None
        if broker.tls_ca is not None:
            tls = aiomqtt.TLSParameters(ca_certs=str(broker.tls_ca))
        client = aiomqtt.Client(
            broker.host,
            broker.port,
            username=broker.username,
            password=broker.password,
            identifier=self._client_id,
            will=aiomqtt.Will(self._status_topic(), offline.encode(), qos=1, retain=True),
            tls_params=tls,
            timeout=BROKER_TIMEOUT_S,
            keepalive=KEEPALIVE_S,
            max_inflight_messages=MAX_UNDER_WAY,
            max_queued_incoming_messages=MAX_INCOMING,
        )
        client.pending_calls_threshold = 2 * MAX_UNDER_WAY
        return client

    def _refused(self, error: BaseException) -> BrokerError | None:
        """The broker's refusal, told to who waits for the first connection; None for other errors."""
        if not isinstance(error, MqttConnectError):
            return None
        code = getattr(error.rc, "value", error.rc)
        if code not in _REFUSALS:
            return None
        broker = self._config.broker
        refusal = BrokerError(
            Reason.BROKER_REFUSED,
            f"The MQTT broker at {broker.host}:{broker.port} refused this gateway.",
            hint="Check the user name and the password.",
        )
        if not self._first.done():
            self._first.set_exception(refusal)
        return refusal

    async def _serve(self, client: aiomqtt.Client) -> None:
        site, gateway = self._config.site, self._config.gateway
        await client.subscribe(
            # one that is lost is made up for by the next, or by sending again
            [(topics.stored(site, gateway, "+"), 0), (topics.command(site, gateway), 1)]
        )
        self._ahead.clear()
        self._published.clear()
        self._announced = None
        for window in self._windows.values():
            window.rewind()
        await self._publish_statuses(client)
        self.state = "connected"
        if not self._first.done():
            self._first.set_result(None)
        self._news.set()
        async with asyncio.TaskGroup() as tasks:
            exchange = tasks.create_task(self._exchange(client))
            await self._stopping.wait()
            exchange.cancel()  # what is under way is in the outbox
        self.state = "offline"
        offline = GatewayStatus(state="offline", version=self._config.version, reason="stopped")
        await self._publish_statuses(client, gateway=offline)

    async def _exchange(self, client: aiomqtt.Client) -> None:
        async with asyncio.TaskGroup() as tasks:
            for job in (
                self._receive(client, tasks),
                self._send(client, tasks),
                self._send_ahead(client),
                self._keep_statuses(client),
                self._watch_silence(),
            ):
                tasks.create_task(job)

    async def _send(self, client: aiomqtt.Client, tasks: asyncio.TaskGroup) -> None:
        slots = asyncio.Semaphore(MAX_UNDER_WAY)
        while True:
            await self._news.wait()
            self._news.clear()
            for sensor, window in list(self._windows.items()):
                room_bytes, batches = window.room()
                if batches == 0:
                    continue
                topic = topics.imu(self._config.site, self._config.gateway, sensor)
                for seq, payload in self._read(sensor, window.sent_seq, room_bytes, batches):
                    await slots.acquire()
                    if seq != window.sent_seq + 1:  # rewound meanwhile: begin again from there
                        slots.release()
                        break
                    window.sent(seq, len(payload), asyncio.get_running_loop().time())
                    tasks.create_task(self._publish(client, topic, payload, slots))
                    if window.room()[1]:  # one that cannot be read waits for the next look
                        self._news.set()

    async def _send_ahead(self, client: aiomqtt.Client) -> None:
        while True:
            await self._ahead_news.wait()
            self._ahead_news.clear()
            while self._ahead:
                topic, payload = self._ahead.popleft()
                # Nobody needs it, and others see to the link.
                with contextlib.suppress(aiomqtt.MqttError):
                    await client.publish(topic, payload, qos=0)

    def _read(
        self, sensor: str, after_seq: int, room_bytes: int, batches: int
    ) -> list[tuple[int, bytes]]:
        try:
            return self._outbox.read(
                sensor,
                after_seq,
                max_bytes=min(room_bytes, TURN_BYTES),
                max_batches=min(batches, TURN_BATCHES),
            )
        except DiskError as error:
            level = log.debug if self._unreadable else log.error
            level("outbox.unreadable", sensor=sensor, reason=error.reason, message=error.message)
            self._unreadable = True
            return []

    async def _publish(
        self, client: aiomqtt.Client, topic: str, payload: bytes, slots: asyncio.Semaphore
    ) -> None:
        try:
            # A broker that is silent is noticed at the statuses: a timeout for each batch costs as much as
            # all else that is done to publish it.
            await client.publish(topic, payload, qos=1, timeout=math.inf)
        finally:
            slots.release()

    async def _receive(self, client: aiomqtt.Client, tasks: asyncio.TaskGroup) -> None:
        async for message in client.messages:
            payload = message.payload
            try:
                topic = topics.parse(str(message.topic))
                if topic.kind is Kind.STORED:
                    self._take_stored(topic.sensor, Stored.decode(payload, now_ns=self._clock_ns()))
                elif topic.kind is Kind.COMMAND:
                    command = GatewayCommand.decode(payload, now_ns=self._clock_ns())
                    # a sensor may take seconds to answer: acknowledgements do not wait for it
                    tasks.create_task(self._answer(client, command))
            except DecodeError as error:
                log.debug("broker.bad_message", reason=error.reason, message=error.message)

    def _take_stored(self, sensor: str, stored: Stored) -> None:
        window = self._windows.get(sensor)
        if window is None or stored.outbox != self._outbox.outbox_id:
            return  # of an outbox that is gone
        if stored.seq > window.last_seq:
            tell = log.debug if self._disbelieved else log.warning
            tell("broker.stored_beyond_outbox", sensor=sensor, seq=stored.seq)
            self._disbelieved = True
            return
        now_s = asyncio.get_running_loop().time()
        window.heard(now_s)
        if window.stored(stored.seq, now_s):
            self._on_stored(sensor, stored.seq)
            self._news.set()
        if stored.resend and window.asked(now_s):
            self._news.set()

    async def _answer(self, client: aiomqtt.Client, command: GatewayCommand) -> None:
        if self._commands >= MAX_COMMANDS:
            reply = GatewayReply(id=command.id, ok=False, reason="too many commands at once")
        else:
            self._commands += 1
            try:
                reply = await self._on_command(command)
            finally:
                self._commands -= 1
        topic = topics.reply(self._config.site, self._config.gateway)
        await client.publish(topic, reply.encode(), qos=1)

    async def _watch_silence(self) -> None:
        while True:
            await asyncio.sleep(SILENCE_CHECK_S)
            now_s = asyncio.get_running_loop().time()
            for sensor, window in self._windows.items():
                if window.resend_if_silent(now_s):
                    log.debug("broker.resend", sensor=sensor, after_seq=window.stored_seq)
                    self._news.set()
                elif window.room()[1]:
                    self._news.set()

    async def _keep_statuses(self, client: aiomqtt.Client) -> None:
        for look in itertools.count(1):
            await asyncio.sleep(STATUS_INTERVAL_S)
            await self._publish_statuses(client, counts=look % COUNTS_EVERY == 0)

    async def _publish_statuses(
        self, client: aiomqtt.Client, gateway: GatewayStatus | None = None, *, counts: bool = True
    ) -> None:
        """Publish, retained, what has changed since it was published on this connection.

        Without ``counts``, a sensor of which only those have changed that always do is passed over.
        """
        site, name = self._config.site, self._config.gateway
        for sensor, status in list(self._statuses.items()):
            said = self._published.get(sensor)
            if said is None or told(said, counts=counts) != told(status, counts=counts):
                topic = topics.sensor_status(site, name, sensor)
                await client.publish(topic, status.encode(), qos=1, retain=True)
                self._published[sensor] = status
        sensors = tuple(sorted(self._statuses))[: GatewayStatus.MAX_SENSORS]
        if gateway is None:
            version, reason = self._config.version, self.reason
            gateway = GatewayStatus(state="online", version=version, sensors=sensors, reason=reason)
        if gateway != self._announced:
            await client.publish(self._status_topic(), gateway.encode(), qos=1, retain=True)
            self._announced = gateway

    def _status_topic(self) -> str:
        return topics.gateway_status(self._config.site, self._config.gateway)


def _first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
