"""The page as Streamlit runs it, on real stores, without a browser."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.runtime import context
from streamlit.testing.v1 import AppTest

from contracts.errors import SettingError
from contracts.units import NS_PER_S
from dashboard import launch
from dashboard.entry.access import Act, Viewer
from dashboard.reading import sources
from dashboard.reading.sources import Sources
from store.open import open_registry, open_series
from store.people_ports import Role
from store.ports import Wearer
from tests.dashboard import seed, shell_room, signing_in

APP = Path(launch.__file__).parent / "script" / "page.py"


SHELL = "from tests.dashboard.shell_room import show\nshow()\n"
Run = Callable[..., AppTest]


@pytest.fixture
def stored(request: pytest.FixtureRequest) -> Sources:
    """The stores for writing, where a test names the module of the same name as well."""
    found = request.getfixturevalue("sources")
    assert isinstance(found, Sources)
    return found


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs the page on the stores of tmp_path, for somebody who is signed in where an account is given."""
    store_url, registry_url = seed.urls(tmp_path)
    monkeypatch.setenv(sources.STORE_URL, store_url)
    monkeypatch.setenv(sources.REGISTRY_URL, registry_url)

    def start(**who: object) -> AppTest:
        token = signing_in.token(registry_url, **who) if who else ""
        cookies = property(signing_in.cookies(token))
        monkeypatch.setattr(context.ContextProxy, "cookies", cookies)
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
    app = run(wearer=seed.WEARER)
    page = shown(app)
    for words in ("Today, ", "Live", "Rounded", "for 14 min", "7 h 14 min"):
        assert words in page
    assert len(app.get("vega_lite_chart")) == 2
    assert len(app.radio[0].options) == 6
    for words in ("Areas to assess", "Coracobrachialis", "Rhomboids", "not a diagnosis", "saddle"):
        assert words in page


def test_a_day_before_has_no_posture_now(sources: Sources, run: Run) -> None:
    now_ns = time.time_ns()
    seed.register(sources.registry, timezone=seed.afternoon_zone(now_ns))
    seed.fill(sources.series, now_ns - 24 * 3600 * NS_PER_S)
    app = run(wearer=seed.WEARER)
    page = shown(app)
    assert "Yesterday, " in page
    assert "Posture now" not in page
    assert "Last data" in page
    app.button[1].click().run()
    assert not app.exception
    assert "No data today yet" in shown(app)


def test_several_clients_can_be_chosen(stored: Sources, tmp_path: Path) -> None:
    fill_today(stored)
    stored.registry.put_wearer(Wearer("c-2", "New client"))
    found = sources.open_sources(*seed.urls(tmp_path))
    granted = frozenset({seed.WEARER, "c-2"})
    viewer = Viewer("t", "The therapist", frozenset({Role.THERAPIST}), granted=granted)
    shell_room.room[:] = [shell_room.Room(found, viewer, Act.TODAY, time.time_ns)]
    app = AppTest.from_string(SHELL, default_timeout=60)
    app.query_params["client"] = seed.WEARER
    app.run()
    assert app.selectbox[0].options == ["Demo client", "New client"]
    app.selectbox[0].set_value("c-2").run()
    assert not app.exception
    assert "No sensor is assigned yet" in shown(app)
    found.series.close()
    found.registry.close()


def test_nobody_is_shown_anything_before_signing_in(sources: Sources, run: Run) -> None:
    fill_today(sources)
    page = shown(run())
    assert "You are signed out" in page
    assert "Demo client" not in page


def test_a_therapist_whom_nobody_lets_look(sources: Sources, run: Run) -> None:
    fill_today(sources)
    page = shown(run(role=Role.THERAPIST))
    assert "No client lets you look yet" in page
    assert "Demo client" not in page


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
    app = run(wearer=seed.WEARER)
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
    assert (Path(environment["PYTHONPATH"]) / "dashboard" / "web.py").is_file()
    assert any(word.endswith("web.py") for word in command)
