"""A real InfluxDB 2 for benchmarks and tests: on a free loopback port, in a folder of its own."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from contracts.errors import Fault, PlumblineError, Reason
from plumbline.ports import LOOPBACK, free_port

ORG: Final = "plumbline-bench"
START_S: Final = 60.0
ASK_S: Final = 30.0
POLL_S: Final = 0.02
LOG: Final = "influxd.log"
#: Of what the server said, in a message of ours.
SAID_CHARS: Final = 400
#: Where `make influxd` puts the server that it builds.
BUILT: Final = Path(__file__).resolve().parent.parent / ".tools" / "influxd"
HINT: Final = "Put an influxd 2 on the PATH, or build one with `make influxd`."


def find_influxd() -> Path | None:
    """The server's program: an InfluxDB 2 on the PATH, else the one that `make influxd` built."""
    for found in (shutil.which("influxd"), BUILT):
        if (
            found is not None
            and Path(found).is_file()
            and influxd_version(Path(found)).startswith("2")
        ):
            return Path(found)
    return None


def require_influxd() -> Path:
    """As :func:`find_influxd`. PlumblineError(MISSING) where there is none."""
    found = find_influxd()
    if found is None:
        raise PlumblineError(
            Reason.MISSING, "There is no InfluxDB 2 here.", hint=HINT, fault=Fault.MACHINE
        )
    return found


@dataclass
class BenchInflux:
    """A server of our own that keeps everything in ``folder``; its one token may do everything.

    As a context manager: started and set up on entering, ended on leaving. It may be stopped and
    started again in between, on the same port and with what it kept.
    """

    program: Path
    folder: Path
    port: int = field(default_factory=free_port)
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    options: tuple[str, ...] = ()
    _process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The server's process while it runs."""
        return None if self._process is None else self._process.pid

    @property
    def engine(self) -> Path:
        """The folder of its data: ``data`` with the shards' files, ``wal`` with the write-ahead logs."""
        return self.folder / "engine"

    @property
    def token_file(self) -> Path:
        """The file of the token."""
        return self.folder / "token"

    def url(self, prefix: str, *, frame_days: int = 0) -> str:
        """The address of a store in buckets of its own; ``frame_days`` 0: frames of any year."""
        return (
            f"influx:http://{LOOPBACK}:{self.port}?org={ORG}&bucket-prefix={prefix}"
            f"&token-file={self.token_file}&frame-days={frame_days}"
        )

    def command(self) -> list[str]:
        """What it is started with."""
        paths = {"bolt-path": "bolt", "sqlite-path": "sqlite", "engine-path": "engine"}
        command = [str(self.program), "--reporting-disabled", "--log-level=warn", *self.options]
        command += [f"--http-bind-address={LOOPBACK}:{self.port}"]
        return command + [f"--{name}={self.folder / path}" for name, path in paths.items()]

    def start(self) -> None:
        """Start, wait until it serves, and set it up the first time. PlumblineError where it ends."""
        self._launch()
        ends_s = time.monotonic() + START_S
        while not self.serves():
            if time.monotonic() > ends_s or self._has_ended():
                said = self._said()
                self.stop()
                raise self._failed(said)
            time.sleep(POLL_S)
        if not self.token_file.exists():
            self._set_up()

    def stop(self) -> None:
        """End it in order; what it keeps stays."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def serves(self) -> bool:
        """Whether it answers that it is well."""
        try:
            return self.request("GET", "/health")[0] == http.client.OK
        except (OSError, http.client.HTTPException, ValueError):
            return False

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
        return http.client.HTTPConnection(LOOPBACK, self.port, timeout=ASK_S)

    def _launch(self) -> None:
        with (self.folder / LOG).open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program and arguments
                self.command(),
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | {"HOME": "/nowhere"},
            )

    def _has_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def _said(self) -> str:
        return (self.folder / LOG).read_text()[-SAID_CHARS:]

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(START_S)
            self._process = None

    def _set_up(self) -> None:
        first = {"username": "bench", "password": secrets.token_hex(16), "bucket": "unused"}
        status, said = self.request(
            "POST", "/api/v2/setup", first | {"org": ORG, "token": self.token}
        )
        if status != http.client.CREATED:
            self.stop()
            raise self._failed(str(said)[:SAID_CHARS])
        self.token_file.touch(mode=0o600)
        self.token_file.write_text(self.token + "\n")

    def _failed(self, said: str) -> PlumblineError:
        return PlumblineError(
            Reason.CHILD_DIED,
            f"InfluxDB did not start: {said}",
            hint=HINT,
            fault=Fault.MACHINE,
        )


def influxd_version(program: Path) -> str:
    """What the program says it is: 2.7.12."""
    said = subprocess.run(  # noqa: S603 - a program the user has
        [program, "version"], capture_output=True, text=True, check=False
    )
    return said.stdout.split(" (")[0].removeprefix("InfluxDB ").strip().removeprefix("v")
