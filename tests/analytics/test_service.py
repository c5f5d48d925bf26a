"""The service on a real broker and a real store, with recordings of real people."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from contracts import topics
from contracts.broker import BrokerAddress
from contracts.errors import BrokerError, Reason, StoreError
from contracts.messages import ImuMessage
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from plumbline.ports import free_port
from store import open_registry
from store.ports import Assignment
from tests.analytics.gateways import (
    GATEWAY,
    SITE,
    OutboxGateway,
)
from tests.analytics.services import (
    SENSORS,
    WEARER,
    ServiceProcess,
    config_for,
    enrol,
    running,
    serve,
)
from tests.analytics.sessions import Session
from tests.brokers import MosquittoBroker


@pytest.fixture
def sitting(data_dir: Path) -> Path:
    return data_dir / "recordings" / "sitting-04"


@contextmanager
def handed_over(
    session: Session, port: int
) -> Iterator[tuple[OutboxGateway, list[dict[str, Any]]]]:
    """A gateway with the session's outboxes before the running service; in the end all is stored."""
    gateway = OutboxGateway(port, session.outboxes)
    with running(session.folder, config_for(port)) as reports:
        yield gateway, reports
    gateway.close()
    session.check()


@pytest.mark.parametrize(
    ("name", "batch_s"), [("sitting-04", 0.2), ("sitting-07", 60.0), ("sitting-21", 3.3)]
)
def test_what_is_stored_is_exactly_what_analyze_gives(
    data_dir: Path, tmp_path: Path, mosquitto_broker: MosquittoBroker, name: str, batch_s: float
) -> None:
    session = Session(tmp_path, data_dir / "recordings" / name, batch_s=batch_s)
    with handed_over(session, mosquitto_broker.port) as (gateway, reports):
        gateway.publish_all()
        gateway.wait_stored()
    assert reports[-1]["wearers"][WEARER]["samples_in"] == session.sent
    assert reports[-1]["rejected"] == 0


def test_one_sensor_after_the_other_is_the_same(
    sitting: Path, tmp_path: Path, mosquitto_broker: MosquittoBroker
) -> None:
    session = Session(tmp_path, sitting, batch_s=1.0)
    with handed_over(session, mosquitto_broker.port) as (gateway, _):
        for sensor, box in session.outboxes.items():
            gateway.publish(sensor, box)
        gateway.wait_stored()


def test_duplicates_holes_and_disorder_change_nothing(
    sitting: Path, tmp_path: Path, mosquitto_broker: MosquittoBroker
) -> None:
    session = Session(tmp_path, sitting, batch_s=1.0)
    disorder = random.Random(7)
    with handed_over(session, mosquitto_broker.port) as (gateway, reports):
        for sensor, box in session.outboxes.items():
            shuffled = sorted(box, key=lambda m: m.seq + disorder.uniform(0, 8))
            lossy = [m for m in shuffled if disorder.random() > 0.05]
            doubled = [m for m in lossy for _ in range(disorder.choice((1, 1, 2)))]
            gateway.publish(sensor, doubled)
        gateway.wait_stored()
    assert gateway.resends > 0
    assert reports[-1]["duplicates"] > 0


