"""A hundred thousand messages that must be refused, in a row: each is told of, nobody is disturbed.

The real command in a process of its own, on a real Mosquitto and a real store.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest

from analytics.config import Limits
from contracts import topics
from contracts.errors import Reason
from contracts.messages import ImuMessage, Rejected, SensorStatus
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement
from plumbline.procfs import usage
from plumbline.stats import read_stats
from store import open_registry, open_series
from store.ports import Assignment, Wearer
from tests.analytics.gateways import GATEWAY, SITE, OutboxGateway
from tests.analytics.hostile import Hostility, Target
from tests.analytics.services import WEARER
from tests.analytics.sessions import Session
from tests.brokers import MosquittoBroker
from tests.end_to_end.demo_run import command, environment
from tests.flood import Flood

COUNT = 100_000
LIMIT_S = 90.0
#: The inbox and what may wait behind holes hold 64 MB at most; the rest is the interpreter's.
GROWTH_MB = 120.0
VICTIM, VICTIMS_SENSOR = "victim", "victim-T4"
LIMITS = Limits()


class Service:
    """`plumbline analytics` with its counters and what it says."""

    def __init__(self, folder: Path, port: int) -> None:
        self._stats, self._said = folder / "stats.json", folder / "said.log"
        flags = ("--site", SITE, "--broker-port", port, "--data", folder, "--stats", self._stats)
        self._log = self._said.open("wb")
        self.process = subprocess.Popen(
            command("analytics", *flags, "--store-url", f"sqlite:{folder}/series.sqlite"),
            env=environment(),
            stderr=self._log,
        )

    def report(self) -> dict[str, Any]:
        """The counters as last written."""
        return read_stats(self._stats)

    def resident_mb(self) -> float:
        """Memory now."""
        used = usage(self.process.pid)
        assert used is not None
        return used.now_mb

    def stop(self) -> int:
        """Ask it to end; its exit status."""
        self.process.terminate()
        status = self.process.wait(LIMIT_S)
        self._log.close()
        return status

    def said(self) -> list[str]:
        """The lines that it logged."""
        return self._said.read_text(encoding="utf-8").splitlines()


@contextmanager
def serving(folder: Path, port: int) -> Iterator[Service]:
    service = Service(folder, port)
    try:
        until(lambda: service.report().get("broker") == "connected")
        yield service
    finally:
        if service.process.poll() is None:
            service.process.kill()
            service.process.wait(LIMIT_S)


class Listener:
    """Adds up what is said on `rejected`."""

    def __init__(self, port: int) -> None:
        self.counts: Counter[Reason] = Counter()
        self.messages = 0
        self._subscribed = threading.Event()
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        self._client.on_message = self._on_message
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.connect("127.0.0.1", port)
        self._client.subscribe(topics.rejected(SITE), 1)
        self._client.loop_start()
        assert self._subscribed.wait(LIMIT_S)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        rejected = Rejected.decode(message.payload, now_ns=None)
        self.counts[rejected.reason] += rejected.count
        self.messages += 1


def until(condition: Callable[[], object]) -> None:
    ends_s = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < ends_s, "waited in vain"
        time.sleep(0.05)


def enrol_victim(folder: Path, start_ns: int) -> None:
    registry = open_registry(f"sqlite:{folder}/registry.sqlite")
    registry.put_wearer(Wearer(VICTIM, "Somebody else"))
    registry.assign(Assignment(VICTIMS_SENSOR, VICTIM, Placement.T4, start_ns))
    registry.close()


def still(seq: int, t0_ns: int, outbox: str = "outbox-1") -> ImuMessage:
    """A second of a sensor that lies still."""
    return ImuMessage(
        v=1,
        outbox=outbox,
        seq=seq,
        t0_ns=t0_ns,
        period_ns=NS_PER_S // 50,
        rate_hz=50.0,
        accel_range_g=16,
        gyro_range_deg_s=2000,
        samples=(b"\0\x08" + bytes(10)) * 50,
    )


def thirds(box: list[ImuMessage]) -> list[list[ImuMessage]]:
    size = len(box) // 3
    return [box[:size], box[size : 2 * size], box[2 * size :]]


@pytest.fixture
def session(data_dir: Path, tmp_path: Path) -> Session:
    made = Session(tmp_path, data_dir / "recordings" / "sitting-04", batch_s=1.0)
    enrol_victim(tmp_path, made.start_ns)
    return made


def test_a_hundred_thousand_in_a_row(
    session: Session, tmp_path: Path, mosquitto_broker: MosquittoBroker
) -> None:
    port = mosquitto_broker.port
    sensor, box = next(iter(session.outboxes.items()))
    target = Target(SITE, GATEWAY, sensor, WEARER, box[0], time.time_ns())
    hostile = list(Hostility(target, seed=1).messages(COUNT))
    expected = Counter(reason for *_, reason in hostile)
    sending = [(topic, payload) for topic, payload, _ in hostile]
    parts = {s: thirds(b) for s, b in session.outboxes.items()}
    with serving(tmp_path, port) as service:
        listener, flood = Listener(port), Flood(port)
        gateway = OutboxGateway(port, session.outboxes)
        before_mb = service.resident_mb()
        for part in range(3):
            for name, of_sensor in parts.items():
                gateway.publish(name, of_sensor[part])
            if part < 2:  # the second third comes in the middle of the flood
                flood.publish(sending[part * COUNT // 2 : (part + 1) * COUNT // 2])
            gateway.wait_stored({s: p[part][-1].seq for s, p in parts.items()}, LIMIT_S)
            assert service.process.poll() is None
        until(lambda: service.report()["rejected"] >= COUNT)
        assert service.resident_mb() - before_mb < GROWTH_MB
        report = service.report()
        flood.close()
        assert service.stop() == 0
        until(lambda: listener.counts.total() >= COUNT)
        listener.close()
        gateway.close()
    assert report["rejected_by_reason"] == {r.value: n for r, n in expected.items()}
    assert listener.counts == expected
    assert listener.messages < COUNT / 10
    assert report["inbox_refused"] == 0
    assert len(service.said()) < 20, service.said()[:20]
    session.check()


LEAPS_S = (-2, -5, -60, -1800, -3000, 5, 30, 90, 1800, 3600)
SECONDS = 100


def leaping(start_ns: int) -> tuple[list[ImuMessage], set[int]]:
    """A sensor's seconds, every tenth dated elsewhere, and the seconds that are dated rightly."""
    box, right = [], set()
    for second in range(SECONDS):
        leap_s = LEAPS_S[second // 10] if second % 10 == 5 else 0
        box.append(still(second + 1, start_ns + (second + leap_s) * NS_PER_S))
        if not leap_s:
            right.add(second)
    return box, right


def test_a_time_that_leaps_costs_its_own_second_and_is_told_of(
    session: Session, tmp_path: Path, mosquitto_broker: MosquittoBroker
) -> None:
    port, start_ns = mosquitto_broker.port, session.start_ns + 3000 * NS_PER_S
    box, right = leaping(start_ns)
    with serving(tmp_path, port) as service:
        listener = Listener(port)
        gateway = OutboxGateway(port, {VICTIMS_SENSOR: box, **session.outboxes})
        gateway.publish_all()
        gateway.wait_stored(wait_s=LIMIT_S)
        assert service.stop() == 0
        gateway.close()
        until(lambda: listener.counts.total() >= len(LEAPS_S))
        listener.close()
    session.check_rows()
    with closing(open_series(session.series_url, read_only=True)) as store:
        frames = store.frames(VICTIM, 0, 2**62)
    seconds = {round((t - start_ns) / NS_PER_S) for t in frames.start_ns.tolist()}
    assert right - {SECONDS - 1} <= seconds
    assert listener.counts == {Reason.TIME_JUMPED: len(LEAPS_S)}


def crowd(start_ns: int) -> Iterator[tuple[str, ImuMessage | SensorStatus]]:
    """What may come from anyone allowed to speak for a gateway, and would fill every table."""
    for number in range(3000):
        of_victim = topics.imu(SITE, GATEWAY, VICTIMS_SENSOR)
        yield of_victim, still(2 + number, start_ns, f"hole-{number}")
        yield of_victim, still(1, start_ns, f"made-up-{number}")
        yield topics.imu(SITE, f"gateway-{number}", VICTIMS_SENSOR), still(1, start_ns)
        junk = topics.sensor_status(SITE, GATEWAY, f"junk-{number}")
        yield junk, SensorStatus(state="live", at_ns=start_ns)


def test_made_up_outboxes_gateways_and_sensors_fill_no_table_for_others(
    session: Session, tmp_path: Path, mosquitto_broker: MosquittoBroker
) -> None:
    port, start_ns = mosquitto_broker.port, session.start_ns
    box = [still(second + 1, start_ns + second * NS_PER_S) for second in range(60)]
    parts = {s: thirds(b) for s, b in ({VICTIMS_SENSOR: box} | session.outboxes).items()}
    with serving(tmp_path, port) as service:
        flood = Flood(port)
        gateway = OutboxGateway(port, {VICTIMS_SENSOR: box, **session.outboxes})
        for part in range(3):
            for name, of_sensor in parts.items():
                gateway.publish(name, of_sensor[part])
            gateway.wait_stored({s: p[part][-1].seq for s, p in parts.items()}, LIMIT_S)
            if part == 0:
                flood.publish((topic, body.encode()) for topic, body in crowd(start_ns))
        until(lambda: service.report()["rejected"] >= 3 * (3000 - LIMITS.outboxes))
        report = service.report()
        assert len(report["sensors"]) <= LIMITS.sensors + len(parts)
        flood.close()
        assert service.stop() == 0
        gateway.close()
    assert set(report["rejected_by_reason"]) == {Reason.BAD_COUNT, Reason.TIME_JUMPED}
    assert report["rejected_by_reason"][Reason.TIME_JUMPED] < LIMITS.outboxes
    assert len(service.said()) < 20, service.said()[:20]
    session.check_rows()
    with closing(open_series(session.series_url, read_only=True)) as store:
        assert len(store.frames(VICTIM, 0, 2**62)) == 59
