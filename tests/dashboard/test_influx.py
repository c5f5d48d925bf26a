"""The page on an InfluxDB, which may be away."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.runtime import context
from streamlit.testing.v1 import AppTest

from dashboard.reading import sources
from store.open import open_registry, open_series
from tests.dashboard import seed, signing_in
from tests.dashboard.test_app import APP, fill_today, run_until, shown
from tests.influx import InfluxServer


@pytest.fixture(autouse=True)
def nothing_stays_open() -> Iterator[None]:
    """What the page opened in a test is no other test's."""
    yield
    st.cache_resource.clear()


@pytest.fixture
def day(server: InfluxServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day of today's on the server, for the page to show to its client, who is signed in."""
    _, registry_url = seed.urls(tmp_path)
    url = server.url(frame_days=30)
    monkeypatch.setenv(sources.STORE_URL, url)
    monkeypatch.setenv(sources.REGISTRY_URL, registry_url)
    found = sources.Sources(open_series(url), open_registry(registry_url))
    fill_today(found)
    found.series.close()
    found.registry.close()
    token = signing_in.token(registry_url, wearer=seed.WEARER)
    monkeypatch.setattr(context.ContextProxy, "cookies", property(signing_in.cookies(token)))


@pytest.mark.usefixtures("day")
def test_a_server_that_goes_and_comes_back(server: InfluxServer) -> None:
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    assert "cannot be read just now" not in shown(app)
    whole = shown(app)
    server.stop()
    run_until(app, lambda page: "cannot be reached" in page)
    assert "tries again by itself" in shown(app)
    assert "What is shown below was read before that" in shown(app)
    assert shown(app).count("The data cannot be read just now") == 1
    assert "Coracobrachialis" in shown(app)  # what was read of the day still stands
    server.start()
    run_until(app, lambda page: "cannot be read just now" not in page)
    assert len(shown(app)) > len(whole) / 2


@pytest.mark.usefixtures("day")
def test_a_server_that_hangs(server: InfluxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.influx_http.READER_TIMEOUT_S", 1.0)
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    process = server._process
    assert process is not None
    process.send_signal(signal.SIGSTOP)
    try:
        run_until(app, lambda page: "did not answer in time" in page)
        assert "Coracobrachialis" in shown(app)
    finally:
        process.send_signal(signal.SIGCONT)
    run_until(app, lambda page: "cannot be read just now" not in page)


@pytest.mark.usefixtures("day")
def test_a_server_that_refuses_the_token_when_the_page_is_opened(server: InfluxServer) -> None:
    token = server.token_file.read_text()
    server.token_file.write_text("another")
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    assert "refuses the token" in shown(app)
    run_until(app, lambda page: "It has been so for" in page)
    server.token_file.write_text(token)
    run_until(app, lambda page: "Coracobrachialis" in page)
