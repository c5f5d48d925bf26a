"""Every adapter of the series port, by name: the conformance suite runs over each."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from store import open_series
from store.influx import InfluxSeriesStore
from store.ports import SeriesStore
from tests.influx import InfluxServer
from tests.store.proxy import TcpProxy

OpenAgain = Callable[..., SeriesStore]


@pytest.fixture(params=["sqlite", "influx"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store of each kind."""
    if request.param == "influx":
        return str(request.getfixturevalue("influx_server").url())
    return f"sqlite:{tmp_path}/{uuid.uuid4().hex}.sqlite"


@pytest.fixture
def open_again(store_url: str) -> Iterator[OpenAgain]:
    """Opens the test's store, as often as asked; all are closed at the end."""
    opened: list[SeriesStore] = []

    def opener(*, read_only: bool = False) -> SeriesStore:
        opened.append(open_series(store_url, read_only=read_only))
        return opened[-1]

    yield opener
    for store in opened:
        store.close()


@pytest.fixture
def store(open_again: OpenAgain) -> SeriesStore:
    """The test's store, open for writing."""
    return open_again()


@pytest.fixture(scope="module")
def server(influxd: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    """A server of this file's own, that may be stopped. Each test leaves it running."""
    with InfluxServer(influxd, tmp_path_factory.mktemp("influx")) as server:
        yield server


@pytest.fixture
def opened(server: InfluxServer) -> Iterator[Callable[..., InfluxSeriesStore]]:
    """Opens stores; all are closed at the end."""
    stores: list[InfluxSeriesStore] = []

    def opener(url: str, *, read_only: bool = False) -> InfluxSeriesStore:
        store = open_series(url, read_only=read_only)
        assert isinstance(store, InfluxSeriesStore)
        stores.append(store)
        return store

    yield opener
    for store in stores:
        store.close()


@pytest.fixture
def proxy(server: InfluxServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[TcpProxy]:
    """A proxy before the server, and stores that wait for two seconds only."""
    monkeypatch.setattr("store.influx_http.ANSWER_TIMEOUT_S", 2.0)
    proxy = TcpProxy(server.port)
    yield proxy
    proxy.close()
