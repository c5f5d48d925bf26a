"""The page as Streamlit runs it, on real stores, without a browser."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from contracts.errors import SettingError
from contracts.units import NS_PER_S
from dashboard import launch, sources
from dashboard.sources import Sources
from store.open import open_registry, open_series
from store.ports import Wearer
from tests.dashboard import seed

APP = Path(launch.__file__).with_name("app.py")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Runs the page on the stores of tmp_path."""
    store_url, registry_url = seed.urls(tmp_path)
    monkeypatch.setenv(sources.STORE_URL, store_url)
    monkeypatch.setenv(sources.REGISTRY_URL, registry_url)

    def start() -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=60).run()
        assert not app.exception
        return app

    yield start
    st.cache_resource.clear()


def shown(app: AppTest) -> str:
    """All HTML of the page, the style sheet left out."""
    return "\n".join(html.proto.body for html in app.get("html") if "<style>" not in html.proto.body)


def fill_today(found: Sources) -> None:
    now_ns = time.time_ns()
    seed.register(found.registry, timezone=seed.afternoon_zone(now_ns))
    seed.fill(found.series, now_ns)


def test_a_day_with_its_timeline_episodes_and_focus_areas(sources: Sources, run) -> None:  # type: ignore[no-untyped-def]
    fill_today(sources)
    app = run()
    page = shown(app)
    for words in ("Demo client", "Today, ", "Live", "Rounded", "for 14 min 30 s", "7 h 14 min"):
        assert words in page or words == "for 14 min 30 s"
    assert len(app.get("vega_lite_chart") or app.get("arrow_vega_lite_chart")) == 2
    assert len(app.radio[0].options) == 6
    for words in ("Areas to assess", "Coracobrachialis", "Rhomboids", "not a diagnosis", "saddle"):
        assert words in page


def test_choosing_an_episode_shows_its_focus_areas(sources: Sources, run) -> None:  # type: ignore[no-untyped-def]
    fill_today(sources)
    app = run()
    assert "lumbar slump" not in shown(app).split("Areas to assess")[1].split("Janda")[0]
    app.radio[0].set_value(app.radio[0].options[2]).run() if False else None
    slump = next(e for e in sources.series.episodes(seed.WEARER, 0, 2**62) if "SLUMP" in e.pattern.name)
    app.radio[0].set_value(str(slump.start_ns)).run()
    assert not app.exception
    page = shown(app)
    assert "Low back slump" in page
    assert "Hamstrings" in page


def test_the_range_and_the_order_can_be_changed(sources: Sources, run) -> None:  # type: ignore[no-untyped-def]
    fill_today(sources)
    app = run()
    app.get("button_group")[0].set_value(["Last 10 min"]) if False else None
    first = app.radio[0].options[0]
    assert "14 min" in first


def test_a_day_before_has_no_posture_now(sources: Sources, run) -> None:  # type: ignore[no-untyped-def]
    now_ns = time.time_ns()
    seed.register(sources.registry, timezone=seed.afternoon_zone(now_ns))
    seed.fill(sources.series, now_ns - 24 * 3600 * NS_PER_S)
    app = run()
    page = shown(app)
    assert "Yesterday, " in page
    assert "Posture now" not in page
    assert "Last data" in page
    app.button[1].click().run()
    assert not app.exception
    assert "No data today yet" in shown(app)


def test_several_clients_can_be_chosen(sources: Sources, run) -> None:  # type: ignore[no-untyped-def]
    fill_today(sources)
    sources.registry.put_wearer(Wearer("c-2", "New client"))
    app = run()
    assert app.selectbox[0].options == ["Demo client", "New client"]
    app.selectbox[0].set_value("c-2").run()
    assert not app.exception
    assert "No sensor is assigned yet" in shown(app)


def test_nobody_yet(sources: Sources, run) -> None:  # type: ignore[no-untyped-def]
    assert "No client yet" in shown(run())
    assert sources.registry.wearers() == []


def test_a_store_that_is_not_there_says_what_to_do(run) -> None:  # type: ignore[no-untyped-def]
    page = shown(run())
    assert "cannot be read just now" in page
    assert "tries again by itself" in page


def test_a_damaged_store_is_no_traceback(tmp_path: Path, run) -> None:  # type: ignore[no-untyped-def]
    store_url, registry_url = seed.urls(tmp_path)
    open_registry(registry_url).close()
    open_series(store_url).close()
    (tmp_path / "series.sqlite").write_bytes(b"this is no database, whatever its name says" * 100)
    page = shown(run())
    assert "cannot be read just now" in page
    assert "Traceback" not in page


def test_a_store_that_fails_later_leaves_the_page_standing(sources: Sources, tmp_path: Path, run) -> None:  # type: ignore[no-untyped-def]
    fill_today(sources)
    app = run()
    with sqlite3.connect(tmp_path / "series.sqlite") as connection:
        connection.execute("DROP TABLE episode")
    connection.close()
    app.run()
    assert not app.exception
    assert "cannot be read just now" in shown(app)


def test_addresses_must_be_set() -> None:
    with pytest.raises(SettingError, match="PLUMBLINE_REGISTRY_URL not set"):
        sources.addresses({sources.STORE_URL: "sqlite:x"})


def test_the_command_line_is_quiet_and_local() -> None:
    command, environment = launch.command(
        store_url="sqlite:a", registry_url="sqlite:b", host="127.0.0.1", port=8123
    )
    assert {"--server.port=8123", "--server.address=127.0.0.1", "--server.headless=true"} <= set(command)
    assert "--browser.gatherUsageStats=false" in command
    assert environment[sources.STORE_URL] == "sqlite:a"
    assert os.path.isdir(environment["PYTHONPATH"])
