"""A lock on a file that one process holds at a time, and that ends with it, however it ends."""

from __future__ import annotations

import errno
import fcntl
from pathlib import Path
from typing import IO


def hold(path: Path) -> IO[bytes] | None:
    """Lock ``path`` until the file that is given back is closed; None where another holds it.

    OSError where there can be no lock. The file is made where it is not there, and stays: it is the
    lock on it that counts.
    """
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return None
        raise
    return file
