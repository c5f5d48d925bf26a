"""Room kept back on the disk, so that a full one can be emptied.

Even to delete, SQLite writes first, and what is in its log has to fit into the file before the log
gives its room back. Where not a page is left, batches that analytics has stored long ago could not be
forgotten, and the outbox would stay full for ever.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

#: SQLite folds its log at 4 MB, after the commit that went beyond; twice that is room for both.
RESERVE_BYTES: Final = 8 * 2**20


class Reserve:
    """A file beside the outbox that holds nothing, given up while the disk is full."""

    def __init__(self, path: Path, size: int = RESERVE_BYTES) -> None:
        self.path = path
        self.size = size
        self.held = False

    def hold(self) -> None:
        """Take the room, if there is that much."""
        if self.held:
            return
        try:
            with self.path.open("ab") as file:
                if file.tell() != self.size:
                    file.truncate(0)
                    file.write(bytes(self.size))
            self.held = True
        except OSError:
            self.release()

    def release(self) -> None:
        """Give the room back to the disk."""
        self.held = False
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)
