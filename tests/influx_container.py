"""InfluxDB in a container of its own, for tests on a machine that has only a Docker engine."""

from __future__ import annotations

import functools
import shutil
import subprocess

import pytest

IMAGE = "docker.io/library/influxdb:2.7"
#: An engine that does not answer is none. Pulling the image may take a while.
ASK_S, RUN_S = 30.0, 600.0


@functools.cache
def possible() -> bool:
    """Whether a Docker engine runs here."""
    if shutil.which("docker") is None:
        return False
    try:
        return _docker("info").returncode == 0
    except subprocess.TimeoutExpired:
        return False


def run(name: str, port: int) -> None:
    """Start a server of this name on a loopback port, not set up."""
    published = f"127.0.0.1:{port}:8086"
    command = ["run", "--detach", "--name", name, "--publish", published, IMAGE]
    done = _docker(*command, "influxd", "--reporting-disabled", timeout_s=RUN_S)
    if done.returncode != 0:
        pytest.fail(f"docker {' '.join(command)}: {done.stderr}")


def runs(name: str) -> bool:
    """Whether it has not ended."""
    return _docker("inspect", "--format", "{{.State.Running}}", name).stdout.strip() == "true"


def log(name: str) -> str:
    """The last of what it said."""
    done = _docker("logs", "--tail", "40", name)
    return done.stdout + done.stderr


def remove(name: str) -> None:
    """End and forget it and what it kept."""
    _docker("rm", "--force", "--volumes", name)


def _docker(*arguments: str, timeout_s: float = ASK_S) -> subprocess.CompletedProcess[str]:
    command = ["docker", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
