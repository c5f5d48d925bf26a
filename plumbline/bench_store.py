"""Benchmark: either store against the plainest way of writing the same rows, and the size of a day."""

from __future__ import annotations

import contextlib
import http.client
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from contracts.errors import PlumblineError, Reason
from plumbline.bench_influxd import ORG, BenchInflux, require_influxd
from plumbline.bench_ratio import Cost, compared, cost_of, in_turn, wall_ratio
from plumbline.bench_rows import commits_of, minutes_of_rows
from plumbline.bench_site import wait_until
from plumbline.ports import LOOPBACK
from store import open_series, rows
from store.influx_http import MAX_LINES
from store.influx_lines import commit_lines
from store.ports import Commit, SeriesStore

WEARERS: Final = 50
#: Commits of a minute each in one run.
COMMITS: Final = 10
REPEATS: Final = 7
DAY_MINUTES: Final = 8 * 60
DAY_WEARERS: Final = 2
TARGET: Final = 0.8
DAY_TARGET_MB: Final = 1.5
#: What InfluxDB would do after ten minutes and four hours without a write.
SOON_COMPACTED: Final = (
    "--storage-cache-snapshot-write-cold-duration=1s",
    "--storage-compact-full-write-cold-duration=1s",
)
#: In which a file system counts: InfluxDB makes files larger than what is in them.
BLOCK_BYTES: Final = 512
_MB: Final = 1_000_000
_FRAME: Final = ("wearer", *rows.FRAME_COLUMNS)


def measure_store(
    folder: Path,
    *,
    wearers: int = WEARERS,
    commits: int = COMMITS,
    repeats: int = REPEATS,
    day_minutes: int = DAY_MINUTES,
) -> dict[str, Any]:
    """Commits of a minute of ``wearers`` into SQLite and a real InfluxDB; bytes a wearer-day."""
    day = minutes_of_rows(max(day_minutes, commits * (repeats + 1)))
    speed = list(commits_of(day[: commits * (repeats + 1)], wearers))
    size = list(commits_of(day[:day_minutes], DAY_WEARERS))
    shape = {
        "wearers": wearers,
        "commits a run": commits,
        "frames a commit": sum(len(one.frames) for one in speed[-1].wearers),
    }
    sqlite = _sqlite_speed(folder, speed, commits, repeats)
    with BenchInflux(require_influxd(), folder) as server:
        influx = _influx_speed(server, speed, commits, repeats)
    return {
        **shape,
        "SQLite": sqlite,
        "InfluxDB": influx,
        "a wearer-day": {
            "hours": day_minutes / 60,
            "wearers": DAY_WEARERS,
            "frames": sum(len(one.frames) for one in day[:day_minutes]),
            "SQLite MB": _sqlite_size(folder / "size.sqlite", size) / DAY_WEARERS / _MB,
            "InfluxDB MB": _influx_size(folder / "size", size) / DAY_WEARERS / _MB,
            "wanted at most MB": DAY_TARGET_MB,
        },
    }


def _sqlite_speed(
    folder: Path, commits: Sequence[Commit], a_run: int, repeats: int
) -> dict[str, Any]:
    """The store against executemany of tuples that are ready, transaction by transaction."""
    ours = open_series(f"sqlite:{folder / 'ours.sqlite'}")
    open_series(f"sqlite:{folder / 'plain.sqlite'}").close()  # the same tables
    plain = sqlite3.connect(folder / "plain.sqlite", isolation_level=None)
    plain.execute("PRAGMA synchronous = FULL")
    ready = [_tuples(commit) for commit in commits]

    def write(first: int) -> None:
        for statements in ready[first : first + a_run]:
            plain.execute("BEGIN IMMEDIATE")
            for statement, tuples in statements.items():
                plain.executemany(statement, tuples)
            plain.execute("COMMIT")

    try:
        pairs = _pairs(ours, commits, write, a_run, repeats)
    finally:
        plain.close()
        ours.close()
    return {
        **compared(pairs, "store", "executemany"),
        "speed as a part of executemany": wall_ratio(pairs),
    }


def _influx_speed(
    server: BenchInflux, commits: Sequence[Commit], a_run: int, repeats: int
) -> dict[str, Any]:
    """The store against posting the same lines, already bytes, with a plain HTTP client."""
    ours = open_series(server.url("ours"))
    open_series(server.url("plain")).close()  # the same buckets
    ours.claim()
    ready = [_bodies(commit) for commit in commits]
    connection = http.client.HTTPConnection(LOOPBACK, server.port)

    def write(first: int) -> None:
        for bodies in ready[first : first + a_run]:
            for bucket, body in bodies:
                _post(connection, server.token, bucket, body)

    try:
        pairs = _pairs(ours, commits, write, a_run, repeats)
    finally:
        connection.close()
        ours.close()
    return {
        "MB of lines a run": sum(len(b) for one in ready[-a_run:] for _, b in one) / _MB,
        **compared(pairs, "store", "raw lines"),
        "speed as a part of raw lines": wall_ratio(pairs) | {"wanted at least": TARGET},
    }


