"""Disks fail in ways that a person can mend: SQLite's and the system's errors as DiskError."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from contracts import file_lock
from contracts.errors import DiskError, InvariantError, PlumblineError, Reason

#: The size of the file in which processes that share a write-ahead log agree.
LEAST_ROOM_BYTES: Final = 32_768


def lock(path: Path) -> IO[bytes]:
    """An exclusive lock that ends with the process, however it ends."""
    lock_path = path.with_name(path.name + ".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = file_lock.hold(lock_path)
    except OSError as error:
        raise _os_error(path, error) from None
    if file is None:
        raise DiskError(
            Reason.DISK_ERROR,
            f"Another gateway has the outbox {path}.",
            hint="Stop it, or give this gateway an outbox of its own.",
        )
    return file


@contextlib.contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """SQLite's errors as DiskError with a reason and a way out."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise _sqlite_error(path, error) from error


def _sqlite_error(path: Path, error: sqlite3.DatabaseError) -> PlumblineError:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    # Where the file that SQLite's processes share finds no room, it calls that an I/O error.
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _is_full(path)):
        return DiskError(
            Reason.DISK_FULL,
            f"The disk of the outbox {path} is full.",
            hint="Make room; the sensors keep their logs meanwhile.",
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return DiskError(
            Reason.DISK_READ_ONLY,
            f"The outbox {path} cannot be written.",
            hint="Make its folder writable for this user.",
        )
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return corrupt(path, str(error))
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_BUSY):
        return DiskError(
            Reason.DISK_ERROR,
            f"The outbox {path} cannot be used: {error}.",
            hint="Check the disk and that no other program holds the file.",
        )
    return InvariantError(f"The outbox {path} refused a statement: {error}.")


def _is_full(path: Path) -> bool:
    """Whether the disk of a file has no room for the least that SQLite asks for."""
    try:
        return shutil.disk_usage(path.parent).free < LEAST_ROOM_BYTES
    except OSError:
        return False


def corrupt(path: Path, text: str) -> DiskError:
    """The error of a file that is no outbox, or no longer one."""
    return DiskError(
        Reason.DISK_ERROR,
        f"The outbox {path} is damaged: {text}.",
        hint="Move the file away; the gateway makes a new one, and the sensors send what they keep.",
    )


def _os_error(path: Path, error: OSError) -> DiskError:
    reason = Reason.DISK_ERROR
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        reason = Reason.DISK_READ_ONLY
    return DiskError(
        reason,
        f"The outbox {path} cannot be opened: {os.strerror(error.errno or 0)}.",
        hint="Give a path in a folder that this user may write.",
    )
