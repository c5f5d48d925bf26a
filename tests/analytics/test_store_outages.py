"""An InfluxDB that is away, hangs, refuses or is full: waited for, said why, and nothing is lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analytics import service
from analytics.config import Limits
from contracts.errors import PlumblineError, Reason, StoreError
from plumbline.health import counters_health
from store import open_registry, open_series, reach_series
from tests.analytics.gateways import OutboxGateway
from tests.analytics.services import config_for, running, serve
from tests.analytics.sessions import Session
from tests.analytics.test_service import wait_for
from tests.brokers import MosquittoBroker
from tests.influx import ORG, InfluxServer

#: So little that the messages of an outage do not fit: they are dropped, and asked for again.
SMALL = Limits(inbox_messages=64, queue_batches=40, total_bytes=40_000)
WAIT_S = 60.0

Trouble = Callable[[], None]


@pytest.fixture
def sitting(data_dir: Path) -> Path:
    return data_dir / "recordings" / "sitting-04"


def health(report: dict[str, Any]) -> str:
    """What `plumbline health analytics` says of a report."""
    try:
        return counters_health("analytics", report, 0.0, 15.0)
    except PlumblineError as error:
        return error.message


def notices(folder: Path) -> list[str]:
    """What the dashboard reads of what analytics cannot do."""
    registry = open_registry(f"sqlite:{folder}/registry.sqlite", read_only=True)
    try:
        return [notice.reason for notice in registry.notices()]
    finally:
        registry.close()


def more_reports(reports: list[dict[str, Any]]) -> None:
    """Wait for three more: they come while the trouble lasts, too."""
    before = len(reports)
    wait_for(lambda: len(reports) > before + 2)


def go_through(
    session: Session,
    port: int,
    *,
    begin: Trouble,
    end: Trouble,
    reason: Reason,
    said: str,
    noticed: bool = True,
) -> None:
    """Some data; then the trouble, and all the rest into it; then its end. All must be there."""
    gateway = OutboxGateway(port, session.outboxes)
    some = {sensor: box[-1].seq // 4 for sensor, box in session.outboxes.items()}
    config = config_for(port, limits=SMALL)
    with running(session.folder, config, session.series_url) as reports:
        for sensor, box in session.outboxes.items():
            gateway.publish(sensor, box[: some[sensor]])
        gateway.wait_stored(some)
        begin()
        gateway.publish_all()
        wait_for(lambda: reports[-1]["trouble"] == reason)
        assert said in health(reports[-1])
        more_reports(reports)  # what was on its way when it began has arrived
        held = dict(gateway.stored)
        more_reports(reports)
        assert reports[-1]["trouble"] == reason
        assert gateway.stored == held
        if noticed:
            wait_for(lambda: notices(session.folder) == [reason.value])
        assert all(held[sensor] < box[-1].seq for sensor, box in session.outboxes.items())
        end()
        gateway.wait_stored(wait_s=2 * WAIT_S)
        wait_for(lambda: reports[-1]["trouble"] is None)
        assert "nothing in the way" in health(reports[-1])
        wait_for(lambda: notices(session.folder) == [])
    gateway.close()
    session.check()


def test_a_server_that_hangs_is_said_before_its_answer_times_out(
    sitting: Path,
    tmp_path: Path,
    mosquitto_broker: MosquittoBroker,
    server: InfluxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "SLOW_S", 0.5)
    session = Session(tmp_path, sitting, batch_s=1.0, series_url=server.url())
    process = server._process
    assert process is not None
    try:
        go_through(
            session,
            mosquitto_broker.port,
            begin=lambda: process.send_signal(signal.SIGSTOP),
            end=lambda: process.send_signal(signal.SIGCONT),
            reason=Reason.STORE_UNREACHABLE,
            said="has not answered for",
            noticed=False,  # that is when its answer has timed out; a page meets it by itself
        )
    finally:
        process.send_signal(signal.SIGCONT)


def test_a_token_that_is_taken_away_and_given_back(
    sitting: Path, tmp_path: Path, mosquitto_broker: MosquittoBroker, server: InfluxServer
) -> None:
    _, found = server.request("GET", f"/api/v2/orgs?org={ORG}")
    org = found["orgs"][0]["id"]
    rights = [
        {"action": action, "resource": {"type": "buckets", "orgID": org}}
        for action in ("read", "write")
    ]
    status, made = server.request(
        "POST", "/api/v2/authorizations", {"orgID": org, "permissions": rights}
    )
    assert status == 201, made
    token = tmp_path / "token"
    token.write_text(made["token"])
    open_series(server.url("clinic")).close()  # whoever may only read and write makes no buckets
    url = server.url("clinic", token_file=token)
    session = Session(tmp_path, sitting, batch_s=1.0, series_url=url)

    def put(state: str) -> None:
        status, said = server.request(
            "PATCH", f"/api/v2/authorizations/{made['id']}", {"status": state}
        )
        assert status == 200, said

    go_through(
        session,
        mosquitto_broker.port,
        begin=lambda: put("inactive"),
        end=lambda: put("active"),
        reason=Reason.STORE_REFUSED,
        said="refuses the token",
    )


def test_a_disk_that_fills_up_under_the_server(
    sitting: Path,
    tmp_path: Path,
    mosquitto_broker: MosquittoBroker,
    influxd: Path,
    small_disk: Path,
) -> None:
    filler = small_disk / "somebody-elses"
    with InfluxServer(influxd, small_disk) as server:
        url = server.url()
        session = Session(tmp_path, sitting, batch_s=1.0, series_url=url)

        def fill() -> None:
            with pytest.raises(OSError, match="No space"), filler.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
            with pytest.raises(StoreError) as refused:
                for _ in range(1000):  # the server has some room left in what it has begun
                    reach_series(url)
            assert refused.value.reason is Reason.DISK_FULL

        def free() -> None:
            filler.unlink()
            server.stop()  # it does not open again by itself what it failed to open
            server.start()

        go_through(
            session,
            mosquitto_broker.port,
            begin=fill,
            end=free,
            reason=Reason.DISK_FULL,
            said="is full",
        )


class Starting:
    """The service in a thread of its own from its start on, whatever becomes of it."""

    def __init__(self, folder: Path, port: int, url: str, **changes: Any) -> None:
        self.reports: list[dict[str, Any]] = []
        self.error: PlumblineError | None = None
        self._stop = threading.Event()
        self._given = (folder, config_for(port, **changes), self._stop, self.reports.append, url)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def ended(self) -> bool:
        return not self._thread.is_alive()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(WAIT_S)
        assert self.ended()

    def _run(self) -> None:
        try:
            serve(*self._given)
        except PlumblineError as error:
            self.error = error


def test_a_store_that_is_away_at_the_start_is_waited_for(
    sitting: Path, tmp_path: Path, mosquitto_broker: MosquittoBroker, server: InfluxServer
) -> None:
    session = Session(tmp_path, sitting, batch_s=1.0, series_url=server.url())
    server.stop()
    gateway = OutboxGateway(mosquitto_broker.port, session.outboxes)
    starting = Starting(tmp_path, mosquitto_broker.port, session.series_url)
    gateway.publish_all()
    wait_for(lambda: bool(starting.reports))
    assert starting.reports[-1]["trouble"] == Reason.STORE_UNREACHABLE
    assert "cannot be reached" in health(starting.reports[-1])
    server.start()
    gateway.wait_stored()
    starting.stop()
    gateway.close()
    assert starting.error is None
    session.check()


def test_waiting_for_a_store_ends(
    tmp_path: Path, mosquitto_broker: MosquittoBroker, server: InfluxServer
) -> None:
    url = server.url()
    server.stop()
    given_up = Starting(tmp_path, mosquitto_broker.port, url, store_wait_s=0.3)
    stopped = Starting(tmp_path, mosquitto_broker.port, url)
    wait_for(given_up.ended)
    assert given_up.error is not None
    assert given_up.error.reason is Reason.STORE_UNREACHABLE
    assert given_up.reports
    wait_for(lambda: bool(stopped.reports))
    stopped.stop()
    assert stopped.error is None


def test_a_mistake_in_the_set_up_is_not_waited_for(
    tmp_path: Path, mosquitto_broker: MosquittoBroker, server: InfluxServer
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("not-the-token")
    for url, said in (
        (server.url(token_file=wrong), "refuses the token"),
        (server.url(org="another"), "lacks the organisation"),
    ):
        starting = Starting(tmp_path, mosquitto_broker.port, url)
        wait_for(starting.ended)
        assert starting.error is not None
        assert starting.error.reason is Reason.STORE_REFUSED
        assert said in starting.error.message
        assert not starting.reports
        assert notices(tmp_path) == [Reason.STORE_REFUSED]


def test_a_registry_that_is_away_at_the_start_is_waited_for(
    sitting: Path, tmp_path: Path, mosquitto_broker: MosquittoBroker
) -> None:
    session = Session(tmp_path, sitting, batch_s=1.0)
    away = tmp_path.with_name(f"{tmp_path.name}-not-mounted")
    tmp_path.rename(away)
    starting = Starting(tmp_path, mosquitto_broker.port, session.series_url)
    wait_for(lambda: bool(starting.reports))
    assert "registry" in health(starting.reports[-1]) or "people" in health(starting.reports[-1])
    away.rename(tmp_path)
    gateway = OutboxGateway(mosquitto_broker.port, session.outboxes)
    gateway.publish_all()
    gateway.wait_stored()
    gateway.close()
    starting.stop()
    session.check()
