"""A real InfluxDB on a free loopback port, that can be stopped, killed and started again."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import ssl
import subprocess
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from plumbline.bench_influxd import find_influxd as influxd
from plumbline.ports import free_port
from tests import influx_container

#: The address of a server to use instead of one of our own, but for its buckets.
ADDRESS = "PLUMBLINE_TEST_INFLUX_URL"
START_S = 60.0
ORG = "plumbline-tests"
HOW = (
    "`make influxd` builds one from source and says what that takes; or put an influxd 2 on the PATH, "
    f"start a Docker engine, or name a server with {ADDRESS}."
)
#: Why a test is not run on a server that is there, but not ours to end.
NOT_OURS = "InfluxDB is here but cannot be stopped, killed or filled by a test"


@dataclass
class InfluxServer:
    """One server with everything it keeps in ``folder``."""

    program: Path
    folder: Path
    certificate: Path | None = None
    key: Path | None = None
    port: int = field(default_factory=free_port)
    token: str = field(default_factory=lambda: uuid.uuid4().hex)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def token_file(self) -> Path:
        """The file of the token that may do everything."""
        return self.folder / "token"

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

    def command(self) -> list[str]:
        """What it is started with."""
        paths = {"bolt-path": "bolt", "sqlite-path": "sqlite", "engine-path": "engine"}
        command = [str(self.program), "--reporting-disabled", "--log-level=warn"]
        command += [f"--http-bind-address=127.0.0.1:{self.port}"]
        if self.certificate is not None:
            command += [f"--tls-cert={self.certificate}", f"--tls-key={self.key}"]
        return command + [f"--{name}={self.folder / path}" for name, path in paths.items()]

    def start(self) -> None:
        """Start, and wait until it serves; the first time, set it up."""
        with (self.folder / "influxd.log").open("ab") as log:
            self._process = process = subprocess.Popen(
                self.command(),
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | {"HOME": "/nowhere"},
            )
        if not self._wait_serves(lambda: process.poll() is not None):
            pytest.fail((self.folder / "influxd.log").read_text()[-4000:])
        if not self.token_file.exists():
            self._set_up()

    def stop(self) -> None:
        """End it in order; what it keeps stays."""
        self._end("terminate")

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end("kill")

    def request(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Status and JSON of a request with the token."""
        connection = self._connection()
        try:
            connection.request(
                method,
                path,
                None if body is None else json.dumps(body),
                {"Authorization": f"Token {self.token}"},
            )
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if self.certificate is None:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        trust = ssl.create_default_context(cafile=str(self.certificate))
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=trust)

    def _end(self, how: str) -> None:
        if self._process is not None:
            getattr(self._process, how)()
            self._process.wait(START_S)
            self._process = None

    def _wait_serves(self, ended: Callable[[], bool]) -> bool:
        ends_s = time.monotonic() + START_S
        while not self._serves():
            if time.monotonic() > ends_s or ended():
                return False
            time.sleep(0.05)
        return True

    def _serves(self) -> bool:
        try:
            return self.request("GET", "/health")[0] == 200
        except (OSError, http.client.HTTPException, ValueError):
            return False

    def _set_up(self) -> None:
        first = {"username": "admin", "password": uuid.uuid4().hex, "org": ORG, "bucket": "unused"}
        status, said = self.request("POST", "/api/v2/setup", first | {"token": self.token})
        assert status == 201, said
        self.token_file.write_text(self.token + "\n")


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
        """Start and set up a new one."""
        try:
            influx_container.run(self._container, self.port)
            if not self._wait_serves(lambda: not influx_container.runs(self._container)):
                pytest.fail(influx_container.log(self._container))
            self._set_up()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Remove it."""
        influx_container.remove(self._container)

    def kill(self) -> None:
        raise NotImplementedError(NOT_OURS)


def version(program: Path) -> str:
    """What the program says it is: 2.7.12."""
    said = subprocess.run([program, "version"], capture_output=True, text=True, check=False)
    return said.stdout.split(" (")[0].removeprefix("InfluxDB ").strip().removeprefix("v")


def which() -> str:
    """What the tests run against, for the run's summary."""
    address = os.environ.get(ADDRESS)
    if address:
        return f"{_served(address)} (named by {ADDRESS})"
    program = influxd()
    if program is not None:
        return f"{version(program)} ({program})"
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
