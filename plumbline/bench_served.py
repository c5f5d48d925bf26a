"""What the dashboard's benchmark serves: the dashboard as its command does, and an empty Streamlit page."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contracts.errors import PlumblineError, Reason
from dashboard import launch
from plumbline.bench_site import wait_until
from plumbline.ports import LOOPBACK, answers, free_port

STOP_S: Final = 20.0
EMPTY_ID: Final = "empty-page"
_EMPTY: Final = f"""import streamlit as st
st.set_page_config(page_title="Empty", layout="wide")
st.html("<p id='{EMPTY_ID}'>Nothing here.</p>")
"""


@dataclass(frozen=True, slots=True)
class Served:
    """A server of our own: its address and its process."""

    address: str
    pid: int
    log: Path

    @property
    def said(self) -> list[str]:
        """What it logged: nothing, if nothing went wrong."""
        return self.log.read_text(encoding="utf-8", errors="replace").splitlines()


@contextmanager
def dashboard(store_url: str, registry_url: str, folder: Path) -> Iterator[Served]:
    """The dashboard as `plumbline dashboard` serves it."""
    port = free_port()
    command, extra = launch.command(store_url=store_url, registry_url=registry_url, port=port)
    with _running(command, os.environ | extra, port, folder / "dashboard.log") as served:
        yield served


@contextmanager
def empty_page(folder: Path) -> Iterator[Served]:
    """A Streamlit page with one paragraph, under the dashboard's own options but for its sign-in."""
    script = folder / "empty.py"
    script.write_text(_EMPTY, encoding="utf-8")
    port = free_port()
    command, _ = launch.command(store_url="", registry_url="", port=port)
    options = [word for word in command if word.startswith("--")]
    plain = [sys.executable, "-m", "streamlit", "run", str(script), *options]
    with _running(plain, dict(os.environ), port, folder / "empty.log") as served:
        yield served


@contextmanager
def _running(
    command: Sequence[str], environment: dict[str, str], port: int, log: Path
) -> Iterator[Served]:
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - commands of our own
            command, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            wait_until(lambda: _up(process, port, log), f"the server on port {port} answers")
            yield Served(f"http://{LOOPBACK}:{port}", process.pid, log)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _up(process: subprocess.Popen[bytes], port: int, log: Path) -> bool:
    if process.poll() is not None:
        raise PlumblineError(
            Reason.CHILD_DIED,
            f"The server ended with status {process.returncode}.",
            hint=f"See {log}.",
        )
    return answers(LOOPBACK, port)
