"""CPU time and memory of processes, from /proc. Elsewhere than on Linux there is nothing to read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_STAT_UTIME = 11  # fields after the command's closing parenthesis, proc(5)
_STAT_STIME = 12


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds so far, and resident memory in MB: the highest, and now."""

    cpu_s: float
    peak_mb: float
    now_mb: float


def usage(pid: int) -> Usage | None:
    """What a process has used; None where it is gone or the system has no /proc."""
    folder = Path("/proc") / str(pid)
    try:
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        status = (folder / "status").read_text()
    except OSError:
        return None
    ticks = int(fields[_STAT_UTIME]) + int(fields[_STAT_STIME])
    return Usage(
        ticks / os.sysconf("SC_CLK_TCK"), _kb(status, "VmHWM") / 1024, _kb(status, "VmRSS") / 1024
    )


def _kb(status: str, name: str) -> int:
    lines = (line.split() for line in status.splitlines())
    return next((int(line[1]) for line in lines if line and line[0] == f"{name}:"), 0)
