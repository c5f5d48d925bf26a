"""Questions of a page are counted by running it, and nothing else is printed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.entry.access import Act, Viewer
from plumbline.bench_questions import count_questions
from store import open_registry, open_series
from store.people_ports import Role
from store.ports import Wearer
from tests.dashboard import seed

WEARER = "c-1"
VIEWER = Viewer("a-1", "Kim", frozenset({Role.CLIENT}), wearer=WEARER)


@pytest.fixture
def main_module() -> Iterator[None]:
    before = sys.modules["__main__"]
    yield
    assert sys.modules["__main__"] is before


def test_a_page_is_counted_without_a_warning(
    tmp_path: Path, main_module: None, caplog: pytest.LogCaptureFixture
) -> None:
    series_url, registry_url = (f"sqlite:{tmp_path}/{name}.sqlite" for name in ("s", "r"))
    open_series(series_url).close()
    registry = open_registry(registry_url)
    registry.put_wearer(Wearer(WEARER, "Kim"))
    registry.close()
    counted = count_questions(series_url, registry_url, VIEWER, Act.WEEK, {"week": "2026-W10"})
    assert counted["first"]["store"]["all"] > 0
    assert counted["again"]["store"]["all"] <= counted["first"]["store"]["all"]
    assert [record.message for record in caplog.records] == []


def test_today_asks_once_for_what_was_computed_ahead(tmp_path: Path, main_module: None) -> None:
    seed.main([str(tmp_path)])
    viewer = Viewer("a-1", "Kim", frozenset({Role.CLIENT}), wearer=seed.WEARER)
    counted = count_questions(*seed.urls(tmp_path), viewer, Act.TODAY, {})
    assert counted["first"]["store"]["ahead"] == 1
    # asked anew where a run took over a second
    assert counted["again"]["store"].get("ahead", 0) <= 1
