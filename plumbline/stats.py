"""A service's counters in a file: written whole, so that a reader sees the old or the new ones."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import structlog

_log = structlog.get_logger(__name__)


class StatsFile:
    """Takes a service's reports; the last one is in the file, with the process's id.

    A disk that refuses is said once and does not stop the service: counters are not data.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._failed = False

    def __call__(self, report: Mapping[str, object]) -> None:
        if self._path is None:
            return
        part = self._path.with_name(f".{self._path.name}.part")
        try:
            part.write_bytes(msgspec.json.encode({**report, "pid": os.getpid()}))
            part.replace(self._path)
            self._failed = False
        except OSError as error:
            if not self._failed:
                _log.warning("stats file not written", path=str(self._path), error=error.strerror)
            self._failed = True


def read_stats(path: Path) -> dict[str, Any]:
    """The last report in a file; empty where there is none (yet)."""
    try:
        found = msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.MsgspecError):
        return {}
    return found if isinstance(found, dict) else {}
