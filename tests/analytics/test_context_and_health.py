"""What clients, agents and gateways say about a wearer and the sensors, on the real way."""

from __future__ import annotations

import time
from pathlib import Path

from contracts import topics
from contracts.messages import Context, GatewayStatus, SensorStatus
from contracts.vocabulary import ACTIVITIES, ACTIVITY_SOURCES, Activity, ActivitySource
from store import open_series
from tests.analytics.gateways import (
    GATEWAY,
    SITE,
    OutboxGateway,
    batches,
    read_recording,
)
from tests.analytics.services import SENSORS, WEARER, config_for, enrol, running
from tests.brokers import MosquittoBroker


def test_a_mark_and_the_sensors_health_reach_the_store(
    data_dir: Path, tmp_path: Path, mosquitto_broker: MosquittoBroker
) -> None:
    start_ns = (time.time_ns() // 10**9 - 7200) * 10**9
    enrol(tmp_path, start_ns, None)
    samples = read_recording(data_dir / "recordings" / "sitting-04", tuple(SENSORS))
    boxes = {s: batches(samples[p], start_ns, batch_s=5.0) for p, s in SENSORS.items()}
    gateway = OutboxGateway(mosquitto_broker.port, boxes)
    mark = Context(activity=Activity.TYPING, source=ActivitySource.CLIENT, start_ns=start_ns)
    status = SensorStatus(state="live", at_ns=start_ns, battery_percent=64, received=23_900)
    with running(tmp_path, config_for(mosquitto_broker.port)):
        gateway.raw(topics.context(SITE, WEARER), mark.encode(), retain=True)
        for sensor in boxes:
            gateway.raw(topics.sensor_status(SITE, GATEWAY, sensor), status.encode(), retain=True)
        gateway.publish_all()
        gateway.wait_stored()
        gone = GatewayStatus(state="offline")
        gateway.raw(topics.gateway_status(SITE, GATEWAY), gone.encode(), retain=True)
        gateway.raw(topics.sensor_status(SITE, GATEWAY, "cleared"), b"", retain=True)
        store = open_series(f"sqlite:{tmp_path}/series.sqlite", read_only=True)
        ends_s = time.monotonic() + 60
        while {row.state for row in store.health()} != {"offline"}:
            assert time.monotonic() < ends_s
            time.sleep(0.05)
    gateway.close()
    frames = store.frames(WEARER, 0, 2**62)
    assert set(frames.activity.tolist()) == {ACTIVITIES.index(Activity.TYPING)}
    assert set(frames.activity_source.tolist()) == {ACTIVITY_SOURCES.index(ActivitySource.CLIENT)}
    health = {row.sensor: row for row in store.health()}
    store.close()
    for sensor, box in boxes.items():
        assert health[sensor].battery_percent == 64
        assert health[sensor].stored_seq == box[-1].seq
        assert health[sensor].stored_samples == sum(m.count for m in box)
        last = box[-1]
        assert health[sensor].last_sample_ns == last.t0_ns + (last.count - 1) * last.period_ns
        assert health[sensor].late_samples == 0
    assert set(health) == set(boxes)
