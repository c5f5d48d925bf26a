"""Every adapter of the series port, by name: the conformance suite runs over each."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from store import open_series
from store.ports import SeriesStore

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
