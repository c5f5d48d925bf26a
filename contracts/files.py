"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from contracts.errors import DiskError, Reason


@contextlib.contextmanager
def in_one_move(path: Path) -> Iterator[Path]:
    """A file beside ``path`` to write to, which takes its place at the end. DiskError where it cannot."""
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):  # a read-only disk refuses this too
            part.unlink(missing_ok=True)
        raise DiskError(
            Reason.DISK_ERROR,
            f"{path} cannot be written: {error.strerror or error}.",
            hint="Check that the folder exists, may be written to and has room.",
        ) from error