def test_a_store_that_is_locked_is_waited_out_and_nothing_is_acknowledged(
    sitting: Path,
    tmp_path: Path,
    mosquitto_broker: MosquittoBroker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("store.sqlite.BUSY_TIMEOUT_MS", 100)
    session = Session(tmp_path, sitting, batch_s=2.0)
    with handed_over(session, mosquitto_broker.port) as (gateway, reports):
        holder = sqlite3.connect(tmp_path / "series.sqlite", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        gateway.publish_all()
        wait_for(lambda: reports[-1]["trouble"] == Reason.STORE_UNREACHABLE)
        assert set(gateway.stored.values()) == {0}
        holder.execute("ROLLBACK")
        holder.close()
        gateway.wait_stored()
    assert reports[-1]["trouble"] is None


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_killed_in_the_middle_it_goes_on_as_if_nothing_had_happened(
    sitting: Path, tmp_path: Path, mosquitto_broker: MosquittoBroker, share: float
) -> None:
    session = Session(tmp_path, sitting, batch_s=1.0)
    gateway = OutboxGateway(mosquitto_broker.port, session.outboxes)
    service = ServiceProcess(tmp_path, mosquitto_broker.port)
    half = {sensor: int(box[-1].seq * share) for sensor, box in session.outboxes.items()}
    for sensor, box in session.outboxes.items():
        gateway.publish(sensor, box[: half[sensor] + 40])
    gateway.wait_stored(half)
    service.kill()
    gateway.publish_all()
    service = ServiceProcess(tmp_path, mosquitto_broker.port)
    gateway.wait_stored()
    assert service.stop() == 0
    gateway.close()
    session.check()


def test_killed_when_one_sensor_is_done_it_does_not_wait_for_that_one(
    sitting: Path, tmp_path: Path, mosquitto_broker: MosquittoBroker
) -> None:
    session = Session(tmp_path, sitting, batch_s=60.0)
    gateway = OutboxGateway(mosquitto_broker.port, session.outboxes)
    first, second = SENSORS.values()
    service = ServiceProcess(tmp_path, mosquitto_broker.port)
    gateway.publish(first, session.outboxes[first])
    gateway.publish(second, session.outboxes[second][:-1])
    gateway.wait_stored({first: session.outboxes[first][-1].seq})
    service.kill()
    service = ServiceProcess(tmp_path, mosquitto_broker.port)
    gateway.wait(lambda: gateway.resends > 0)
    gateway.wait_stored()
    assert service.stop() == 0
    gateway.close()
    session.check()


def test_the_broker_may_go_and_come_back_empty(
    sitting: Path, tmp_path: Path, mosquitto_broker: MosquittoBroker
) -> None:
    session = Session(tmp_path, sitting, batch_s=1.0)
    with handed_over(session, mosquitto_broker.port) as (gateway, _):
        for sensor, box in session.outboxes.items():
            gateway.publish(sensor, box[:200])
        gateway.wait_stored(dict.fromkeys(session.outboxes, 100))
        mosquitto_broker.stop()
        mosquitto_broker.start()
        gateway.wait_stored()


def test_a_sensor_that_nobody_wears_is_kept_for_until_somebody_does(
    sitting: Path, tmp_path: Path, mosquitto_broker: MosquittoBroker
) -> None:
    session = Session(tmp_path, sitting, batch_s=10.0)
    stranger = {"stranger": session.outboxes[SENSORS[Placement.T4]]}
    gateway = OutboxGateway(mosquitto_broker.port, stranger)
    config = config_for(mosquitto_broker.port, registry_poll_s=0.1, late_wait_s=0.2)
    with running(tmp_path, config) as reports:
        gateway.publish_all()
        wait_for(lambda: reports[-1]["rejected"] >= len(stranger["stranger"]))
        assert gateway.stored["stranger"] == 0
        registry = open_registry(f"sqlite:{tmp_path}/registry.sqlite")
        registry.assign(Assignment("stranger", WEARER, Placement.STERNUM, session.start_ns))
        registry.close()
        gateway.wait_stored()
    gateway.close()


def test_garbage_is_refused_and_disturbs_nothing(
    sitting: Path, tmp_path: Path, mosquitto_broker: MosquittoBroker
) -> None:
    session = Session(tmp_path, sitting, batch_s=5.0)
    sensor = SENSORS[Placement.T4]
    good = session.outboxes[sensor][0]
    noise = random.Random(3)
    imu = topics.imu(SITE, GATEWAY, sensor)
    garbage = [
        (imu, b""),
        (imu, noise.randbytes(500)),
        (imu, good.encode()[:-7]),
        (imu, bytes(3_000_000)),
        (imu.replace(sensor, "no id!"), good.encode()),
        (topics.imu(SITE, GATEWAY, "unknown-sensor"), good.encode()),
        (imu, replaced(good, seq=10**9)),
        (imu, replaced(good, t0_ns=0)),
        (imu, replaced(good, t0_ns=time.time_ns() + 3 * 86400 * NS_PER_S)),
        (topics.sensor_status(SITE, GATEWAY, sensor), b"{}"),
        (topics.gateway_status(SITE, GATEWAY), b"\xff\xfe"),
        (topics.context(SITE, WEARER), b'{"activity":"flying"}'),
    ]
    with handed_over(session, mosquitto_broker.port) as (gateway, reports):
        for topic, payload in garbage:
            gateway.raw(topic, payload)
        gateway.publish_all()
        gateway.wait_stored()
    assert reports[-1]["rejected"] == len(garbage)


def replaced(message: ImuMessage, **changes: int) -> bytes:
    values = {name: getattr(message, name) for name in message.__struct_fields__}
    return ImuMessage(**values | changes).encode()


def wait_for(condition, wait_s: float = 60.0) -> None:
    ends_s = time.monotonic() + wait_s
    while not condition():
        assert time.monotonic() < ends_s, "waited in vain"
        time.sleep(0.05)


def test_a_wrong_password_is_said_at_the_start(
    tmp_path: Path, guarded_broker: MosquittoBroker
) -> None:
    enrol(tmp_path, 0, None)
    address = BrokerAddress(port=guarded_broker.port, username="plumbline", password="wrong")
    with pytest.raises(BrokerError, match="refuses") as refused:
        serve(tmp_path, config_for(0, broker=address), threading.Event())
    assert refused.value.reason is Reason.BROKER_REFUSED
    assert "wrong" not in str(refused.value)
    assert "wrong" not in repr(address)


def test_a_broker_that_is_not_there_is_said_at_the_start(tmp_path: Path) -> None:
    enrol(tmp_path, 0, None)
    with pytest.raises(BrokerError, match="No MQTT broker answers") as refused:
        serve(tmp_path, config_for(free_port(), broker_wait_s=0.3), threading.Event())
    assert refused.value.reason is Reason.BROKER_UNREACHABLE


def test_a_second_analytics_on_one_store_stops_and_says_so(
    tmp_path: Path, mosquitto_broker: MosquittoBroker
) -> None:
    enrol(tmp_path, 0, None)
    config = config_for(mosquitto_broker.port)
    with running(tmp_path, config) as reports:
        with pytest.raises(StoreError, match="Another analytics") as refused:
            serve(tmp_path, config, threading.Event())
        assert refused.value.reason is Reason.STORE_IN_USE
        assert reports[-1]["broker"] == "connected"
    with running(tmp_path, config):
        pass
