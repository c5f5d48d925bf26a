"""What an InfluxDB store holds, and how exactly: its buckets, rows and what reads them."""

from __future__ import annotations

import time

import pytest

from contracts.errors import PlumblineError, Reason, StoreError
from contracts.records import FrameBlock
from contracts.units import NS_PER_S
from store.influx import InfluxSeriesStore
from store.influx_flux import TIMELESS, keep, source
from store.influx_schema import VERSION
from store.ports import Commit, WearerRows
from tests.influx import ORG, InfluxServer
from tests.store.influx_commits import (
    Opened,
    commit,
    refusal,
)
from tests.store.processes import EVER, FIRST_S, KEY, frames_from
from tests.store.records import assert_same_frames, erase, minute


def test_the_first_start_makes_the_buckets(server: InfluxServer, opened: Opened) -> None:
    opened(server.url("first", frame_days=30))
    _, found = server.request("GET", f"/api/v2/buckets?org={ORG}&limit=100")
    rules = {b["name"]: b["retentionRules"] for b in found["buckets"]}
    assert rules["first-frames"][0]["everySeconds"] == 30 * 86_400
    assert rules["first-kept"] == [] or rules["first-kept"][0]["everySeconds"] == 0


def test_the_wearer_is_a_tag(server: InfluxServer, opened: Opened) -> None:
    store = opened(server.url("tags"))
    store.commit(commit(1, frames_from(FIRST_S, 2)))
    flux = (
        'import "influxdata/influxdb/schema" schema.tagValues(bucket: "tags-frames", tag: "wearer"'
    )
    found = store._server.ask(f"{flux}, start: 0)")
    assert found["_value"] == ["w"]


def test_frames_older_than_the_bucket_keeps_are_let_go_and_the_rest_is_kept(
    server: InfluxServer, opened: Opened
) -> None:
    store = opened(server.url(frame_days=30))
    now_s = int(time.time())
    store.commit(commit(1, frames_from(FIRST_S, 10), minutes=[minute(FIRST_S)]))
    store.commit(commit(2, FrameBlock.concat([frames_from(FIRST_S, 5), frames_from(now_s, 5)])))
    assert len(store.frames("w", *EVER)) == 5
    assert store.minutes("w", *EVER) == [minute(FIRST_S)]
    assert store.checkpoint().cursors == {KEY: 2}


def test_an_angle_that_was_there_is_gone_when_the_row_is_written_again(
    server: InfluxServer, opened: Opened
) -> None:
    store = opened(server.url())
    before, after = frames_from(FIRST_S, 4), frames_from(FIRST_S, 4)
    after.pelvis_flexion_deg[1:3] = float("nan")
    store.commit(commit(1, before))
    store.commit(commit(2, after))
    assert_same_frames(store.frames("w", *EVER), after)


def test_days_of_backlog_and_a_large_snapshot_in_one_commit(
    server: InfluxServer, opened: Opened
) -> None:
    store = opened(server.url())
    frames, snapshot = frames_from(FIRST_S, 50_000), bytes(range(256)) * 4000
    noise = b"".join(hash((i, "salt")).to_bytes(8, "big", signed=True) for i in range(40_000))
    store.commit(commit(1, frames, snapshot=snapshot + noise))
    assert_same_frames(store.frames("w", *EVER), frames)
    assert store.checkpoint().snapshots == {"w": snapshot + noise}
    store.commit(commit(2, snapshot=b"small"))
    assert store.checkpoint().snapshots == {"w": b"small"}


def test_a_minute_computed_ahead_leaves_one_point(server: InfluxServer, opened: Opened) -> None:
    url = server.url(frame_days=30)
    store = opened(url)
    for second in range(60):
        store.commit(Commit([WearerRows("w", ahead=frames_from(FIRST_S + second, 1))]))
    assert points(store) == 1
    store.close()
    for _ in range(2):  # each start takes a version of its own
        store = opened(url)
        store.claim()
        store.close()
    assert points(opened(url)) == 1


