"""The embedded broker with a real MQTT client: what it lets in, keeps, carries and refuses."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest

from contracts.messages import MAX_IMU_BYTES
from plumbline.broker import MAX_DELIVERIES, MAX_PACKET_BYTES
from plumbline.ports import LOOPBACK, free_port
from plumbline.procfs import usage
from plumbline.stats import read_stats
from tests.plumbline.test_supervisor import wait_until

PASSWORD = "between us"
WAIT_S = 60.0


class Running:
    """A broker process and where it is."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("broker")
    secret = folder / "secret"
    secret.write_text(PASSWORD, encoding="utf-8")
    port, stats = free_port(), folder / "stats.json"
    command = [
        *(sys.executable, "-m", "plumbline", "broker", "--broker-port", str(port)),
        *("--broker-username", "plumb", "--broker-password-file", str(secret)),
        *("--stats", str(stats)),
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: read_stats(stats).get("listen") or process.poll(), "the broker")
        yield Running(process, port)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=WAIT_S)[1]
        assert process.returncode == 0
        assert said == ""  # quiet, whatever the tests did to it


class Client:
    """A paho client that keeps what it hears."""

    def __init__(self, port: int, password: str = PASSWORD, slow: threading.Event | None = None):
        self.heard: list[mqtt.MQTTMessage] = []
        self.slow = slow
        self.answer = threading.Event()
        self.refused: bool | None = None
        self.subscribed = threading.Event()
        self.lost = threading.Event()
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        self.client.username_pw_set("plumb", password)
        self.client.on_connect = self._connected
        self.client.on_message = self._message
        self.client.on_subscribe = lambda *_: self.subscribed.set()
        self.client.on_disconnect = lambda *_: self.lost.set()
        self.client.connect(LOOPBACK, port)
        self.client.loop_start()
        assert self.answer.wait(WAIT_S)

    def _connected(self, _c: object, _u: object, _f: object, reason: object, _p: object) -> None:
        self.refused = reason != 0 and str(reason) != "Success"
        self.answer.set()

    def _message(self, _c: object, _u: object, message: mqtt.MQTTMessage) -> None:
        if self.slow is not None:
            self.slow.wait(WAIT_S)
        self.heard.append(message)

    def subscribe(self, topic: str) -> None:
        self.subscribed.clear()
        self.client.subscribe(topic, 1)
        assert self.subscribed.wait(WAIT_S)

    def close(self) -> None:
        if self.slow is not None:
            self.slow.set()
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def pair(broker: Running) -> Iterator[tuple[Client, Client]]:
    both = Client(broker.port), Client(broker.port)
    yield both
    for client in both:
        client.close()


def test_a_wrong_password_is_refused(broker: Running) -> None:
    client = Client(broker.port, password="guess")
    assert client.refused is True
    client.close()


def test_the_longest_batch_arrives_whole_and_in_order(pair: tuple[Client, Client]) -> None:
    one, other = pair
    other.subscribe("plumbline/v1/t/#")
    batches = [bytes([i]) * MAX_IMU_BYTES for i in range(40)]
    for batch in batches:
        one.client.publish("plumbline/v1/t/imu", batch, qos=1)
    wait_until(lambda: len(other.heard) == len(batches), "all batches")
    assert [message.payload for message in other.heard] == batches


def test_what_is_retained_is_told_to_who_comes_later(pair: tuple[Client, Client]) -> None:
    one, other = pair
    one.client.publish("kept/a", b"1", qos=1, retain=True).wait_for_publish(WAIT_S)
    one.client.publish("kept/a", b"2", qos=1, retain=True).wait_for_publish(WAIT_S)
    other.subscribe("kept/+")
    wait_until(lambda: other.heard, "the retained message")
    assert other.heard[0].payload == b"2"
    assert other.heard[0].retain


def test_too_long_a_packet_ends_the_connection_and_nothing_else(
    broker: Running, pair: tuple[Client, Client]
) -> None:
    one, other = pair
    other.subscribe("t/#")
    culprit = Client(broker.port)
    culprit.client.publish("t/x", bytes(MAX_PACKET_BYTES + 10), qos=1)
    assert culprit.lost.wait(WAIT_S)
    culprit.close()
    one.client.publish("t/y", b"fine", qos=1)
    wait_until(lambda: other.heard, "the others' message")
    assert [message.topic for message in other.heard] == ["t/y"]


def test_bytes_that_are_no_mqtt_disturb_nobody(
    broker: Running, pair: tuple[Client, Client]
) -> None:
    for garbage in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 1000, b"\x10\xff\xff\xff\x7f"):
        with socket.create_connection((LOOPBACK, broker.port)) as stranger:
            stranger.sendall(garbage)
    one, other = pair
    other.subscribe("t/#")
    one.client.publish("t/y", b"fine", qos=1)
    wait_until(lambda: other.heard, "the others' message")


def test_a_flood_waits_for_a_reader_that_is_slow(
    broker: Running, pair: tuple[Client, Client]
) -> None:
    publisher, witness = pair
    go = threading.Event()
    reader = Client(broker.port, slow=go)
    reader.subscribe("flood")
    witness.subscribe("calm")
    count = MAX_DELIVERIES * 12  # 300 MB: far more than the broker may hold
    for _ in range(count):
        publisher.client.publish("flood", bytes(MAX_IMU_BYTES), qos=0)
    before = usage(broker.process.pid)
    go.set()
    wait_until(lambda: len(reader.heard) >= count // 4, "a part of the flood", 120)
    after = usage(broker.process.pid)
    assert before is not None
    assert after is not None
    assert after.peak_mb < 250
    reader.close()


def test_a_taken_port_is_said_and_how_to_go_on(broker: Running) -> None:
    command = [sys.executable, "-m", "plumbline", "broker", "--broker-port", str(broker.port)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert done.returncode == 71
    assert f"Port {broker.port}" in done.stderr
    assert "--broker-port" in done.stderr
    assert "Traceback" not in done.stderr


def test_its_counters_are_in_the_stats_file(tmp_path: Path) -> None:
    port, stats = free_port(), tmp_path / "stats.json"
    command = [sys.executable, "-m", "plumbline", "broker", "--broker-port", str(port)]
    with subprocess.Popen([*command, "--stats", str(stats)]) as process:
        wait_until(lambda: read_stats(stats).get("listen"), "the broker")
        found = json.loads(stats.read_bytes())
        assert found["pid"] == process.pid
        assert found["listen"] == f"{LOOPBACK}:{port}"
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(WAIT_S) == 0
