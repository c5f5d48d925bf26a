"""A child process ends when its parent does, however the parent ended.

The parent keeps the writing end of a pipe open and never writes. When it dies, even by SIGKILL, the
system closes that end, and the child's thread, blocked in reading, wakes up. This needs no support of
the operating system beyond pipes, and survives no child.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Final

VARIABLE: Final = "PLUMBLINE_LIFELINE_FD"
#: A child that cannot stop cleanly in this time is stuck.
GRACE_S: Final = 15.0
_STUCK_STATUS: Final = 70


class Lifeline:
    """The parent's end. Keep it as long as the children are to live."""

    def __init__(self) -> None:
        self.child_fd, self._held_fd = os.pipe()

    def environment(self) -> dict[str, str]:
        """What a child's environment needs; ``child_fd`` must be passed on to it."""
        return {VARIABLE: str(self.child_fd)}

    def close(self) -> None:
        """Let go: children that still run are told to stop."""
        for fd in (self.child_fd, self._held_fd):
            os.close(fd)


def hold_to_parent() -> None:
    """In a child: stop with SIGTERM when the parent is gone. Does nothing without a lifeline."""
    text = os.environ.pop(VARIABLE, "")
    if not text.isdigit():
        return
    threading.Thread(target=_watch, args=(int(text),), name="lifeline", daemon=True).start()


def _watch(fd: int) -> None:
    try:
        while os.read(fd, 1):
            pass
    except OSError:
        return
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    os._exit(_STUCK_STATUS)
