"""What is SQLite's own: size, several processes at the start, and every way a file can refuse."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from contracts.errors import Fault, PlumblineError, Reason, SettingError, StoreError
from contracts.units import NS_PER_S
from contracts.vocabulary import KeptBack, Placement
from store import open_series, series_schema
from store.ports import Commit, WearerRows
from tests.store import processes
from tests.store.records import FIRST_S, assert_same_frames, erase, frames_from, minute

EVER = (0, 2**63 - 1)
DAY_S = 8 * 3600
MAX_BYTES_A_DAY = 1_500_000


def write(store, frames, wearer="w", **rest) -> None:
    store.commit(Commit([WearerRows(wearer, frames, **rest)]))


def test_a_working_day_of_three_people_stays_small(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    store = open_series(f"sqlite:{path}")
    # As it comes live: everybody in turns, a little at a time.
    for begin_s in range(0, DAY_S, 300):
        rows = [
            WearerRows(
                wearer,
                frames_from(FIRST_S + begin_s, 300),
                minutes=[minute(FIRST_S + begin_s + 60 * i) for i in range(5)],
                snapshot=os.urandom(20_000),
            )
            for wearer in "abc"
        ]
        store.commit(Commit(rows))
    store.close()
    assert path.stat().st_size / 3 < MAX_BYTES_A_DAY


def test_rows_of_a_commit_that_was_cut_off_are_not_there(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path}/s.sqlite"
    context = multiprocessing.get_context("spawn")
    started = context.Event()
    process = context.Process(target=processes.commit_for_ever, args=(url, started))
    process.start()
    assert started.wait(60)
    process.kill()
    process.join(30)
    store = open_series(url, read_only=True)
    commits = store.checkpoint().cursors[processes.KEY]
    assert [len(store.frames(wearer, *EVER)) for wearer in "ab"] == [commits * 40] * 2
    store.close()


def test_an_address_of_another_kind_is_refused(tmp_path: Path) -> None:
    for url in (f"{tmp_path}/s.sqlite", "influx://x", "sqlite:", "sqlite::memory:"):
        with pytest.raises(SettingError):
            open_series(url)


def test_long_form_of_the_address_is_the_same_file(tmp_path: Path) -> None:
    store = open_series(f"sqlite:///{tmp_path}/s.sqlite")
    write(store, frames_from(FIRST_S, 2))
    store.close()
    again = open_series(f"sqlite:{tmp_path}/s.sqlite", read_only=True)
    assert len(again.frames("w", *EVER)) == 2
    again.close()


def refusal(url: str, *, read_only: bool = False) -> PlumblineError:
    with pytest.raises(PlumblineError) as refused:
        open_series(url, read_only=read_only).close()
    assert refused.value.hint
    return refused.value


def test_what_a_reader_says_of_a_store_that_is_not_there(tmp_path: Path) -> None:
    error = refusal(f"sqlite:{tmp_path}/none.sqlite", read_only=True)
    assert error.reason is Reason.STORE_UNREACHABLE
    assert "analytics" in error.hint
    assert not list(tmp_path.iterdir())


def test_what_is_said_of_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert refusal(f"sqlite:{tmp_path}/no/s.sqlite").reason is Reason.STORE_UNREACHABLE


def test_what_is_said_of_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    path.write_bytes(b"not a database, but long enough to look at" * 40)
    assert refusal(f"sqlite:{path}").reason is Reason.STORE_CORRUPT
    assert refusal(f"sqlite:{path}", read_only=True).reason is Reason.STORE_CORRUPT


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (x)")
    other.close()
    before = path.read_bytes()
    assert refusal(f"sqlite:{path}").reason is Reason.STORE_CORRUPT
    assert path.read_bytes() == before


def test_a_later_versions_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    open_series(f"sqlite:{path}").close()
    later = sqlite3.connect(path)
    later.execute(f"PRAGMA user_version = {series_schema.VERSION + 1}")
    later.close()
    for read_only in (False, True):
        assert refusal(f"sqlite:{path}", read_only=read_only).reason is Reason.STORE_SCHEMA


def test_an_older_file_goes_forward_and_keeps_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:{tmp_path}/s.sqlite"
    store = open_series(url)
    write(store, frames_from(FIRST_S, 3))
    store.close()
    added = "CREATE TABLE added (x INTEGER) STRICT;\nCREATE INDEX added_x ON added (x);\n"
    monkeypatch.setattr(series_schema, "MIGRATIONS", (*series_schema.MIGRATIONS, added))
    monkeypatch.setattr(series_schema, "VERSION", series_schema.VERSION + 1)
    assert refusal(url, read_only=True).reason is Reason.STORE_SCHEMA
    store = open_series(url)
    assert_same_frames(store.frames("w", *EVER), frames_from(FIRST_S, 3))
    store.close()
    open_series(url, read_only=True).close()


@contextmanager
def file_of(path: Path, version: int) -> Iterator[sqlite3.Connection]:
    """A file as an earlier version made it, to be filled."""
    with closing(sqlite3.connect(path)) as old:
        for script in series_schema.MIGRATIONS[:version]:
            old.executescript(script)
        yield old
        old.execute(f"PRAGMA user_version = {version}")
        old.execute(f"PRAGMA application_id = {series_schema.APPLICATION_ID}")
        old.commit()


def test_frames_of_a_file_from_before_doubts_have_none(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with file_of(path, 2) as old:
        old.execute("INSERT INTO wearer VALUES (1, 'w')")
        old.execute(
            f"INSERT INTO frame VALUES (1, {FIRST_S}, 1, 1, 1, 98, 1, 50, 8, 120, NULL, NULL, 5, 6, 7)"
        )
    store = open_series(f"sqlite:{path}")
    (frame,) = store.frames("w", *EVER).rows()
    assert (frame.missing, frame.suspect) == ((Placement.T12,), ())
    assert (frame.samples, frame.thorax_flexion_deg, frame.pelvis_flexion_deg) == (50, 1.2, None)
    write(store, frames_from(FIRST_S + 1, 3))
    assert_same_frames(
        store.frames("w", (FIRST_S + 1) * NS_PER_S, EVER[1]), frames_from(FIRST_S + 1, 3)
    )
    store.close()


def test_a_file_from_before_anything_was_computed_ahead_goes_forward(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with file_of(path, 5) as old:
        old.execute("INSERT INTO wearer VALUES (1, 'w')")
        old.execute("INSERT INTO snapshot VALUES (1, x'73')")
    assert refusal(f"sqlite:{path}", read_only=True).reason is Reason.STORE_SCHEMA
    store = open_series(f"sqlite:{path}")
    assert len(store.ahead("w")) == 0
    store.commit(Commit([WearerRows("w", ahead=frames_from(FIRST_S, 1))]))
    assert_same_frames(store.ahead("w"), frames_from(FIRST_S, 1))
    assert store.checkpoint().snapshots == {"w": b"s"}
    store.close()


def test_a_second_ahead_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    store = open_series(f"sqlite:{path}")
    store.commit(Commit([WearerRows("w", ahead=frames_from(FIRST_S, 1))]))
    spoiler = sqlite3.connect(path)
    spoiler.execute("UPDATE ahead SET body = '{}'")
    spoiler.commit()
    spoiler.close()
    with pytest.raises(StoreError) as refused:
        store.ahead("w")
    assert refused.value.reason is Reason.STORE_CORRUPT
    store.close()


def test_a_damaged_page_is_said(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    store = open_series(f"sqlite:{path}")
    write(store, frames_from(FIRST_S, 20_000))
    store.close()
    with path.open("r+b") as file:
        file.seek(4096 * 20)
        file.write(b"\xa5" * 4096 * 60)
    store = open_series(f"sqlite:{path}", read_only=True)
    with pytest.raises(StoreError) as refused:
        store.frames("w", *EVER)
    assert refused.value.reason is Reason.STORE_CORRUPT
    store.close()


def test_a_lock_that_is_never_let_go_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.sqlite.BUSY_TIMEOUT_MS", 100)
    path = tmp_path / "s.sqlite"
    store = open_series(f"sqlite:{path}")
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked"):
        write(store, frames_from(FIRST_S, 2))
    holder.execute("ROLLBACK")
    write(store, frames_from(FIRST_S, 2))
    assert len(store.frames("w", *EVER)) == 2
    holder.close()
    store.close()


def test_a_full_disk_loses_nothing_and_may_have_room_again(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(
        target=processes.write_on_a_full_disk, args=(f"sqlite:{tmp_path}/s.sqlite", theirs)
    )
    process.start()
    assert ours.poll(60)
    reason, fault, left, after = ours.recv()
    process.join(30)
    assert reason in (Reason.DISK_FULL, Reason.DISK_ERROR)
    assert fault is Fault.MACHINE
    assert left == (100, 1)
    assert after == 5_000


def test_processes_that_open_a_new_file_at_once_all_get_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(3)
    url = f"sqlite:{tmp_path}/s.sqlite"
    started = [
        context.Process(target=processes.open_series_at_once, args=(url, gate)) for _ in range(3)
    ]
    for process in started:
        process.start()
    for process in started:
        process.join(60)
    assert [process.exitcode for process in started] == [0] * 3
    store = open_series(url, read_only=True)
    assert len(store.wearers()) == 3
    store.close()


def test_erased_data_is_not_in_the_file_any_more(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    store = open_series(f"sqlite:{path}")
    secret = b"this-was-somebodys-snapshot" * 50
    write(store, frames_from(FIRST_S, 10), "somebody-to-forget", snapshot=secret)
    erase(store, "somebody-to-forget")
    store.close()
    left = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"somebodys-snapshot" not in left
    assert b"somebody-to-forget" not in left


def test_an_erasure_that_a_reader_keeps_from_the_disk_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.sqlite.BUSY_TIMEOUT_MS", 100)
    path = tmp_path / "s.sqlite"
    store = open_series(f"sqlite:{path}")
    write(store, frames_from(FIRST_S, 10), "somebody-to-forget")
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM frame").fetchall()
    with pytest.raises(StoreError, match="erased, but"):
        erase(store, "somebody-to-forget")
    assert store.wearers() == []
    reader.execute("COMMIT")
    assert erase(store, "somebody-to-forget") == 0
    left = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"somebody-to-forget" not in left
    reader.close()
    store.close()


def test_a_large_erasure_goes_in_bounded_steps_and_others_write_in_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.sqlite.STEP_ROWS", 100)
    url = f"sqlite:{tmp_path}/s.sqlite"
    store = open_series(url)
    minutes = [minute(FIRST_S + 60 * n) for n in range(30)]
    write(store, frames_from(FIRST_S, 250), "somebody-to-forget", minutes=minutes, snapshot=b"x")
    looking = open_series(url, read_only=True)
    steps, frames = [], []
    while erased := store.erase_some("somebody-to-forget"):
        steps.append(erased)
        write(store, frames_from(FIRST_S + len(steps), 1))  # nobody waits for the whole of it
        frames.append(looking.frames("somebody-to-forget", *EVER).start_ns)
    assert steps == [100, 100, 81]
    # what was made of the frames goes before them, and they go from the oldest on
    assert looking.minutes("somebody-to-forget", *EVER) == []
    assert [len(left) for left in frames] == [181, 81, 0]
    assert frames[0][0] == (FIRST_S + 69) * NS_PER_S
    assert [summary.frames for summary in looking.wearers()] == [3]
    looking.close()
    store.close()


def test_an_erasure_that_was_cut_off_is_gone_on_with_by_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.sqlite.STEP_ROWS", 100)
    store = open_series(f"sqlite:{tmp_path}/s.sqlite")
    write(store, frames_from(FIRST_S, 250), "somebody-to-forget", snapshot=b"secret" * 99)
    assert store.erase_some("somebody-to-forget") == 100
    store.close()
    again = open_series(f"sqlite:{tmp_path}/s.sqlite")
    assert again.count_rows("somebody-to-forget")["frames"] == 151
    assert erase(again, "somebody-to-forget") == 151
    again.close()
    left = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"somebody-to-forget" not in left
    assert b"secret" not in left


def test_a_nudge_of_before_reasons_was_one_of_a_backlog(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with file_of(path, 4) as old:
        old.execute("INSERT INTO wearer VALUES (1, 'w')")
        for at_s, given in ((FIRST_S, 1), (FIRST_S + 1, 0)):
            old.execute("INSERT INTO nudge VALUES (1, ?, 'posture', 120, ?)", (at_s, given))
    store = open_series(f"sqlite:{path}")
    assert [(n.given, n.kept_back, n.felt) for n in store.nudges("w", *EVER)] == [
        (True, None, None),
        (False, KeptBack.BACKLOG, None),
    ]
    store.close()
