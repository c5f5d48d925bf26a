"""What a folder's refusal means and what to do about it."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Final

from contracts.errors import DiskError, Reason

#: With less room than this a store can write nothing of use.
LEAST_FREE_BYTES: Final = 4 << 20


def writable_folder(folder: Path) -> Path:
    """The folder, made where it was missing. DiskError where it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(folder, error) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise disk_error(folder, PermissionError(errno.EACCES, "Permission denied"))
    return folder


def check_room(folder: Path) -> None:
    """DiskError where the disk of a folder is full, or so nearly that nothing can be stored."""
    if shutil.disk_usage(folder).free < LEAST_FREE_BYTES:
        raise disk_error(folder, OSError(errno.ENOSPC, "the disk is full"))


def disk_error(path: Path, error: OSError, *, by: str = " with --data") -> DiskError:
    """The error to raise for what the operating system said about ``path``, chosen ``by`` an option."""
    words = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DiskError(
            Reason.DISK_FULL,
            f"There is no room left to write {path}: {words}.",
            hint=f"Make room, or choose a folder on another disk{by}.",
        )
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return DiskError(
            Reason.DISK_READ_ONLY,
            f"{path} cannot be written: {words}.",
            hint=f"Choose a folder that you may write{by}.",
        )
    return DiskError(
        Reason.DISK_ERROR,
        f"{path} cannot be used: {words}.",
        hint=f"Choose another folder{by}.",
    )
