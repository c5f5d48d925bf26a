"""Docker with its compose plugin, or podman with podman-compose: what differs between them is here."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: A machine under load is slow, not wrong.
HEALTHY_S: Final = 240.0
DO_S: Final = 600.0
#: An engine that does not answer is none.
ASK_S: Final = 60.0
_POLL_S: Final = 1.0


class ComposeFailed(Exception):
    """A step of the run that did not do what it must."""


@dataclass(frozen=True)
class Engine:
    """A project in a folder with a docker-compose.yml. ``podman`` False: Docker."""

    podman: bool
    folder: Path
    project: str

    def up(self, services: Sequence[str], once: Collection[str]) -> None:
        """Start services, each when those before it are well. ComposeFailed where one does not get so.

        ``once``: those that run to their end before the next. Docker does the order itself, by
        ``depends_on``; this podman-compose knows neither health nor ends.
        """
        if not self.podman:
            self._compose("up", "--detach", "--wait", *services)
            return
        for service in services:
            self._compose("up", "-d", service, checked=False)  # says also that others run already
            (self.wait_ended if service in once else self.wait_healthy)(service)

    def restart(self, service: str) -> None:
        """Stop and start a container."""
        self._run("restart", "-t", "30", self._container(service))

    def wait_healthy(self, service: str) -> float:
        """Seconds until the container's own health check is content."""
        began_s = time.monotonic()
        while not self._healthy(service):
            if time.monotonic() - began_s > HEALTHY_S:
                raise ComposeFailed(f"{service} is not well:\n{self.logs(service)}")
            time.sleep(_POLL_S)
        return time.monotonic() - began_s

    def wait_ended(self, service: str) -> None:
        """Until a container has done what it does once. ComposeFailed where it could not."""
        status = self._run("wait", self._container(service)).stdout.strip()
        if status != "0":
            raise ComposeFailed(f"{service} ended with {status}:\n{self.logs(service)}")

    def run_in(self, service: str, *command: str) -> subprocess.CompletedProcess[str]:
        """A command inside a container, to its end."""
        return self._run("exec", self._container(service), *command, checked=False)

    def logs(self, service: str) -> str:
        """The last lines that a container wrote."""
        done = self._run("logs", "--tail", "40", self._container(service), checked=False)
        return done.stdout + done.stderr

    def down(self, grace_s: int = 30) -> None:
        """Stop and forget all of it; what has not ended after ``grace_s`` is killed."""
        self._compose("down", "-t", str(grace_s))
        if self.podman:  # which leaves its networks behind
            label = f"label=com.docker.compose.project={self.project}"
            for network in self._run("network", "ls", "-q", "--filter", label).stdout.split():
                self._run("network", "rm", network)

    def _healthy(self, service: str) -> bool:
        container = self._container(service)
        if self.podman:  # without systemd nobody runs the checks but who asks
            return self._run("healthcheck", "run", container, checked=False).returncode == 0
        shown = self._run("inspect", "--format", "{{.State.Health.Status}}", container)
        return shown.stdout.strip() == "healthy"

    def _container(self, service: str) -> str:
        mark = "_" if self.podman else "-"
        return f"{self.project}{mark}{service}{mark}1"

    def _compose(self, *arguments: str, checked: bool = True) -> None:
        if self.podman:
            self._do(["podman-compose", "-p", self.project, *arguments], checked)
        else:
            program = ["docker", "compose", "-p", self.project, "--profile", "demo"]
            self._do([*program, *arguments], checked)

    def _run(self, *arguments: str, checked: bool = True) -> subprocess.CompletedProcess[str]:
        return self._do(["podman" if self.podman else "docker", *arguments], checked)

    def _do(self, command: list[str], checked: bool) -> subprocess.CompletedProcess[str]:
        try:
            done = subprocess.run(
                command, cwd=self.folder, capture_output=True, text=True, timeout=DO_S, check=False
            )
        except subprocess.TimeoutExpired:
            raise ComposeFailed(f"{' '.join(command)} was not done after {DO_S:.0f} s") from None
        if checked and done.returncode != 0:
            said = (done.stdout + done.stderr)[-4000:]
            raise ComposeFailed(f"{' '.join(command)} ended with {done.returncode}:\n{said}")
        return done


def has_docker() -> bool:
    """Whether a Docker engine with the compose plugin runs here; COMPOSE_ENGINE=podman says no."""
    if os.environ.get("COMPOSE_ENGINE") == "podman" or shutil.which("docker") is None:
        return False
    tries = (["docker", "info"], ["docker", "compose", "version"])
    try:
        done = [subprocess.run(t, capture_output=True, timeout=ASK_S, check=False) for t in tries]
    except subprocess.TimeoutExpired:
        return False
    return all(one.returncode == 0 for one in done)