def points(store: InfluxSeriesStore) -> int:
    ahead = source(store._kept, *TIMELESS, _measurement="ahead", wearer="w")
    return len(store._server.ask(ahead + keep("_time")).get("_time", []))


def test_what_a_reader_says_of_a_store_that_is_not_there(server: InfluxServer) -> None:
    error = refusal(server.url(), read_only=True)
    assert error.reason is Reason.STORE_UNREACHABLE
    assert "analytics" in error.hint


def test_a_reader_says_so_when_it_is_to_write(server: InfluxServer, opened: Opened) -> None:
    url = server.url()
    opened(url)
    reader = opened(url, read_only=True)
    for write in (lambda: reader.commit(commit(1)), lambda: reader.erase_some("w")):
        with pytest.raises(StoreError, match="cannot be written"):
            write()


def test_a_later_versions_store_is_left_alone(server: InfluxServer, opened: Opened) -> None:
    url = server.url()
    store = opened(url)
    store._server.write(store._kept, [f"schema version=99i {1_577_836_800 * NS_PER_S}"])
    for read_only in (False, True):
        assert refusal(url, read_only=read_only).reason is Reason.STORE_SCHEMA


def test_an_older_store_goes_forward_and_keeps_its_frames(
    server: InfluxServer, opened: Opened
) -> None:
    url = server.url()
    store = opened(url)
    server_, kept = store._server, store._kept
    server_.write(kept, [f"schema version=1i {1_577_836_800 * NS_PER_S}"])
    server_.write(
        store._frames,
        [
            (
                "frame,wearer=w angles=1i,posture=1i,activity=1i,activity_source=1i,"
                "confidence_percent=98i,quality=1i,samples=50i,missing=8i,"
                f"thorax_flexion_cdeg=120i {FIRST_S * NS_PER_S}"
            )
        ],
    )
    (frame,) = opened(url, read_only=True).frames("w", *EVER).rows()
    assert (frame.thorax_flexion_deg, frame.suspect) == (1.2, ())
    store = opened(url)
    marks = store._server.ask(source(kept, *TIMELESS, _measurement="schema") + keep("_value"))
    assert marks == {"_value": [str(VERSION)]}
    store.commit(commit(1, frames_from(FIRST_S + 1, 2)))
    assert store.frames("w", *EVER).suspect.tolist() == [0, 0, 0]


def test_rows_of_another_program_are_said(server: InfluxServer, opened: Opened) -> None:
    store = opened(server.url())
    store._server.write(store._frames, [f'frame,wearer=x posture="up" {FIRST_S * NS_PER_S}'])
    with pytest.raises(StoreError, match="another program") as refused:
        store.commit(commit(1, frames_from(FIRST_S + 1, 3)))
    assert refused.value.reason is Reason.STORE_SCHEMA
    assert store.checkpoint().cursors == {}


def test_a_damaged_row_is_said(server: InfluxServer, opened: Opened) -> None:
    store = opened(server.url())
    base_ns = 1_577_836_800 * NS_PER_S
    store._server.write(store._kept, [f'minute,wearer=w body="{{" {FIRST_S * NS_PER_S}'])
    store._server.write(store._kept, [f'snapshot,wearer=w parts=1i,part0="??" {base_ns + 1}'])
    for read in (lambda: store.minutes("w", *EVER), store.checkpoint):
        with pytest.raises(StoreError) as refused:
            read()
        assert refused.value.reason is Reason.STORE_CORRUPT


def test_a_name_is_never_part_of_a_question(server: InfluxServer, opened: Opened) -> None:
    store = opened(server.url())
    store.commit(commit(1, frames_from(FIRST_S, 3)))
    for name in ('" or r.wearer == "w', 'x") |> yield() //', "${1}", "\\", "w\\"):
        assert len(store.frames(name, *EVER)) == 0
        assert erase(store, name) == 0
        with pytest.raises(PlumblineError):
            store.commit(Commit([WearerRows(name, frames_from(FIRST_S, 1))]))
    assert len(store.frames("w", *EVER)) == 3
