"""What SQLite says when it cannot, in our own errors: which file, what is wrong, what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from contracts.errors import DiskError, PlumblineError, Reason, StoreError

#: The low byte of an extended result code is the code itself.
_PRIMARY_CODE: Final = 0xFF
_DISK: Final = {
    sqlite3.SQLITE_FULL: (
        Reason.DISK_FULL,
        "the disk is full",
        "Free some space; nothing that was acknowledged is lost.",
    ),
    sqlite3.SQLITE_READONLY: (
        Reason.DISK_READ_ONLY,
        "it cannot be written to",
        "Check who owns the file and its folder, and whether the disk is mounted read-only.",
    ),
    sqlite3.SQLITE_IOERR: (
        Reason.DISK_ERROR,
        "the disk refuses to read or write",
        "Check the disk and the space left on it.",
    ),
}
_STORE: Final = {
    sqlite3.SQLITE_BUSY: (
        Reason.STORE_UNREACHABLE,
        "another process keeps it locked",
        "End what holds the file (a backup, a database browser), then try again.",
    ),
    sqlite3.SQLITE_LOCKED: (
        Reason.STORE_UNREACHABLE,
        "another process keeps it locked",
        "End what holds the file (a backup, a database browser), then try again.",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        Reason.STORE_UNREACHABLE,
        "it cannot be opened",
        "Check that the folder exists and may be entered and written to.",
    ),
    sqlite3.SQLITE_CORRUPT: (
        Reason.STORE_CORRUPT,
        "its content is damaged",
        "Put back a copy, or move the file away to begin anew.",
    ),
    sqlite3.SQLITE_NOTADB: (
        Reason.STORE_CORRUPT,
        "it is not a Plumbline database",
        "Give another path, or move the file away to begin anew.",
    ),
}


def translate(error: Exception, path: Path | str) -> PlumblineError:
    """The error of ours that ``error``, raised by SQLite on ``path``, stands for."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY_CODE
    if code in _DISK:
        reason, what, hint = _DISK[code]
        return DiskError(reason, f"The store {path}: {what}.", hint=hint)
    if code in _STORE:
        reason, what, hint = _STORE[code]
        return StoreError(reason, f"The store {path}: {what}.", hint=hint)
    return StoreError(Reason.STORE_UNREACHABLE, f"The store {path} cannot serve: {error}.")


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Within it, what SQLite raises about ``path`` becomes a StoreError or a DiskError."""
    try:
        yield
    except sqlite3.Error as error:
        raise translate(error, path) from error
