"""One process at a time computes into a store: a lock that ends with the process, however it ends."""

from __future__ import annotations

import errno
import fcntl
from pathlib import Path
from typing import IO

from contracts.errors import DiskError, Reason, StoreError


def claim(path: Path) -> IO[bytes]:
    """Lock ``path`` for this process until the file that is given back is closed.

    StoreError where another holds it, DiskError where no lock can be made beside ``path``. The lock
    file stays: it is the lock on it that counts, and the system drops that when its process is killed.
    """
    lock_path = path.with_name(f"{path.name}.lock")
    try:
        file = lock_path.open("ab")
    except OSError as error:
        raise _no_lock(lock_path, error) from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        if error.errno not in (errno.EAGAIN, errno.EACCES):
            raise _no_lock(lock_path, error) from None
        raise StoreError(
            Reason.STORE_IN_USE,
            f"Another analytics already writes to the store {path}.",
            hint="Stop that one, or give this one a store of its own.",
        ) from None
    return file


def _no_lock(lock_path: Path, error: OSError) -> DiskError:
    return DiskError(
        Reason.DISK_ERROR,
        f"{lock_path} cannot be locked: {error.strerror or error}.",
        hint="Check who owns the folder of the store, and whether it may be written to.",
    )
