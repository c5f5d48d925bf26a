"""A real Mosquitto on a free loopback port, that can be stopped and started again."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from plumbline.ports import free_port

START_S = 20.0


@dataclass
class MosquittoBroker:
    """One broker. With ``users`` (name to password) it refuses everybody else.

    ``more`` are further lines of its configuration; ``inflight`` messages may wait for an acknowledgement,
    0 for any number.
    """

    program: Path
    folder: Path
    users: dict[str, str] = field(default_factory=dict)
    host: str = "127.0.0.1"
    port: int = field(default_factory=free_port)
    inflight: int = 0
    more: tuple[str, ...] = ()
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it listens."""
        config = self.folder / "mosquitto.conf"
        lines = [f"listener {self.port} {self.host}", "persistence false", "user root"]
        lines += [f"max_inflight_messages {self.inflight}", "max_queued_messages 0"]
        lines += [f"password_file {self._passwords()}"] if self.users else ["allow_anonymous true"]
        config.write_text("\n".join([*lines, *self.more]) + "\n")
        with (self.folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self.program, "-c", config], stdout=log, stderr=subprocess.STDOUT
            )
        ends_s = time.monotonic() + START_S
        while not self._listens():
            if time.monotonic() > ends_s or self._process.poll() is not None:
                pytest.fail((self.folder / "mosquitto.log").read_text())
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop it; everything it knew is gone."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(START_S)
            self._process = None

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((self.host, self.port)) == 0

    def _passwords(self) -> Path:
        file = self.folder / "passwords"
        file.write_text("".join(f"{name}:{word}\n" for name, word in self.users.items()))
        file.chmod(0o600)
        tool = self.program.parent.parent / "bin" / "mosquitto_passwd"
        subprocess.run([tool if tool.exists() else "mosquitto_passwd", "-U", file], check=True)
        return file


@pytest.fixture
def mosquitto_broker(mosquitto: Path, tmp_path: Path) -> Iterator[MosquittoBroker]:
    """A running broker that lets everybody in."""
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    broker = MosquittoBroker(mosquitto, folder)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def guarded_broker(mosquitto: Path, tmp_path: Path) -> Iterator[MosquittoBroker]:
    """A running broker that knows only the user ``plumbline`` with the password ``right``."""
    folder = tmp_path / "guarded"
    folder.mkdir()
    broker = MosquittoBroker(mosquitto, folder, users={"plumbline": "right"})
    broker.start()
    yield broker
    broker.stop()
