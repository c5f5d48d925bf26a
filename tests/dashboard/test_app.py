"""The page as Streamlit runs it, on real stores, without a browser."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from contracts.errors import SettingError
from contracts.units import NS_PER_S
from contracts.vocabulary import Pattern
from dashboard import launch, sources
from dashboard.sources import Sources
from store.open import open_registry, open_series
from store.ports import Wearer
from tests.dashboard import seed

APP = Path(launch.__file__).with_name("app.py")


Run = Callable[[], AppTest]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
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
    return "\n".join(
        html.proto.body for html in app.get("html") if "<style>" not in html.proto.body
    )


def run_until(app: AppTest, seen: Callable[[str], bool]) -> None:
    """Run the page again and again, as its parts do by themselves, until it shows what it should."""
    ends_s = time.monotonic() + 60
    while not seen(shown(app)):
        assert time.monotonic() < ends_s, shown(app)
        time.sleep(0.2)
        app.run()
        assert not app.exception


def fill_today(found: Sources) -> None:
    now_ns = time.time_ns()
    seed.register(found.registry, timezone=seed.afternoon_zone(now_ns))
    seed.fill(found.series, now_ns)


def test_a_day_with_its_timeline_episodes_and_focus_areas(sources: Sources, run: Run) -> None:
    fill_today(sources)
    app = run()
    page = shown(app)
    for words in ("Demo client", "Today, ", "Live", "Rounded", "for 14 min", "7 h 14 min"):
        assert words in page
    assert len(app.get("vega_lite_chart")) == 2
    assert len(app.radio[0].options) == 6
    for words in ("Areas to assess", "Coracobrachialis", "Rhomboids", "not a diagnosis", "saddle"):
        assert words in page


def chosen(app: AppTest) -> str:
    """The focus areas of the chosen episode."""
    return shown(app).split("Areas to assess")[1].split("pl-rank")[0]


def test_choosing_an_episode_shows_its_focus_areas(sources: Sources, run: Run) -> None:
    fill_today(sources)
    app = run()
    assert "Hamstrings" not in chosen(app)
    episodes = sources.series.episodes(seed.WEARER, 0, time.time_ns())
    slump = next(e for e in episodes if e.pattern is Pattern.LUMBAR_SLUMP)
    app.radio[0].set_value(str(slump.start_ns)).run()
    assert not app.exception
    assert "Hamstrings" in chosen(app)
    assert "Coracobrachialis" not in chosen(app)


def test_the_longest_episodes_can_come_first(sources: Sources, run: Run) -> None:
    fill_today(sources)
    app = run()
    assert "14 min" in app.radio[0].options[0]
    app.segmented_control(key="order").set_value("Longest first").run()
    assert [re.split(r" · |  \n", option)[1] for option in app.radio[0].options][:3] == [
        "31 min",
        "23 min",
        "17 min",
    ]


def test_a_shorter_time_is_drawn_by_seconds(sources: Sources, run: Run) -> None:
    fill_today(sources)
    app = run()
    whole = app.get("vega_lite_chart")[0].proto.spec
    app.segmented_control(key="range").set_value("Last 10 min").run()
    assert not app.exception
    assert app.get("vega_lite_chart")[0].proto.spec != whole


def test_a_day_before_has_no_posture_now(sources: Sources, run: Run) -> None:
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


def test_several_clients_can_be_chosen(sources: Sources, run: Run) -> None:
    fill_today(sources)
    sources.registry.put_wearer(Wearer("c-2", "New client"))
    app = run()
    assert app.selectbox[0].options == ["Demo client", "New client"]
    app.selectbox[0].set_value("c-2").run()
    assert not app.exception
    assert "No sensor is assigned yet" in shown(app)


def test_nobody_yet(sources: Sources, run: Run) -> None:
    assert "No client yet" in shown(run())
    assert sources.registry.wearers() == []


def test_a_store_that_is_not_there_says_what_to_do(run: Run) -> None:
    page = shown(run())
    assert "cannot be read just now" in page
    assert "tries again by itself" in page


def test_a_damaged_store_is_no_traceback(tmp_path: Path, run: Run) -> None:
    store_url, registry_url = seed.urls(tmp_path)
    open_registry(registry_url).close()
    open_series(store_url).close()
    (tmp_path / "series.sqlite").write_bytes(b"this is no database, whatever its name says" * 100)
    page = shown(run())
    assert "cannot be read just now" in page
    assert "Traceback" not in page


def test_a_store_that_fails_later_leaves_the_page_standing(
    sources: Sources, tmp_path: Path, run: Run
) -> None:
    fill_today(sources)
    app = run()
    with sqlite3.connect(tmp_path / "series.sqlite") as connection:
        connection.execute("DROP TABLE episode")
    connection.close()
    run_until(app, lambda page: "cannot be read just now" in page)
    assert "What is shown below was read before that" in shown(app)
    assert "Coracobrachialis" in shown(app)


def test_addresses_must_be_set() -> None:
    with pytest.raises(SettingError, match="PLUMBLINE_REGISTRY_URL not set"):
        sources.addresses({sources.STORE_URL: "sqlite:x"})


def test_the_command_line_is_quiet_and_local() -> None:
    command, environment = launch.command(
        store_url="sqlite:a", registry_url="sqlite:b", host="127.0.0.1", port=8123
    )
    assert {"--server.port=8123", "--server.address=127.0.0.1", "--server.headless=true"} <= set(
        command
    )
    assert "--browser.gatherUsageStats=false" in command
    assert environment[sources.STORE_URL] == "sqlite:a"
    assert (Path(environment["PYTHONPATH"]) / "dashboard" / "app.py").is_file()
