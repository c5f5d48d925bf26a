"""A real InfluxDB on a free loopback port, that can be stopped, killed and started again."""

from __future__ import annotations

import contextlib
import http.client
import os
import ssl
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from plumbline.bench_influxd import ORG, BenchInflux, influxd_version
from plumbline.bench_influxd import find_influxd as influxd
from tests import influx_container

#: The address of a server to use instead of one of our own, but for its buckets.
ADDRESS = "PLUMBLINE_TEST_INFLUX_URL"
HOW = (
    "`make influxd` builds one from source and says what that takes; or put an influxd 2 on the PATH, "
    f"start a Docker engine, or name a server with {ADDRESS}."
)
#: Why a test is not run on a server that is there, but not ours to end.
NOT_OURS = "InfluxDB is here but cannot be stopped, killed or filled by a test"


@dataclass
class InfluxServer(BenchInflux):
    """One server with everything it keeps in ``folder``; with TLS where it has a ``certificate``."""

    certificate: Path | None = None
    key: Path | None = None

    def __post_init__(self) -> None:
        if self.certificate is not None:
            self.options += (f"--tls-cert={self.certificate}", f"--tls-key={self.key}")

    def url(self, prefix: str = "", *, port: int | None = None, **options: object) -> str:
        """The address of a store on it: of its own buckets, unless ``prefix`` says which."""
        given = {
            "org": ORG,
            "bucket-prefix": prefix or f"t{uuid.uuid4().hex}",
            "token-file": self.token_file,
            "frame-days": 0,  # rows of tests lie in any year
        } | {name.replace("_", "-"): value for name, value in options.items()}
        query = "&".join(f"{name}={value}" for name, value in given.items())
        scheme = "http" if self.certificate is None else "https"
        return f"influx:{scheme}://127.0.0.1:{port or self.port}?{query}"

    def _connection(self) -> http.client.HTTPConnection:
        if self.certificate is None:
            return super()._connection()
        trust = ssl.create_default_context(cafile=str(self.certificate))
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=trust)


class GivenServer:
    """A server that somebody else runs, at the address of the environment."""

    def __init__(self, address: str) -> None:
        self._address = address

    def url(self, prefix: str = "", **options: object) -> str:
        """The address of a store on it, in buckets of its own."""
        given = {"bucket-prefix": prefix or f"t{uuid.uuid4().hex}", "frame-days": 0} | {
            name.replace("_", "-"): value for name, value in options.items()
        }
        query = "&".join(f"{name}={value}" for name, value in given.items())
        return f"{self._address}{'&' if urlsplit(self._address).query else '?'}{query}"


class ContainerServer(InfluxServer):
    """The same in a container of the Docker engine that runs here; what it keeps ends with it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(Path("docker"), folder)
        self._container = f"plumbline-tests-{uuid.uuid4().hex}"

    def start(self) -> None:
        """Start and set up a new one; nothing of it stays where that fails."""
        try:
            super().start()
        except BaseException:
            self.stop()
            raise

    def _launch(self) -> None:
        influx_container.run(self._container, self.port)

    def _has_ended(self) -> bool:
        return not influx_container.runs(self._container)

    def _said(self) -> str:
        return influx_container.log(self._container)

    def stop(self) -> None:
        """Remove it."""
        influx_container.remove(self._container)

    def kill(self) -> None:
        raise NotImplementedError(NOT_OURS)


@pytest.fixture
def server(influxd: Path, tmp_path: Path) -> Iterator[InfluxServer]:
    """A server of the test's own, that may be stopped."""
    folder = tmp_path / "influx"
    folder.mkdir()
    with InfluxServer(influxd, folder) as server:
        yield server


def which() -> str:
    """What the tests run against, for the run's summary."""
    address = os.environ.get(ADDRESS)
    if address:
        return f"{_served(address)} (named by {ADDRESS})"
    program = influxd()
    if program is not None:
        return f"{influxd_version(program)} ({program})"
    if influx_container.possible():
        return f"{influx_container.IMAGE} (a container)"
    return f"none, so its tests are not run. {HOW}"


def _served(address: str) -> str:
    """The version that the server at an address of ours says."""
    kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
    try:
        parts = urlsplit(address.removeprefix("influx:"))
        connection = kinds[parts.scheme](str(parts.hostname), parts.port, timeout=5)
        with contextlib.closing(connection):
            connection.request("GET", "/ping")
            return str(connection.getresponse().getheader("X-Influxdb-Version", "no InfluxDB"))
    except (KeyError, ValueError):
        return f"no server, since {ADDRESS} is no address of one"
    except (OSError, http.client.HTTPException) as error:
        return f"a server that does not answer: {error}"
