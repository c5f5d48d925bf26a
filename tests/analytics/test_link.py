"""Messages in bulk from a real broker, in clear and over TLS."""

from __future__ import annotations

import datetime as dt
import inspect
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest

from analytics.inbox import Arrival, Inbox
from analytics.link import BrokerLink
from analytics.quick_client import MAX_PLAIN_BYTES
from contracts.broker import BrokerAddress
from contracts.messages import MAX_IMU_BYTES
from plumbline.init_certificates import make_authority, make_server
from plumbline.ports import free_port
from tests.brokers import MosquittoBroker
from tests.flood import Flood

WAIT_S = 60.0
#: Fewer than are sent: the rest comes only when those before are acknowledged.
INFLIGHT = 50
FIRST = "t/first"


@pytest.fixture
def tls_port() -> int:
    return free_port()


@pytest.fixture
def broker(mosquitto: Path, tmp_path: Path, tls_port: int) -> Iterator[MosquittoBroker]:
    """A broker with a listener in clear and one over TLS."""
    now = dt.datetime.now(dt.UTC)
    authority = make_authority("test", now)
    server = make_server(authority, ["127.0.0.1"], now)
    (tmp_path / "ca.pem").write_bytes(authority.certificate_pem)
    (tmp_path / "server.pem").write_bytes(server.certificate_pem)
    (tmp_path / "server.key").write_bytes(server.key_pem)
    guarded = (
        f"listener {tls_port} 127.0.0.1",
        f"certfile {tmp_path}/server.pem",
        f"keyfile {tmp_path}/server.key",
        "allow_anonymous true",
    )
    made = MosquittoBroker(mosquitto, tmp_path, inflight=INFLIGHT, more=guarded)
    made.start()
    yield made
    made.stop()


@contextmanager
def linked(address: BrokerAddress, inbox: Inbox) -> Iterator[BrokerLink]:
    link = BrokerLink(address, client_id="reader", topics=["t/#"], inbox=inbox)
    link.open(WAIT_S, threading.Event())
    try:
        wait_for(lambda: link.connected)
        yield link
    finally:
        link.close()


def wait_for(condition: Callable[[], object]) -> None:
    ends_s = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < ends_s, "waited in vain"
        time.sleep(0.02)


def wait_for_subscription(flood: Flood, inbox: Inbox) -> None:
    def heard() -> bool:
        flood.publish([(FIRST, b"")])
        return len(inbox) > 0

    wait_for(heard)


def sent() -> list[tuple[str, bytes]]:
    """Of many sizes, some of them longer than a record of TLS, one longer than is split off."""
    sizes = [(number * 977) % 3000 for number in range(1500)]
    sizes[100], sizes[700], sizes[1200] = 40_000, MAX_IMU_BYTES, MAX_PLAIN_BYTES + 1
    return [(f"t/{number}", number.to_bytes(2) * (size // 2)) for number, size in enumerate(sizes)]


@pytest.mark.parametrize("tls", [False, True], ids=["clear", "tls"])
def test_all_come_whole_in_order_and_are_acknowledged(
    broker: MosquittoBroker, tmp_path: Path, tls_port: int, tls: bool
) -> None:
    address = BrokerAddress(port=broker.port)
    if tls:
        address = BrokerAddress(port=tls_port, tls_ca=tmp_path / "ca.pem")
    inbox, flood, messages = Inbox(10_000, 2**26), Flood(broker.port), sent()
    found: list[Arrival] = []
    with linked(address, inbox):
        wait_for_subscription(flood, inbox)
        flood.publish(messages)
        while not found or found[-1].topic != messages[-1][0]:
            arrivals = inbox.take(1000, WAIT_S)
            assert arrivals, "waited in vain"
            found += [one for one in arrivals if one.topic != FIRST]
    flood.close()
    kept = {True: lambda payload: payload, False: lambda _: b""}
    assert found == [
        Arrival(topic, kept[len(payload) <= MAX_IMU_BYTES](payload), len(payload))
        for topic, payload in messages
    ]


def test_a_broker_that_comes_back_is_heard_again_over_tls(
    broker: MosquittoBroker, tmp_path: Path, tls_port: int
) -> None:
    inbox = Inbox(10_000, 2**26)
    with linked(BrokerAddress(port=tls_port, tls_ca=tmp_path / "ca.pem"), inbox) as link:
        broker.stop()
        wait_for(lambda: not link.connected)
        broker.start()
        wait_for(lambda: link.connected)
        flood = Flood(broker.port)
        wait_for_subscription(flood, inbox)
        flood.close()


def test_nobody_takes_and_the_network_goes_on(mosquitto_broker: MosquittoBroker) -> None:
    """What comes together is waited for once, so that the broker is not kept waiting."""
    inbox, flood = Inbox(1, 2**20), Flood(mosquitto_broker.port)
    with linked(BrokerAddress(port=mosquitto_broker.port), inbox) as link:
        wait_for_subscription(flood, inbox)
        flood.publish([("t/x", b"x")] * 500)
        wait_for(lambda: len(inbox) == 1 and inbox.refused > 100)
        assert link.connected
    flood.close()


def test_the_members_of_paho_that_are_built_on_are_there() -> None:
    """They are private: a version of paho without them is none that pyproject.toml may allow."""
    queue = list(inspect.signature(mqtt.Client._packet_queue).parameters)
    assert queue[1:5] == ["command", "packet", "mid", "qos"]
    assert list(inspect.signature(mqtt.Client._create_socket).parameters) == ["self"]
    assert list(inspect.signature(mqtt.Client.loop_read).parameters) == ["self", "max_packets"]
    assert "_topic" in mqtt.MQTTMessage.__slots__
    assert {"loop_read", "pending"} <= set(mqtt.Client._loop.__code__.co_names)
