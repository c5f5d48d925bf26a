"""A site as `plumbline init` makes it, and a real Mosquitto with the configuration that is shipped."""

from __future__ import annotations

import datetime as dt
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from plumbline.init_site import SiteChoice, make_site
from plumbline.ports import free_port
from plumbline.private_files import Owner
from tests.brokers import START_S
from tests.conftest import REPOSITORY

SITE = "clinic-7"
GATEWAYS = ("gw-a", "gw-b")
SHIPPED = REPOSITORY / "deploy" / "mosquitto" / "mosquitto.conf"


@dataclass(frozen=True)
class Site:
    """A made site's folder, and where its broker listens."""

    folder: Path
    port: int = 0

    @property
    def secrets(self) -> Path:
        return self.folder / "secrets"

    @property
    def ca(self) -> Path:
        return self.secrets / "ca.pem"

    def password(self, user: str) -> str:
        gateway = self.secrets / "gateways" / f"{user}.password"
        file = gateway if gateway.exists() else self.secrets / f"{user}.password"
        return file.read_text().strip()


def make(folder: Path, gateways: tuple[str, ...] = GATEWAYS) -> Site:
    me = Owner(os.geteuid(), os.getegid())
    make_site(folder, SiteChoice(SITE, gateways), me, dt.datetime.now(dt.UTC))
    return Site(folder)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A new site of two gateways."""
    return make(tmp_path / "site")


class ShippedMosquitto:
    """Mosquitto with the shipped file: only the container's paths and its port are changed."""

    def __init__(self, program: Path, site: Site) -> None:
        self.site = site
        self.log = site.folder / "mosquitto.log"
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        config = self.site.folder / "mosquitto.conf"
        config.write_text(self._rewritten())
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, "-c", config], stdout=log, stderr=subprocess.STDOUT
            )
        ends_s = time.monotonic() + START_S
        while not self._listens():
            if time.monotonic() > ends_s or self._process.poll() is not None:
                pytest.fail(self.log.read_text())
            time.sleep(0.02)

    def reload(self) -> None:
        """As `docker compose kill -s HUP mosquitto` does."""
        assert self._process is not None
        self._process.send_signal(1)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(START_S)

    def _rewritten(self) -> str:
        text = SHIPPED.read_text()
        for was, now in (
            ("listener 8883\n", f"listener {self.site.port} 127.0.0.1\n"),
            ("/mosquitto/secrets/", f"{self.site.secrets}/broker/"),
            ("/mosquitto/data/", f"{self.site.folder}/volumes/broker/"),
        ):
            assert was in text
            text = text.replace(was, now)
        # Started by root it would become another user, which the container's is not.
        return text + ("user root\n" if os.geteuid() == 0 else "")

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.site.port)) == 0


@pytest.fixture(scope="module")
def broker(mosquitto: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShippedMosquitto]:
    """The broker of a new site, running."""
    made = make(tmp_path_factory.mktemp("site") / "site")
    running = ShippedMosquitto(mosquitto, Site(made.folder, free_port()))
    running.start()
    yield running
    running.stop()
