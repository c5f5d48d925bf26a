"""Who may come in, say and hear what: a real Mosquitto with the shipped configuration."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from analytics.home_assistant import wearer_topic
from contracts import topics
from contracts.messages import MAX_IMU_BYTES
from plumbline.init_broker import HOME_ASSISTANT
from plumbline.init_site import add_gateways
from plumbline.private_files import Owner
from tests.compose.conftest import SITE, ShippedMosquitto, make
from tests.compose.mqtt_client import PATIENCE_S, Client
from tests.conftest import missing

DENIED = "Not authorized"
GRANTED = "Success"
#: MQTT 5 says this instead where nobody listens.
TAKEN = {GRANTED, "No matching subscribers"}


def own(gateway: str) -> dict[str, str]:
    """What a gateway publishes."""
    return {
        "imu": topics.imu(SITE, gateway, "PL-1"),
        "sensor status": topics.sensor_status(SITE, gateway, "PL-1"),
        "status": topics.gateway_status(SITE, gateway),
        "reply": topics.reply(SITE, gateway),
    }


@pytest.mark.parametrize("what", ["imu", "sensor status", "status", "reply"])
def test_a_gateway_writes_its_own_topics_and_nobody_elses(
    broker: ShippedMosquitto, what: str
) -> None:
    mine, others = own("gw-a")[what], own("gw-b")[what]
    with Client(broker.site, "analytics") as listener, Client(broker.site, "gw-a") as gateway:
        listener.subscribe(mine, others)
        assert gateway.publish(others, b"forged") == DENIED
        assert gateway.publish(mine, b"own") == GRANTED
        assert listener.heard() == (mine, b"own")  # nothing came before it
        assert listener.messages.empty()


@pytest.mark.parametrize(
    "topic",
    [
        topics.stored(SITE, "gw-a", "PL-1"),
        topics.command(SITE, "gw-a"),
        topics.posture(SITE, "w1"),
        topics.context(SITE, "w1"),
        topics.rejected(SITE),
        topics.not_now(SITE, "w1"),
        wearer_topic(HOME_ASSISTANT, SITE, "w1"),
        topics.imu("another-site", "gw-a", "PL-1"),
        "plumbline/v2/anything",
        "$SYS/broker/uptime",
    ],
)
def test_what_is_not_a_gateways_to_say_is_refused(broker: ShippedMosquitto, topic: str) -> None:
    with Client(broker.site, "gw-a") as gateway:
        assert gateway.publish(topic) == DENIED


@pytest.mark.parametrize(
    ("others", "mine"),
    [
        (topics.stored(SITE, "gw-b", "PL-1"), topics.stored(SITE, "gw-a", "PL-1")),
        (topics.command(SITE, "gw-b"), topics.command(SITE, "gw-a")),
    ],
    ids=["stored", "command"],
)
def test_a_gateway_hears_only_what_is_said_to_itself(
    broker: ShippedMosquitto, others: str, mine: str
) -> None:
    with Client(broker.site, "analytics") as analytics, Client(broker.site, "gw-a") as gateway:
        gateway.subscribe(others, mine, "#", f"plumbline/v1/{SITE}/#")
        for topic, words in ((others, b"theirs"), (mine, b"ours")):
            assert analytics.publish(topic, words) in TAKEN
        assert gateway.heard() == (mine, b"ours")


def test_a_gateway_does_not_hear_what_sensors_and_wearers_do(broker: ShippedMosquitto) -> None:
    mine = topics.stored(SITE, "gw-a", "PL-2")
    with (
        Client(broker.site, "analytics") as analytics,
        Client(broker.site, "gw-b") as other,
        Client(broker.site, "gw-a") as gateway,
    ):
        gateway.subscribe("#")
        for topic in own("gw-b").values():
            assert other.publish(topic) in TAKEN
        for topic in (
            topics.posture(SITE, "w1"),
            topics.episode(SITE, "w1"),
            topics.rejected(SITE),
        ):
            assert analytics.publish(topic) in TAKEN
        assert analytics.publish(mine, b"ours") in TAKEN
        assert gateway.heard() == (mine, b"ours")


def test_analytics_says_and_hears_what_it_needs(broker: ShippedMosquitto) -> None:
    with Client(broker.site, "analytics") as analytics:
        for topic in (
            topics.stored(SITE, "gw-a", "PL-3"),
            topics.command(SITE, "gw-a"),
            topics.posture(SITE, "w1"),
            topics.episode(SITE, "w1"),
            topics.nudge(SITE, "w1"),
            topics.context(SITE, "w1"),
            topics.rejected(SITE),
            wearer_topic(HOME_ASSISTANT, SITE, "w1"),
        ):
            assert analytics.publish(topic) in TAKEN
        for topic in own("gw-a").values():
            assert analytics.publish(topic) == DENIED


@pytest.mark.parametrize(
    ("user", "password"),
    [("gw-a", "wrong"), ("gw-a", ""), ("nobody", "wrong"), ("", None)],
    ids=["wrong", "empty", "unknown user", "anonymous"],
)
def test_who_does_not_know_a_password_is_refused(
    broker: ShippedMosquitto, user: str, password: str | None
) -> None:
    with Client(broker.site, user, password) as client:
        assert client.refused in {DENIED, "Bad user name or password"}


def test_another_gateways_password_does_not_help(broker: ShippedMosquitto) -> None:
    with Client(broker.site, "gw-a", broker.site.password("gw-b")) as client:
        assert client.refused in {DENIED, "Bad user name or password"}


def test_without_tls_there_is_no_word(broker: ShippedMosquitto) -> None:
    hello = bytes.fromhex("10 0c 00 04 4d 51 54 54 04 02 00 3c 00 00")  # CONNECT, MQTT 3.1.1
    with socket.create_connection(("127.0.0.1", broker.site.port), timeout=PATIENCE_S) as plain:
        plain.sendall(hello)
        try:
            answer = plain.recv(64)
        except ConnectionResetError:
            answer = b""
    assert answer[:1] != b"\x20"  # no CONNACK; at most a TLS alert


def test_a_client_that_trusts_another_authority_turns_away(
    broker: ShippedMosquitto, tmp_path: Path
) -> None:
    stranger = make(tmp_path / "other").ca
    context = ssl.create_default_context(cafile=str(stranger))
    with socket.create_connection(("127.0.0.1", broker.site.port), timeout=PATIENCE_S) as plain:
        with pytest.raises(ssl.SSLCertVerificationError):
            context.wrap_socket(plain, server_hostname="localhost")


@pytest.mark.parametrize(("host", "known"), [("mosquitto", True), ("example.org", False)])
def test_the_certificate_is_for_the_names_it_says(
    broker: ShippedMosquitto, host: str, known: bool
) -> None:
    context = ssl.create_default_context(cafile=str(broker.site.ca))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with socket.create_connection(("127.0.0.1", broker.site.port), timeout=PATIENCE_S) as plain:
        if known:
            with context.wrap_socket(plain, server_hostname=host) as secured:
                assert secured.version() in {"TLSv1.2", "TLSv1.3"}
        else:
            with pytest.raises(ssl.SSLCertVerificationError):
                context.wrap_socket(plain, server_hostname=host)


def test_nobody_takes_over_a_session_by_its_client_id(broker: ShippedMosquitto) -> None:
    taken = f"plumbline-gateway-{SITE}-gw-a"
    mine = topics.stored(SITE, "gw-a", "PL-4")
    with (
        Client(broker.site, "gw-a", client_id=taken) as gateway,
        Client(broker.site, "gw-b", client_id=taken) as thief,
        Client(broker.site, "analytics") as analytics,
    ):
        assert thief.refused == ""
        gateway.subscribe(mine)
        assert analytics.publish(mine, b"still here") == GRANTED
        assert gateway.heard() == (mine, b"still here")
        assert not gateway.lost.is_set()


def test_a_forged_last_will_is_not_said(broker: ShippedMosquitto) -> None:
    mine, others = topics.gateway_status(SITE, "gw-a"), topics.gateway_status(SITE, "gw-b")
    with Client(broker.site, "analytics") as listener:
        listener.subscribe(mine, others)
        for will in (others, mine):
            with Client(broker.site, "gw-a", will=will) as gateway:
                assert gateway.refused == ""
                gateway.die()
        assert listener.heard() == (mine, b"gone")


def test_the_longest_batch_goes_through_and_a_longer_packet_ends_the_connection(
    broker: ShippedMosquitto,
) -> None:
    topic = topics.imu(SITE, "gw-a", "s" * 64)
    with Client(broker.site, "analytics") as listener, Client(broker.site, "gw-a") as gateway:
        listener.subscribe(topic)
        gateway.publish(topic, bytes(MAX_IMU_BYTES))
        assert listener.heard() == (topic, bytes(MAX_IMU_BYTES))
        gateway._client.publish(topic, bytes(2 * MAX_IMU_BYTES), qos=0)
        assert gateway.lost.wait(PATIENCE_S)
        assert listener.messages.empty()


def test_the_health_check_of_the_container_works_and_hears_nothing_else(
    broker: ShippedMosquitto, tmp_path: Path
) -> None:
    options = (broker.site.secrets / "broker" / "mosquitto_sub").read_text()
    options = options.replace("/mosquitto/secrets/", f"{broker.site.secrets}/broker/")
    program = shutil.which("mosquitto_sub")
    if program is None:
        missing("mosquitto_sub", "Install it, on Debian with: apt-get install mosquitto-clients")

    def check(port: int) -> int:
        (tmp_path / "mosquitto_sub").write_text(options.replace("-p 8883", f"-p {port}"))
        environment = os.environ | {"XDG_CONFIG_HOME": str(tmp_path)}
        return subprocess.run([program], env=environment, timeout=60, check=False).returncode

    assert check(broker.site.port) == 0
    assert check(1) != 0
    health = next(line for line in options.splitlines() if line.startswith("-P ")).split()[1]
    mine = topics.stored(SITE, "gw-a", "PL-5")
    with Client(broker.site, "health", health) as client:
        assert client.refused == ""
        assert client.publish(mine) == DENIED


def test_an_added_gateway_comes_in_after_a_word_to_the_broker(broker: ShippedMosquitto) -> None:
    add_gateways(broker.site.folder, ["gw-new"], Owner(os.geteuid(), os.getegid()))
    with Client(broker.site, "gw-new") as early:
        assert early.refused
    broker.reload()
    ends_s, refused = time.monotonic() + PATIENCE_S, "not asked"
    while refused and time.monotonic() < ends_s:  # the broker reads its files when it gets to it
        with Client(broker.site, "gw-new") as gateway:
            refused = gateway.refused
            if not refused:
                assert gateway.publish(own("gw-new")["imu"]) in TAKEN
                assert gateway.publish(own("gw-a")["imu"]) == DENIED
    assert refused == ""
    with Client(broker.site, "gw-a") as older:
        assert older.refused == ""
