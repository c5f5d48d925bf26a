"""CPU time and memory of processes, from /proc. Elsewhere than on Linux there is nothing to read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_STAT_UTIME = 11  # fields after the command's closing parenthesis, proc(5)
_STAT_STIME = 12


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds so far and the highest resident memory, in MB."""

    cpu_s: float
    peak_mb: float


def usage(pid: int) -> Usage | None:
    """What a process has used; None where it is gone or the system has no /proc."""
    folder = Path("/proc") / str(pid)
    try:
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        status = (folder / "status").read_text()
    except OSError:
        return None
    ticks = int(fields[_STAT_UTIME]) + int(fields[_STAT_STIME])
    peak_kb = next(
        (int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")), 0
    )
    return Usage(ticks / os.sysconf("SC_CLK_TCK"), peak_kb / 1024)
