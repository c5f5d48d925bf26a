"""`plumbline health`: well only where the thing itself is."""

from __future__ import annotations

import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import Fault, PlumblineError, SettingError
from plumbline import cli
from plumbline.health import check_health, counters_health, dashboard_health
from plumbline.settings import Settings
from plumbline.stats import StatsFile
from store import open_registry, open_series
from tests.brokers import MosquittoBroker

FRESH_S, MAX_AGE_S = 1.0, 15.0
CONNECTED: dict[str, Any] = {"broker": "connected"}


@pytest.mark.parametrize(
    ("what", "counters"),
    [
        ("gateway", CONNECTED),
        ("analytics", CONNECTED | {"trouble": None}),
        ("sensors", {"sensors": {}, "listen": "tcp:0.0.0.0:7900"}),
    ],
)
def test_counters_that_are_well(what: str, counters: dict[str, Any]) -> None:
    assert counters_health(what, counters, FRESH_S, MAX_AGE_S)


@pytest.mark.parametrize(
    ("counters", "age", "fault"),
    [
        ({}, None, Fault.OURS),
        (CONNECTED, MAX_AGE_S + 1, Fault.OURS),
        ({"broker": "unreachable"}, FRESH_S, Fault.BROKER),
        ({}, FRESH_S, Fault.OURS),
        (CONNECTED | {"trouble": "store-unreachable"}, FRESH_S, Fault.STORE),
    ],
    ids=["none", "old", "no broker", "unreadable", "store away"],
)
def test_counters_that_are_not(counters: dict[str, Any], age: float | None, fault: Fault) -> None:
    with pytest.raises(PlumblineError) as caught:
        counters_health("analytics", counters, age, MAX_AGE_S)
    assert caught.value.fault is fault


def test_the_command_reads_the_file_that_a_service_keeps(tmp_path: Path) -> None:
    stats = tmp_path / "stats.json"
    arguments = ["health", "gateway", "--stats", str(stats)]
    assert cli.run(arguments) == 70
    StatsFile(stats)(CONNECTED)
    assert cli.run(arguments) == 0
    os.utime(stats, (0, 0))
    assert cli.run(arguments) == 70
    assert cli.run(["health", "gateway"]) == 64
    assert cli.run(["health", "kettle"]) == 64


def store_settings(folder: Path, **more: Any) -> Settings:
    return Settings(data_dir=folder, **more)


def test_the_store_is_well_when_both_databases_answer(tmp_path: Path) -> None:
    settings = store_settings(tmp_path)
    with pytest.raises(PlumblineError):
        check_health("store", settings, stats=None, max_age_s=MAX_AGE_S)
    open_series(settings.series_url).close()
    with pytest.raises(PlumblineError):
        check_health("store", settings, stats=None, max_age_s=MAX_AGE_S)
    open_registry(settings.people_url).close()
    assert check_health("store", settings, stats=None, max_age_s=MAX_AGE_S)


class Page(http.server.BaseHTTPRequestHandler):
    """Answers as Streamlit does, with what the server was told to say."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/_stcore/health" else 404)
        self.end_headers()
        self.wfile.write(self.server.words)  # type: ignore[attr-defined]

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def page() -> Iterator[http.server.HTTPServer]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        server.words = b"ok"  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_the_dashboard_is_well_when_it_serves_and_can_read(
    tmp_path: Path, page: http.server.HTTPServer
) -> None:
    settings = store_settings(
        tmp_path, dashboard_host="0.0.0.0", dashboard_port=page.server_address[1]
    )
    with pytest.raises(PlumblineError):  # serves, and has nothing to show
        dashboard_health(settings)
    open_series(settings.series_url).close()
    open_registry(settings.people_url).close()
    assert dashboard_health(settings)
    page.words = b"stopping"  # type: ignore[attr-defined]
    with pytest.raises(PlumblineError, match="not well"):
        dashboard_health(settings)


def test_a_dashboard_that_is_gone_is_ill(tmp_path: Path, page: http.server.HTTPServer) -> None:
    port = page.server_address[1]
    page.shutdown()
    page.server_close()
    with pytest.raises(PlumblineError, match="does not answer"):
        dashboard_health(store_settings(tmp_path, dashboard_port=port))


def test_the_broker_is_well_for_who_may_come_in(
    tmp_path: Path, guarded_broker: MosquittoBroker
) -> None:
    def health(password: str) -> str:
        settings = store_settings(
            tmp_path,
            broker_port=guarded_broker.port,
            broker_username="plumbline",
            broker_password=password,
        )
        return check_health("broker", settings, stats=None, max_age_s=MAX_AGE_S)

    assert health("right")
    with pytest.raises(PlumblineError) as caught:
        health("wrong")
    assert caught.value.fault is Fault.BROKER


def test_an_unknown_service_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="kettle"):
        check_health("kettle", store_settings(tmp_path), stats=None, max_age_s=MAX_AGE_S)
