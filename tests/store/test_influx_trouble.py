"""An InfluxDB that is away, slow, full, refuses or cannot be trusted: said, and nothing lost."""

from __future__ import annotations

import shutil
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest

from contracts.errors import Reason, StoreError
from contracts.records import FrameBlock
from store import open_series
from store.influx import InfluxSeriesStore
from tests.influx import ORG, InfluxServer
from tests.store.influx_commits import (
    PATIENCE_S,
    Opened,
    commit,
    commit_until_done,
    refusal,
    wait_for,
)
from tests.store.processes import EVER, FIRST_S, KEY, frames_from
from tests.store.proxy import TcpProxy
from tests.store.records import assert_same_frames


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
