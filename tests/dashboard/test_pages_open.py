"""Each page opens for its role without an exception: on both stores, and while there is nothing to show."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import shell
from dashboard.entry.access import ALLOWED, PAGES, Act, Viewer
from dashboard.reading import sources
from store.open import open_registry, open_series
from store.people_ports import Role
from tests.dashboard import shell_room
from tests.dashboard.clinic import Clinic, clinic, copy_series, seeded_clinic
from tests.influx import InfluxServer, server

__all__ = ["clinic", "seeded_clinic", "server"]

SCRIPT = "from tests.dashboard.shell_room import show\nshow()\n"
#: Every page of every role.
ROLE_PAGES = [(role, act) for role in Role for act in PAGES if act in ALLOWED[role]]
#: Words of cards that stand where something failed.
FAILED = ("cannot be read", "went wrong", "cannot be shown")


def opened(at: Clinic, viewer: Viewer, act: Act) -> AppTest:
    """The page as somebody opens it."""
    found = sources.open_sources(at.store_url, at.registry_url)
    try:
        shell_room.room[:] = [shell_room.Room(found, viewer, act, lambda: at.now_ns)]
        app = AppTest.from_string(SCRIPT, default_timeout=60).run()
    finally:
        found.series.close()
        found.registry.close()
    return app


def check(app: AppTest) -> None:
    said = "\n".join(html.proto.body for html in app.get("html"))
    assert not app.exception, app.exception
    assert not app.error, app.error
    assert shell.NOT_YOURS not in said
    assert not any(words in said for words in FAILED), said


@pytest.mark.parametrize(("role", "act"), ROLE_PAGES)
def test_on_sqlite(clinic: Clinic, role: Role, act: Act) -> None:
    check(opened(clinic, clinic.viewer(role), act))


def test_on_influxdb(clinic: Clinic, server: InfluxServer) -> None:
    there = copy_series(clinic, server.url(frame_days=0))
    for role, act in ROLE_PAGES:
        check(opened(there, there.viewer(role), act))


@pytest.fixture
def unworn(clinic: Clinic, tmp_path: Path) -> Clinic:
    """The same people, of whom nothing was ever measured."""
    url = f"sqlite:{tmp_path / 'empty.sqlite'}"
    open_series(url).close()
    return Clinic(url, clinic.registry_url, clinic.made, clinic.now_ns)


def test_with_nothing_measured(unworn: Clinic) -> None:
    for role, act in ROLE_PAGES:
        check(opened(unworn, unworn.viewer(role), act))


def test_with_nobody_let_look(clinic: Clinic) -> None:
    registry = open_registry(clinic.registry_url)
    for grant in registry.people.grants():
        registry.people.revoke(grant.wearer, grant.account, clinic.now_ns)
    registry.close()
    viewer = replace(clinic.viewer(Role.THERAPIST), granted=frozenset())
    for act in (act for act in PAGES if act in ALLOWED[Role.THERAPIST]):
        check(opened(clinic, viewer, act))


def test_every_page_of_the_navigation_is_a_module() -> None:
    assert set(shell.MODULES) == set(PAGES)
    for module in shell.MODULES.values():
        assert callable(import_module(f"dashboard.pages.{module}").page)