def _pairs(
    ours: SeriesStore, commits: Sequence[Commit], plain: Any, a_run: int, repeats: int
) -> list[tuple[Cost, Cost]]:
    """Runs in turn, each of the next commits of the day; the first pair, cold, is not counted."""
    at = {"ours": 0, "plain": 0}

    def next_of(which: str) -> int:
        at[which] += a_run
        return at[which] - a_run

    def run_ours() -> Cost:
        first = next_of("ours")
        return cost_of(lambda: commit_all(ours, commits[first : first + a_run]))

    def run_plain() -> Cost:
        first = next_of("plain")
        return cost_of(lambda: plain(first))

    return in_turn(run_ours, run_plain, repeats + 1)[1:]


def _tuples(commit: Commit) -> dict[str, list[tuple[Any, ...]]]:
    """By statement, what SQLite is to keep of a commit, numbers for wearers."""
    found: dict[str, list[tuple[Any, ...]]] = {
        _put("frame", *_FRAME): [],
        _put("rollup", "wearer", "span", "start_s", "body"): [],
        _put("episode", "wearer", "start_ns", "end_ns", "body"): [],
        _put("snapshot", "wearer", "body"): [],
        _put("cursor", "gateway", "sensor", "outbox", "seq"): [
            (*key, seq) for key, seq in commit.cursors.items()
        ],
        _put("health", "gateway", "sensor", "body"): [
            (one.gateway, one.sensor, rows.health_body(one)) for one in commit.health
        ],
    }
    frames, rollups, episodes, snapshots = list(found.values())[:4]
    for number, own in enumerate(commit.wearers):
        frames += [(number, *row) for row in rows.frame_rows(own.frames)]
        for span, spans in enumerate((own.minutes, own.days)):
            rollups += [
                (number, span, rows.whole_second(one.start_ns), rows.rollup_body(one))
                for one in spans
            ]
        episodes += [(number, e.start_ns, e.end_ns, rows.episode_body(e)) for e in own.episodes]
        snapshots.append((number, own.snapshot))
    return found


def _put(table: str, *columns: str) -> str:
    marks = ", ".join("?" * len(columns))
    return f"INSERT OR REPLACE INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608


def _bodies(commit: Commit) -> list[tuple[str, bytes]]:
    """The requests of a commit: bucket and body."""
    lines = commit_lines(commit, 1)
    cut = [
        (bucket, some[first : first + MAX_LINES])
        for bucket, some in (("plain-frames", list(lines.frames)), ("plain-kept", lines.kept))
        for first in range(0, len(some), MAX_LINES)
    ]
    return [
        (bucket, "\n".join(part).encode())
        for bucket, part in [*cut, ("plain-kept", list(lines.last))]
    ]


def _post(connection: http.client.HTTPConnection, token: str, bucket: str, body: bytes) -> None:
    query = urlencode({"org": ORG, "bucket": bucket, "precision": "ns"})
    headers = {"Authorization": f"Token {token}", "Content-Type": "text/plain; charset=utf-8"}
    connection.request("POST", f"/api/v2/write?{query}", body, headers)
    answer = connection.getresponse()
    said = answer.read()
    if answer.status != http.client.NO_CONTENT:
        raise PlumblineError(
            Reason.STORE_REFUSED, f"InfluxDB answers {answer.status}: {said[:200]!r}"
        )


def _sqlite_size(path: Path, commits: Sequence[Commit]) -> int:
    """Bytes of the file after the commits; its write-ahead log is folded in when it is closed."""
    store = open_series(f"sqlite:{path}")
    commit_all(store, commits)
    store.close()
    return path.stat().st_size


def _influx_size(folder: Path, commits: Sequence[Commit]) -> int:
    """Bytes on disk of the server's files of data, when its write-ahead log is all compacted."""
    folder.mkdir()
    with BenchInflux(require_influxd(), folder, options=SOON_COMPACTED) as server:
        store = open_series(server.url("size"))
        commit_all(store, commits)
        store.close()
        wait_until(lambda: not _on_disk(server.engine / "wal"), "InfluxDB has compacted its log")
        return _on_disk(server.engine / "data")


def _on_disk(folder: Path) -> int:
    found = 0
    for file in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # the server tidies up
            found += file.stat().st_blocks * BLOCK_BYTES if file.is_file() else 0
    return found


def commit_all(store: SeriesStore, commits: Sequence[Commit]) -> None:
    """One commit after another."""
    for commit in commits:
        store.commit(commit)
