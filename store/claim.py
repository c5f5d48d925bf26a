"""One process at a time computes into a store: a lock that ends with the process, however it ends."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from contracts import file_lock
from contracts.errors import DiskError, Reason, StoreError


def claim(path: Path) -> IO[bytes]:
    """Lock ``path`` for this process until the file that is given back is closed.

    StoreError where another holds it, DiskError where no lock can be made beside ``path``.
    """
    lock_path = path.with_name(f"{path.name}.lock")
    try:
        file = file_lock.hold(lock_path)
    except OSError as error:
        raise DiskError(
            Reason.DISK_ERROR,
            f"{lock_path} cannot be locked: {error.strerror or error}.",
            hint="Check who owns the folder of the store, and whether it may be written to.",
        ) from None
    if file is None:
        raise StoreError(
            Reason.STORE_IN_USE,
            f"Another analytics already writes to the store {path}.",
            hint="Stop that one, or give this one a store of its own.",
        )
    return file
