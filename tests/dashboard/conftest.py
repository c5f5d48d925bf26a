"""Real stores with a believable day, and the dashboard that shows them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from dashboard.reading.sources import Sources
from store.open import open_registry, open_series
from tests.dashboard import screenshots, seed
from tests.influx import server

__all__ = ["server"]

#: 2026-03-03 17:30:00 UTC, a Tuesday.
EVENING_NS = 1_772_559_000 * seed.NS_PER_S


_MAIN = sys.modules["__main__"]


@pytest.fixture(autouse=True)
def main_module() -> Iterator[None]:
    """A page that ran in this process leaves its script as the main module, which processes that are
    started later would run again; it is put back.
    """
    yield
    sys.modules["__main__"] = _MAIN


class Clock:
    """The time on the page; tests turn it."""

    now_ns = EVENING_NS

    def __call__(self) -> int:
        return self.now_ns


@pytest.fixture
def clock() -> Clock:
    """It stands at the end of the seeded day."""
    return Clock()


@pytest.fixture
def sources(tmp_path: Path) -> Iterator[Sources]:
    """An empty store and registry, open for writing."""
    store_url, registry_url = seed.urls(tmp_path)
    found = Sources(open_series(store_url), open_registry(registry_url))
    yield found
    found.series.close()
    found.registry.close()


@pytest.fixture
def workday(sources: Sources) -> Sources:
    """The seeded wearer and day, which ends at EVENING_NS."""
    seed.register(sources.registry)
    seed.fill(sources.series, EVENING_NS)
    return sources


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    """The system's Chromium, started once a module."""
    with screenshots.chromium(chromium) as started:
        yield started


@pytest.fixture
def evening_ns() -> int:
    """The end of the seeded day."""
    return EVENING_NS
