"""The client of tests.dashboard.reviewed and their week, made once a module: for tests that change neither."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dashboard.review.model import WeekReview
from store.open import open_registry, open_series
from tests.dashboard import reviewed, seed


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[reviewed.Client]:
    """The client in a real store."""
    series_url, registry_url = seed.urls(tmp_path_factory.mktemp("client"))
    found = reviewed.Client(open_series(series_url), open_registry(registry_url))
    reviewed.fill(found)
    yield found
    found.series.close()
    found.registry.close()


@pytest.fixture(scope="module")
def review(client: reviewed.Client) -> WeekReview:
    """The client's week."""
    return reviewed.review(client)
