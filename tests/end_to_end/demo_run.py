"""Runs ``plumbline demo`` as a user would, and looks at what it left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analytics.offline import Analysis, Choice, analyze
from analytics.service import load_focus_table
from contracts.recording import open_recording
from plumbline.stats import read_stats
from store import open_series
from store.ports import SeriesStore

REPOSITORY = Path(__file__).resolve().parent.parent.parent
#: A machine under load is slow, not wrong.
LIMIT_S = 170.0


def environment() -> dict[str, str]:
    """Ours, without any setting of Plumbline's."""
    kept = {name: value for name, value in os.environ.items() if "PLUMBLINE" not in name}
    return kept | {"PYTHONPATH": str(REPOSITORY)}


def command(*arguments: object) -> list[str]:
    """A command line of plumbline."""
    return [sys.executable, "-m", "plumbline", *(str(argument) for argument in arguments)]


def plumbline(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A command run to its end."""
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        cwd=cwd,
        env=environment(),
    )


@dataclass
class DemoProcess:
    """A demo that runs."""

    process: subprocess.Popen[str]
    data: Path

    @property
    def run(self) -> dict[str, Any]:
        """run.json, once all are started."""
        try:
            found = json.loads((self.data / "run.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        assert isinstance(found, dict)
        return found

    def stats(self, name: str) -> dict[str, Any]:
        """What a process last reported."""
        return read_stats(self.data / "run" / f"{name}.json")

    def received(self) -> int:
        """Samples that the gateway has."""
        sensors = self.stats("gateway").get("sensors", {})
        return sum(sensor.get("received", 0) for sensor in sensors.values())

    def in_frames(self) -> int:
        """Samples that analytics has put into frames."""
        wearers = self.stats("analytics").get("wearers", {})
        return sum(wearer.get("frame_samples", 0) for wearer in wearers.values())

    def kill(self, name: str) -> int:
        """Kill one of its processes (-9); its process id."""
        pid = int(self.run["pids"][name])
        os.kill(pid, signal.SIGKILL)
        return pid

    def finish(self) -> tuple[int, dict[str, Any], str]:
        """Its exit status, its summary and what it said on stderr."""
        out, err = self.process.communicate(timeout=LIMIT_S)
        return self.process.returncode, json.loads(out) if out.strip() else {}, err


@contextmanager
def demo(data: Path, *arguments: object) -> Iterator[DemoProcess]:
    """A demo in the background, gone at the end whatever happened."""
    line = command("demo", "--data", data, "--json", *arguments)
    with subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    ) as process:
        try:
            yield DemoProcess(process, data)
        finally:
            process.kill()  # its children follow: they hold its lifeline


def wait_until(
    condition: Callable[[], object], what: str, process: subprocess.Popen[str] | None = None
) -> None:
    """Wait for a condition, as long as the process lives."""
    deadline_s = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline_s, f"timed out waiting for {what}"
        if process is not None and process.poll() is not None:
            raise AssertionError(f"the demo ended before {what}: {process.communicate()}")
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody reaped yet does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@contextmanager
def store_of(data: Path) -> Iterator[SeriesStore]:
    """The store that a demo left."""
    store = open_series(f"sqlite:{data / 'plumbline.sqlite'}", read_only=True)
    try:
        yield store
    finally:
        store.close()


def analysed(folder: Path) -> Analysis:
    """A recording as ``plumbline analyze`` sees it."""
    return analyze(open_recording(folder), Choice(focus_table=load_focus_table()))
