"""How tests write to an InfluxDB store, and wait for it."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from contracts.errors import PlumblineError, Reason, StoreError
from contracts.records import FrameBlock
from store import open_series
from store.influx import InfluxSeriesStore
from store.ports import Commit, WearerRows
from tests.store.processes import KEY

NOBODY = FrameBlock.from_rows(())
PATIENCE_S = 60.0
Opened = Callable[..., InfluxSeriesStore]


def commit(seq: int, frames: FrameBlock = NOBODY, **rest: object) -> Commit:
    return Commit([WearerRows("w", frames, **rest)], {KEY: seq})


def commit_until_done(store: InfluxSeriesStore, new: Commit) -> list[Reason]:
    """As analytics does: again and again; why it was refused."""
    refused = []
    ends_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends_s:
        try:
            store.commit(new)
        except StoreError as error:
            refused.append(error.reason)
            time.sleep(0.05)
        else:
            return refused
    raise AssertionError(refused)


def wait_for(condition: Callable[[], bool]) -> None:
    ends_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < ends_s
        time.sleep(0.02)


def refusal(url: str, *, read_only: bool = False) -> PlumblineError:
    with pytest.raises(PlumblineError) as refused:
        open_series(url, read_only=read_only)
    assert refused.value.hint
    return refused.value
