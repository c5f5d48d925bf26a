"""What benchmarks of analytics need around it: a broker, a publisher, and analytics as its command."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from contracts.errors import PlumblineError, Reason
from plumbline.bench_crowd import Message
from plumbline.ports import LOOPBACK, answers, free_port
from plumbline.procfs import Usage, usage
from plumbline.settings import ENV_PREFIX, Settings
from plumbline.supervisor import ChildSpec, Supervisor

BROKER: Final = "broker"
SITE: Final = "bench"
PATIENCE_S: Final = 300.0
LOOK_S: Final = 0.005
#: As deploy/mosquitto/mosquitto.conf, but that nothing is dropped however long the queue.
_MOSQUITTO: Final = """listener {port} 127.0.0.1
allow_anonymous true
persistence false
max_inflight_messages 100
max_queued_messages 0
"""


@dataclass
class BenchSite:
    """Processes around a broker on a free loopback port, all files in ``folder``.

    ``mosquitto``: whether the broker is one; otherwise it is the embedded one, which does not queue.
    """

    folder: Path
    port: int = field(default_factory=free_port)
    mosquitto: bool = field(default_factory=lambda: _mosquitto() is not None)
    _supervisor: Supervisor = field(default_factory=Supervisor)

    def __enter__(self) -> Self:
        """Start the broker. PlumblineError where it does not come up."""
        self._start_broker()
        wait_until(lambda: answers(LOOPBACK, self.port), "the broker listens")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._supervisor.close()

    @property
    def broker_name(self) -> str:
        """Which broker it is."""
        return "mosquitto" if self.mosquitto else "embedded"

    def start_analytics(self, data: Path) -> int:
        """``plumbline analytics`` on the folder ``data``, connected; its process id."""
        arguments = ("--data-dir", str(data), "--site", SITE, "--broker-port", str(self.port))
        return self.start("analytics", ("plumbline", "analytics", *arguments))

    def start(self, name: str, module: tuple[str, ...]) -> int:
        """A Python module as a process that reports into a stats file; its id, when it has."""
        command = (sys.executable, "-m", *module, "--stats", str(self.stats(name)))
        self._spawn(name, command)
        self._supervisor.wait_ready(name, cancelled=lambda: False)
        return self._supervisor.pids()[name]

    def stats(self, name: str) -> Path:
        """The file a process reports into."""
        return self.folder / f"{name}.json"

    def stop(self, name: str) -> None:
        """End a process in order."""
        self._supervisor.stop([name])

    def _spawn(self, name: str, command: tuple[str, ...]) -> None:
        # What the user has set for other services must not reach a benchmark's own.
        environment = {k: v for k, v in os.environ.items() if not k.upper().startswith(ENV_PREFIX)}
        log = self.folder / f"{name}.log"
        self._supervisor.start(ChildSpec(name, command, log, self.stats(name), environment))

    def _start_broker(self) -> None:
        program = _mosquitto()
        if program is None:
            self.start(BROKER, ("plumbline", "broker", "--broker-port", str(self.port)))
            return
        config = self.folder / "mosquitto.conf"
        config.write_text(_MOSQUITTO.format(port=self.port))
        self._spawn(BROKER, (program, "-c", str(config)))


class Publisher:
    """Publishes messages, QoS 1, and knows when the broker has them."""

    def __init__(self, port: int) -> None:
        self._lock = threading.Condition()
        self._under_way = 0
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, clean_session=True)
        self._client.max_inflight_messages_set(1000)
        self._client.on_publish = self._on_publish
        self._client.connect(LOOPBACK, port)
        self._client.loop_start()

    def publish(self, messages: Iterable[Message]) -> None:
        """Publish, and return when the broker has acknowledged all."""
        for topic, payload in messages:
            with self._lock:
                self._under_way += 1
            self._client.publish(topic, payload, qos=1)
        with self._lock:
            if not self._lock.wait_for(lambda: self._under_way == 0, PATIENCE_S):
                raise _impatient("the broker takes all messages")

    def close(self) -> None:
        """Leave the broker."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_publish(self, *_: object) -> None:
        with self._lock:
            self._under_way -= 1
            if not self._under_way:
                self._lock.notify_all()


def own_data(folder: Path) -> Settings:
    """Settings of a service that keeps everything in a folder, whatever the user has set."""
    return Settings.model_construct(data_dir=folder)


def hold(pid: int) -> None:
    """Stop a process where it is."""
    os.kill(pid, signal.SIGSTOP)


def let_go(pid: int) -> None:
    """Let a process that was held go on."""
    os.kill(pid, signal.SIGCONT)


def used(pid: int) -> Usage:
    """What a running process has used. PlumblineError where the system does not say."""
    found = usage(pid)
    if found is None:
        raise PlumblineError(
            Reason.MISSING, "This system has no /proc to read a process's use from."
        )
    return found


def wait_until(done: Callable[[], bool], what: str, look_s: float = LOOK_S) -> None:
    """Until it is done. PlumblineError(INCOMPLETE) after five minutes."""
    ends_s = time.monotonic() + PATIENCE_S
    while not done():
        if time.monotonic() > ends_s:
            raise _impatient(what)
        time.sleep(look_s)


def _impatient(what: str) -> PlumblineError:
    return PlumblineError(
        Reason.INCOMPLETE, f"The benchmark waited {PATIENCE_S:.0f} s until {what}, in vain."
    )


def _mosquitto() -> str | None:
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
