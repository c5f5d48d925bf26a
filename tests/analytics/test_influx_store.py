"""The service on a real broker and a real InfluxDB, which may go away while people are measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.errors import Reason
from store import open_series
from tests.analytics.gateways import OutboxGateway
from tests.analytics.services import WEARER, config_for, running
from tests.analytics.sessions import Session
from tests.analytics.test_service import wait_for
from tests.brokers import MosquittoBroker
from tests.influx import InfluxServer
from tests.store.processes import EVER


@pytest.fixture
def sitting(data_dir: Path) -> Path:
    return data_dir / "recordings" / "sitting-04"


def test_what_is_stored_is_exactly_what_analyze_gives_and_what_sqlite_keeps(
    sitting: Path, tmp_path: Path, mosquitto_broker: MosquittoBroker, server: InfluxServer
) -> None:
    url = server.url(frame_days=30)
    session = Session(tmp_path, sitting, batch_s=1.0, series_url=url)
    sqlite_url = f"sqlite:{tmp_path}/series.sqlite"
    for series_url in (url, sqlite_url):
        gateway = OutboxGateway(mosquitto_broker.port, session.outboxes)
        with running(tmp_path, config_for(mosquitto_broker.port), series_url) as reports:
            gateway.publish_all()
            gateway.wait_stored()
        gateway.close()
        mosquitto_broker.stop()  # and with it what it retained of this run
        mosquitto_broker.start()
        assert reports[-1]["wearers"][WEARER]["samples_in"] == session.sent
    session.check()
    kept, wanted = open_series(url, read_only=True), open_series(sqlite_url, read_only=True)
    assert kept.minutes(WEARER, *EVER) == wanted.minutes(WEARER, *EVER) != []
    assert kept.days(WEARER, *EVER) == wanted.days(WEARER, *EVER) != []
    assert kept.calibrations(WEARER) == wanted.calibrations(WEARER) != []
    assert kept.wearers() == wanted.wearers()
    kept.close()
    wanted.close()


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_a_server_that_goes_is_waited_for_and_nothing_is_acknowledged(
    sitting: Path,
    tmp_path: Path,
    mosquitto_broker: MosquittoBroker,
    server: InfluxServer,
    end: str,
) -> None:
    url = server.url()
    session = Session(tmp_path, sitting, batch_s=1.0, series_url=url)
    gateway = OutboxGateway(mosquitto_broker.port, session.outboxes)
    some = {sensor: box[-1].seq // 4 for sensor, box in session.outboxes.items()}
    with running(tmp_path, config_for(mosquitto_broker.port), url) as reports:
        for sensor, box in session.outboxes.items():
            gateway.publish(sensor, box[: some[sensor] + 5])
        gateway.wait_stored(some)
        getattr(server, end)()
        gateway.publish_all()
        wait_for(lambda: reports[-1]["trouble"] == Reason.STORE_UNREACHABLE)
        assert all(gateway.stored[sensor] <= seq + 5 for sensor, seq in some.items())
        server.start()
        gateway.wait_stored()
    gateway.close()
    session.check()
    assert reports[-1]["trouble"] is None
