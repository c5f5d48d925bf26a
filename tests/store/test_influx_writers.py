"""Several writers of one InfluxDB store, one of them late, dead or elsewhere: none undoes another."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.errors import Reason, StoreError
from store.influx import InfluxSeriesStore
from store.ports import Commit, WearerRows
from tests.influx import InfluxServer
from tests.store.influx_commits import (
    NOBODY,
    Opened,
    commit,
    commit_until_done,
    wait_for,
)
from tests.store.processes import EVER, FIRST_S, KEY, frames_from
from tests.store.proxy import TcpProxy
from tests.store.records import assert_same_frames, episode, minute

STALE = [
    Commit([WearerRows("w", NOBODY, episodes=[episode(10, 70)], minutes=[minute(60)])]),
    Commit([WearerRows("w", NOBODY, snapshot=b"stale")], {KEY: 2}),
    Commit([WearerRows("w", ahead=frames_from(FIRST_S, 1))]),
]


@pytest.mark.parametrize("stale", STALE, ids=["rows", "checkpoint", "ahead"])
def test_a_write_that_arrives_late_does_not_undo_later_ones(
    server: InfluxServer, opened: Opened, proxy: TcpProxy, stale: Commit
) -> None:
    url = server.url()
    looker = opened(url)
    store = opened(url.replace(f":{server.port}?", f":{proxy.port}?"))
    store.claim()
    proxy.hold()
    with pytest.raises(StoreError):
        store.commit(stale)
    commit_until_done(store, stale)
    ahead = frames_from(FIRST_S + 7, 1)
    store.commit(commit(3, episodes=[episode(10, 130)], snapshot=b"later", ahead=ahead))
    before = values(looker)
    proxy.release()
    wait_for(lambda: values(looker) > before)
    assert store.episodes("w", *EVER) == [episode(10, 130)]
    assert store.checkpoint().cursors == {KEY: 3}
    assert store.checkpoint().snapshots == {"w": b"later"}
    assert_same_frames(store.ahead("w"), ahead)


def values(store: InfluxSeriesStore) -> int:
    """How many values the kept bucket holds, every version of every row, but for the lease."""
    flux = (
        f'from(bucket: "{store._address.kept}") |> range(start: 0)'
        ' |> filter(fn: (r) => r._measurement != "lease") |> toString() |> group() |> count()'
    )
    return int(store._server.ask(flux)["_value"][0])


def test_a_process_that_starts_anew_is_not_undone_by_the_one_before(
    server: InfluxServer, opened: Opened, proxy: TcpProxy
) -> None:
    url = server.url()
    before = opened(url.replace(f":{server.port}?", f":{proxy.port}?"))
    before.claim()
    before.commit(commit(1, snapshot=b"one"))
    proxy.hold()
    with pytest.raises(StoreError):
        before.commit(commit(2, snapshot=b"two"))
    before.close()
    after = opened(url)
    after.claim()
    held = values(after)
    proxy.release()
    wait_for(lambda: values(after) > held)
    assert after.checkpoint().cursors == {KEY: 1}
    assert after.checkpoint().snapshots == {"w": b"one"}


def stop_beating(holder: InfluxSeriesStore) -> None:
    """Its last beat is over when this returns: one that is still on its way would look alive."""
    thread = holder._lease._thread
    assert thread is not None
    holder._lease._ended.set()
    thread.join()


def test_another_machine_waits_until_the_lease_stands_still(
    server: InfluxServer, opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.influx_lease.BEAT_S", 0.1)
    url = server.url()
    holder = opened(url)
    holder.claim()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))  # locks of another machine
    other = opened(url)
    with pytest.raises(StoreError, match="Another analytics") as refused:
        other.claim()
    assert refused.value.reason is Reason.STORE_IN_USE
    monkeypatch.setattr("store.influx_lease.STILL_S", 1.0)
    stop_beating(holder)  # as if that machine had gone
    other.claim()
    other.commit(commit(1))
    with pytest.raises(StoreError, match="Another analytics"):
        wait_for(lambda: holder.commit(commit(2)) is not None)
    assert other.checkpoint().cursors == {KEY: 1}
