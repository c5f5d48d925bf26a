"""The page on an InfluxDB, which may be away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard import sources
from store.open import open_registry, open_series
from tests.dashboard import seed
from tests.dashboard.test_app import APP, fill_today, shown
from tests.influx import InfluxServer


@pytest.fixture
def server(influxd: Path, tmp_path: Path) -> Iterator[InfluxServer]:
    """A server of the test's own, that may be stopped."""
    folder = tmp_path / "influx"
    folder.mkdir()
    server = InfluxServer(influxd, folder)
    server.start()
    yield server
    server.stop()
    st.cache_resource.clear()


def test_a_day_from_influx_and_a_server_that_goes_and_comes_back(
    server: InfluxServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, registry_url = seed.urls(tmp_path)
    url = server.url(frame_days=30)
    monkeypatch.setenv(sources.STORE_URL, url)
    monkeypatch.setenv(sources.REGISTRY_URL, registry_url)
    found = sources.Sources(open_series(url), open_registry(registry_url))
    fill_today(found)
    found.series.close()
    found.registry.close()

    app = AppTest.from_file(str(APP), default_timeout=60).run()
    assert "cannot be read just now" not in shown(app)
    whole = shown(app)
    server.stop()
    app.run()
    assert not app.exception
    assert "cannot be reached" in shown(app)
    assert "tries again by itself" in shown(app)
    server.start()
    app.run()
    assert len(shown(app)) > len(whole) / 2
    assert "cannot be read just now" not in shown(app)
