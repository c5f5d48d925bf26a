"""Processes that are started, watched, started again when they die, and stopped in order."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import structlog

from contracts.errors import EXIT_STATUS, DiskError, Fault, PlumblineError, Reason
from plumbline.lifeline import Lifeline
from plumbline.stats import read_stats

_log = structlog.get_logger(__name__)

#: A child that dies more often than this within the window is not helped by starting it again.
MAX_RESTARTS: Final = 5
RESTART_WINDOW_S: Final = 60.0
#: The first restart comes at once, so that a crash costs little; a crash loop slows down.
FIRST_BACKOFF_S: Final = 0.1
MAX_BACKOFF_S: Final = 5.0
#: A gateway that merges a day's recording needs longest to stop.
STOP_GRACE_S: Final = 30.0
READY_TIMEOUT_S: Final = 60.0
_POLL_S: Final = 0.05
_LOG_TAIL_BYTES: Final = 4096


class RestartPolicy:
    """When a child that died is started again. Pure: the clock is an argument, in seconds."""

    def __init__(self, limit: int = MAX_RESTARTS, window_s: float = RESTART_WINDOW_S) -> None:
        if limit < 1 or window_s <= 0:
            raise ValueError(f"a policy of {limit} restarts in {window_s} s is none")
        self._limit = limit
        self._window_s = window_s
        self._deaths_s: deque[float] = deque(maxlen=limit + 1)

    def died(self, now_s: float) -> float | None:
        """The time to start it again; None to give up."""
        self._deaths_s.append(now_s)
        recent = sum(1 for death_s in self._deaths_s if now_s - death_s < self._window_s)
        if recent > self._limit:
            return None
        backoff_s: float = min(FIRST_BACKOFF_S * 4.0 ** (recent - 1), MAX_BACKOFF_S)
        return now_s + backoff_s


@dataclass(frozen=True)
class ChildSpec:
    """A process to keep running. ``stats``: the file in which it reports, and so shows it is ready.

    ``environment``: the whole of it; None for our own.
    """

    name: str
    command: tuple[str, ...]
    log: Path
    stats: Path
    environment: Mapping[str, str] | None = None


@dataclass
class _Child:
    spec: ChildSpec
    process: subprocess.Popen[bytes]
    policy: RestartPolicy
    restarts: int = 0
    restart_at_s: float | None = None


class Supervisor:
    """Keeps children running. Not threaded: :meth:`poll` does the work.

    Each child is a session of its own, so that Ctrl-C reaches only us and we stop them in order; each
    holds our lifeline, so that none outlives us. ``changed`` is called after every start.
    """

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self._lifeline = Lifeline()
        self._children: dict[str, _Child] = {}
        self._changed = changed

    def start(self, spec: ChildSpec) -> None:
        """Start a child. DiskError where its log cannot be written."""
        spec.stats.unlink(missing_ok=True)
        self._children[spec.name] = _Child(spec, self._spawn(spec), RestartPolicy())
        self._changed()

    def wait_ready(self, name: str, *, cancelled: Callable[[], bool]) -> None:
        """Until the child has reported once. Its death is not mended here: it could not start."""
        child = self._children[name]
        deadline_s = time.monotonic() + READY_TIMEOUT_S
        while read_stats(child.spec.stats).get("pid") != child.process.pid:
            if cancelled():
                return
            if child.process.poll() is not None:
                raise self._death(child)
            if time.monotonic() > deadline_s:
                raise PlumblineError(
                    Reason.CHILD_DIED,
                    f"The {name} process did not get ready within {READY_TIMEOUT_S:.0f} s.",
                    hint=f"Its log is {child.spec.log}.",
                )
            time.sleep(_POLL_S)

    def poll(self, now_s: float) -> None:
        """Start again what died. PlumblineError(CHILD_DIED) for a child that keeps dying."""
        for child in self._children.values():
            if child.restart_at_s is None:
                if child.process.poll() is None:
                    continue
                child.restart_at_s = self._after_death(child, now_s)
            elif now_s >= child.restart_at_s:
                child.process = self._spawn(child.spec)
                child.restart_at_s = None
                child.restarts += 1
                self._changed()

    def pids(self) -> dict[str, int]:
        """The process id of each child."""
        return {name: child.process.pid for name, child in self._children.items()}

    def restarts(self) -> dict[str, int]:
        """How often each child was started again."""
        return {name: child.restarts for name, child in self._children.items()}

    def stop(self, names: Sequence[str] | None = None) -> list[str]:
        """Stop children one after another; those that had to be killed. All, last started first, by default."""
        order = list(reversed(self._children)) if names is None else names
        return [name for name in order if name in self._children and not self._stop_one(name)]

    def close(self) -> list[str]:
        """Stop all and let go; those that had to be killed."""
        killed = self.stop()
        self._lifeline.close()
        return killed

    def _spawn(self, spec: ChildSpec) -> subprocess.Popen[bytes]:
        environment = os.environ if spec.environment is None else spec.environment
        with _open_log(spec.log) as log:
            return subprocess.Popen(  # noqa: S603 - our own program and arguments
                spec.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=(self._lifeline.child_fd,),
                env={**environment, **self._lifeline.environment()},
            )

    def _after_death(self, child: _Child, now_s: float) -> float:
        restart_at_s = child.policy.died(now_s)
        if restart_at_s is None or child.process.returncode == EXIT_STATUS[Fault.USER]:
            raise self._death(child)
        _log.warning(
            "process died and is started again",
            process=child.spec.name,
            status=child.process.returncode,
        )
        return restart_at_s

    def _death(self, child: _Child) -> PlumblineError:
        status = child.process.returncode
        how = f"signal {-status}" if status < 0 else f"status {status}"
        said = log_tail(child.spec.log)
        return PlumblineError(
            Reason.CHILD_DIED,
            f"The {child.spec.name} process ended with {how}{': ' + said if said else '.'}",
            hint=f"Its log is {child.spec.log}.",
            fault=next((f for f, known in EXIT_STATUS.items() if known == status), Fault.OURS),
        )

    def _stop_one(self, name: str) -> bool:
        process = self._children.pop(name).process
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return False
        return True


def log_tail(path: Path) -> str:
    """The last line of a log that says something."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _LOG_TAIL_BYTES))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _open_log(path: Path) -> IO[bytes]:
    try:
        return path.open("ab")
    except OSError as error:
        raise DiskError(
            Reason.DISK_ERROR, f"The log {path} cannot be written: {error.strerror or error}."
        ) from None
