"""The registry in SQLite: nobody waits for a reader, readers wait for nobody, and erased is overwritten."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.errors import Reason, StoreError
from store.open import open_registry
from store.people_ports import Receipt
from store.ports import Registry, Wearer

RECEIPT = Receipt("r-1", 1, 2, "{}")
SECRET = "somebody-to-forget"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "registry.sqlite"


@pytest.fixture
def registry(path: Path) -> Iterator[Registry]:
    found = open_registry(f"sqlite:{path}")
    found.put_wearer(Wearer("w1", SECRET))
    yield found
    found.close()


@pytest.fixture
def other(path: Path, registry: Registry) -> Iterator[sqlite3.Connection]:
    """Another program on the same file."""
    connection = sqlite3.connect(path, isolation_level=None)
    yield connection
    connection.close()


def read_on(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN")
    connection.execute("SELECT label FROM wearer").fetchall()


def left_on_the_disk(path: Path) -> bool:
    return any(SECRET.encode() in file.read_bytes() for file in path.parent.iterdir())


def test_who_writes_keeps_nobody_from_reading(
    registry: Registry, other: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, path: Path
) -> None:
    monkeypatch.setattr("store.database.BUSY_TIMEOUT_S", 0.1)
    other.execute("BEGIN EXCLUSIVE")
    other.execute("UPDATE wearer SET label = 'half done'")
    assert [w.label for w in registry.wearers()] == [SECRET]
    looking = open_registry(f"sqlite:{path}", read_only=True)
    assert [w.label for w in looking.wearers()] == [SECRET]
    looking.close()
    other.execute("COMMIT")
    assert [w.label for w in registry.wearers()] == ["half done"]


def test_who_reads_keeps_nobody_from_writing(registry: Registry, other: sqlite3.Connection) -> None:
    read_on(other)
    registry.put_wearer(Wearer("w2", "later"))
    assert other.execute("SELECT count(*) FROM wearer").fetchone() == (1,)
    other.execute("COMMIT")
    assert other.execute("SELECT count(*) FROM wearer").fetchone() == (2,)


def test_a_lock_that_is_never_let_go_is_said(
    path: Path, registry: Registry, other: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.database.BUSY_TIMEOUT_S", 0.1)
    second = open_registry(f"sqlite:{path}")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(
        StoreError, match=r"registry\.sqlite: another process keeps it locked"
    ) as said:
        second.put_wearer(Wearer("w2", "later"))
    assert said.value.reason is Reason.STORE_UNREACHABLE
    assert "try again" in said.value.hint
    other.execute("ROLLBACK")
    second.put_wearer(Wearer("w2", "later"))
    second.close()


def test_a_registry_of_before_comes_over_with_its_rows(path: Path, registry: Registry) -> None:
    registry.close()
    old = sqlite3.connect(path)
    assert old.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
    old.close()
    again = open_registry(f"sqlite:{path}")
    assert [w.label for w in again.wearers()] == [SECRET]
    look = sqlite3.connect(path)
    assert look.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    look.close()
    again.close()


def test_a_log_that_a_reader_let_grow_is_cut_back(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.sqlite_log.LIMIT_BYTES", 100_000)
    registry = open_registry(f"sqlite:{path}")
    log = path.with_name(f"{path.name}-wal")
    reader = sqlite3.connect(path, isolation_level=None)
    read_on(reader)  # keeps the log from being begun anew
    for n in range(60):
        registry.put_wearer(Wearer("w1", str(n) * 50_000))
    assert log.stat().st_size > 4_000_000
    reader.close()
    for n in range(2):  # one carries the log over into the file, the next begins it anew
        registry.put_wearer(Wearer("w1", str(n)))
    assert log.stat().st_size <= 100_000
    registry.close()


def test_what_is_erased_is_nowhere_on_the_disk(path: Path, registry: Registry) -> None:
    assert left_on_the_disk(path)
    registry.people.erase_wearer("w1", receipt=RECEIPT)
    assert registry.people.overwrite_erased()
    assert not left_on_the_disk(path)


def test_a_reader_that_keeps_what_is_erased_is_asked_again(
    path: Path, registry: Registry, other: sqlite3.Connection
) -> None:
    read_on(other)
    registry.people.erase_wearer("w1", receipt=RECEIPT)
    assert not registry.people.overwrite_erased()
    assert left_on_the_disk(path)
    other.execute("COMMIT")
    assert registry.people.overwrite_erased()
    assert not left_on_the_disk(path)


def test_what_an_erasure_left_when_it_was_cut_off_goes_when_the_registry_is_opened(
    path: Path, registry: Registry
) -> None:
    registry.people.erase_wearer("w1", receipt=RECEIPT)
    assert left_on_the_disk(path)
    open_registry(f"sqlite:{path}").close()
    assert not left_on_the_disk(path)
