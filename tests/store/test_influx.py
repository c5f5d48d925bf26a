"""What is InfluxDB's own: a server that is away, slow, full or strange, and writes that come late."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from contracts.errors import PlumblineError, Reason, SettingError, StoreError
from contracts.records import FrameBlock
from contracts.units import NS_PER_S
from store import open_series
from store.influx import InfluxSeriesStore
from store.ports import Commit, WearerRows
from tests.influx import ORG, InfluxServer
from tests.store.processes import EVER, FIRST_S, KEY, frames_from
from tests.store.proxy import TcpProxy
from tests.store.records import assert_same_frames, episode, minute

NOBODY = FrameBlock.from_rows(())
PATIENCE_S = 60.0


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


@pytest.fixture(scope="module")
def server(influxd: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    """A server of this file's own, that may be stopped. Each test leaves it running."""
    server = InfluxServer(influxd, tmp_path_factory.mktemp("influx"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def opened(server: InfluxServer) -> Iterator[Callable[..., InfluxSeriesStore]]:
    """Opens stores; all are closed at the end."""
    stores: list[InfluxSeriesStore] = []

    def opener(url: str, *, read_only: bool = False) -> InfluxSeriesStore:
        store = open_series(url, read_only=read_only)
        assert isinstance(store, InfluxSeriesStore)
        stores.append(store)
        return store

    yield opener
    for store in stores:
        store.close()


@pytest.fixture
def proxy(server: InfluxServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[TcpProxy]:
    """A proxy before the server, and stores that wait for two seconds only."""
    monkeypatch.setattr("store.influx_http.ANSWER_TIMEOUT_S", 2.0)
    proxy = TcpProxy(server.port)
    yield proxy
    proxy.close()


Opened = Callable[..., InfluxSeriesStore]


def refusal(url: str, *, read_only: bool = False) -> PlumblineError:
    with pytest.raises(PlumblineError) as refused:
        open_series(url, read_only=read_only)
    assert refused.value.hint
    return refused.value


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


class Writer(threading.Thread):
    """Commits a hundred frames after the other, each until it is taken, as analytics does."""

    def __init__(self, store: InfluxSeriesStore) -> None:
        super().__init__()
        self.done = 0
        self.refused: list[Reason] = []
        self.enough = threading.Event()
        self._store = store

    def run(self) -> None:
        while not self.enough.is_set():
            frames = frames_from(FIRST_S + 100 * self.done, 100)
            new = commit(self.done + 1, frames, snapshot=str(self.done).encode())
            self.refused += commit_until_done(self._store, new)
            self.done += 1


def test_stopped_and_killed_while_it_is_written_to_it_has_all_of_it(
    server: InfluxServer, opened: Opened
) -> None:
    store = opened(server.url())
    store.claim()
    writer = Writer(store)
    writer.start()
    for end in (server.kill, server.stop):
        done, refused = writer.done, len(writer.refused)
        wait_for(lambda done=done: writer.done > done + 10)
        end()
        server.start()
        wait_for(lambda refused=refused: len(writer.refused) > refused)
    writer.enough.set()
    writer.join(PATIENCE_S)
    assert set(writer.refused) == {Reason.STORE_UNREACHABLE}
    assert_same_frames(
        store.frames("w", *EVER),
        FrameBlock.concat([frames_from(FIRST_S + 100 * n, 100) for n in range(writer.done)]),
    )
    assert store.checkpoint().cursors == {KEY: writer.done}
    assert store.checkpoint().snapshots == {"w": str(writer.done - 1).encode()}


def test_a_server_that_is_away_is_said(server: InfluxServer) -> None:
    url = server.url()
    server.stop()
    try:
        for read_only in (False, True):
            error = refusal(url, read_only=read_only)
            assert error.reason is Reason.STORE_UNREACHABLE
            assert str(server.port) in error.message
    finally:
        server.start()


def test_a_wrong_token_is_said_and_never_shown(server: InfluxServer, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("not-the-token\n")
    error = refusal(server.url(token_file=file))
    assert error.reason is Reason.STORE_REFUSED
    assert "not-the-token" not in f"{error} {error!r}"


def test_a_token_that_is_taken_away_is_said_and_nothing_is_acknowledged(
    server: InfluxServer, opened: Opened, tmp_path: Path
) -> None:
    prefix = "revoked"
    opened(server.url(prefix))
    _, organisations = server.request("GET", "/api/v2/orgs")
    org = next(found["id"] for found in organisations["orgs"] if found["name"] == ORG)
    rights = [{"action": a, "resource": {"type": "buckets"}} for a in ("read", "write")]
    status, made = server.request(
        "POST", "/api/v2/authorizations", {"orgID": org, "permissions": rights}
    )
    assert status == 201, made
    file = tmp_path / "token"
    file.write_text(made["token"])
    store = opened(server.url(prefix, token_file=file))
    store.commit(commit(1))
    server.request("PATCH", f"/api/v2/authorizations/{made['id']}", {"status": "inactive"})
    with pytest.raises(StoreError) as refused:
        store.commit(commit(2, frames_from(FIRST_S, 3)))
    assert refused.value.reason is Reason.STORE_REFUSED
    assert made["token"] not in str(refused.value)
    server.request("PATCH", f"/api/v2/authorizations/{made['id']}", {"status": "active"})
    assert store.checkpoint().cursors == {KEY: 1}
    commit_until_done(store, commit(2, frames_from(FIRST_S, 3)))


def test_an_organisation_that_is_not_there_is_said(server: InfluxServer) -> None:
    error = refusal(server.url(org="nobodys"))
    assert error.reason in (Reason.STORE_UNREACHABLE, Reason.STORE_REFUSED)


def test_a_server_that_does_not_answer_is_given_up_on(
    server: InfluxServer, opened: Opened, proxy: TcpProxy
) -> None:
    store = opened(server.url(port=proxy.port))
    proxy.hold()
    with pytest.raises(StoreError, match="in time") as slow:
        store.commit(commit(1, frames_from(FIRST_S, 3)))
    assert slow.value.reason is Reason.STORE_UNREACHABLE
    proxy.release()
    commit_until_done(store, commit(1, frames_from(FIRST_S, 3)))
    assert store.checkpoint().cursors == {KEY: 1}


def test_a_connection_that_is_cut_is_made_anew(
    server: InfluxServer, opened: Opened, proxy: TcpProxy
) -> None:
    store = opened(server.url(port=proxy.port))
    store.commit(commit(1, frames_from(FIRST_S, 3)))
    proxy.cut()
    assert len(store.frames("w", *EVER)) == 3  # a reader does not even notice
    proxy.cut()
    commit_until_done(store, commit(2, frames_from(FIRST_S, 6)))
    assert len(store.frames("w", *EVER)) == 6


STALE = [
    Commit([WearerRows("w", NOBODY, episodes=[episode(10, 70)], minutes=[minute(60)])]),
    Commit([WearerRows("w", NOBODY, snapshot=b"stale")], {KEY: 2}),
]


@pytest.mark.parametrize("stale", STALE, ids=["rows", "checkpoint"])
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
    store.commit(commit(3, episodes=[episode(10, 130)], snapshot=b"later"))
    before = values(looker)
    proxy.release()
    wait_for(lambda: values(looker) > before)
    assert store.episodes("w", *EVER) == [episode(10, 130)]
    assert store.checkpoint().cursors == {KEY: 3}
    assert store.checkpoint().snapshots == {"w": b"later"}


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
    holder._lease._ended.set()  # as if that machine had gone
    other.claim()
    other.commit(commit(1))
    with pytest.raises(StoreError, match="Another analytics"):
        wait_for(lambda: holder.commit(commit(2)) is not None)
    assert other.checkpoint().cursors == {KEY: 1}


def test_what_a_reader_says_of_a_store_that_is_not_there(server: InfluxServer) -> None:
    error = refusal(server.url(), read_only=True)
    assert error.reason is Reason.STORE_UNREACHABLE
    assert "analytics" in error.hint


def test_a_reader_says_so_when_it_is_to_write(server: InfluxServer, opened: Opened) -> None:
    url = server.url()
    opened(url)
    reader = opened(url, read_only=True)
    for write in (lambda: reader.commit(commit(1)), lambda: reader.erase("w")):
        with pytest.raises(StoreError, match="cannot be written"):
            write()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 6 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", folder]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("a small disk needs a user who may mount one")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_is_said_and_loses_nothing(influxd: Path, small_disk: Path) -> None:
    server = InfluxServer(influxd, small_disk)
    server.start()
    store = open_series(server.url())
    noise = np.random.default_rng(1)
    done = 0
    try:
        with pytest.raises(StoreError) as refused:
            for number in range(100):
                frames = frames_from(FIRST_S + 3000 * number, 3000)
                store.commit(commit(number + 1, frames, snapshot=noise.bytes(100_000)))
                done += 1
        assert refused.value.reason is Reason.DISK_FULL
        with pytest.raises(StoreError):
            store.commit(commit(done + 1, frames))
        subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
        server.stop()  # it does not open again by itself what it failed to open
        server.start()
        assert store.checkpoint().cursors == {KEY: done}
        store.commit(commit(done + 1, frames))
        assert len(store.frames("w", *EVER)) == 3000 * (done + 1)
    finally:
        store.close()
        server.stop()


def test_a_later_versions_store_is_left_alone(server: InfluxServer, opened: Opened) -> None:
    url = server.url()
    store = opened(url)
    store._server.write(store._kept, [f"schema version=99i {1_577_836_800 * NS_PER_S}"])
    for read_only in (False, True):
        assert refusal(url, read_only=read_only).reason is Reason.STORE_SCHEMA


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
        assert store.erase(name) == 0
        with pytest.raises(PlumblineError):
            store.commit(Commit([WearerRows(name, frames_from(FIRST_S, 1))]))
    assert len(store.frames("w", *EVER)) == 3


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1, signed by itself, and its key."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("openssl is not on this machine")
    made, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    command = [program, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=plumbline-test", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, "-out", made, "-keyout", key], check=True, capture_output=True)
    return made, key


def test_a_server_is_trusted_by_its_certificate_only(
    influxd: Path, tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    made, key = certificate
    folder = tmp_path / "influx"
    folder.mkdir()
    server = InfluxServer(influxd, folder, certificate=made, key=key)
    server.start()
    try:
        store = open_series(server.url(ca_file=made))
        store.commit(commit(1))
        assert store.checkpoint().cursors == {KEY: 1}
        store.close()
        error = refusal(server.url())
        assert error.reason is Reason.STORE_REFUSED
        assert "ca-file" in error.hint
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("influx:", "no http or https server"),
        ("influx:ftp://h?org=o&token-file=t", "no http or https server"),
        ("influx:http://h:x?org=o&token-file=t", "no http or https server"),
        ("influx:http://u:p@h?org=o&token-file=t", "a user or a password"),
        ("influx:http://h/path?org=o&token-file=t", "a path"),
        ("influx:http://h?token-file=t", "does not say org"),
        ("influx:http://h?org=o", "does not say token-file"),
        ("influx:http://h?org=o&token-file=t&token=t", "unknown option token"),
        ("influx:http://h?org=o&org=o&token-file=t", "twice"),
        ("influx:http://h?org=o&token-file=t&frame-days=x", "frame-days"),
        ("influx:http://h?org=o&token-file=t&bucket-prefix=a/b", "bucket-prefix"),
    ],
)
def test_an_address_that_is_none_is_refused(url: str, said: str) -> None:
    with pytest.raises(SettingError, match=said) as refused:
        open_series(url)
    assert refused.value.reason is Reason.BAD_SETTING
    assert "influx:https://" in refused.value.hint


def test_a_token_file_that_holds_none_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "token"
    for content in (None, b"", b" \n", b"two\nlines", b"\xff\xfe", b"x" * 5000):
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(SettingError, match="token file"):
            open_series(f"influx:http://127.0.0.1:9?org=o&token-file={file}")
