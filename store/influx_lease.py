"""One process at a time computes into an InfluxDB store: a lease there, and a lock on this machine.

The lock ends with the process, so a service that was killed starts again at once. The lease says it to
other machines: its holder beats every two seconds; who finds it taken watches, and takes it over only
when it has stood still. Clocks are not compared.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import time
import uuid
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, Final

import structlog

from contracts.errors import Reason, StoreError
from store.claim import claim
from store.influx_flux import ONE_TABLE, PIVOT, TIMELESS, source
from store.influx_http import InfluxServer
from store.influx_lines import BASE_NS

BEAT_S: Final = 2.0
#: A lease that stood still for so long is nobody's.
STILL_S: Final = 10.0
WATCH_S: Final = 0.5

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Seen:
    holder: str
    machine: str
    beat: int


class Lease:
    """The right to compute into the store ``name``, whose kept bucket is read and written as these."""

    def __init__(self, server: InfluxServer, name: str, *, read: str, write: str) -> None:
        self._server = server
        self._name = name
        self._read = read
        self._write = write
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._me = uuid.uuid4().hex
        self._machine = ""
        self._beat = 0
        self._beaten_s = 0.0
        self._lost = False
        self._file: IO[bytes] | None = None
        self._thread: threading.Thread | None = None

    def take(self) -> None:
        """Take it, if it is not held already. StoreError(STORE_IN_USE) where another process does."""
        if self._thread is not None:
            return
        self._file, self._machine = self._lock_machine()
        try:
            seen = self._see()
            if seen.holder and seen.machine != self._machine:
                self._watch(seen)
            self._write_beat()
        except BaseException:
            self._file.close()
            raise
        self._thread = threading.Thread(target=self._keep, name="store-lease", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Before a commit: StoreError(STORE_IN_USE) where the lease was lost meanwhile."""
        if self._thread is None:
            return
        if not self._lost and time.monotonic() - self._beaten_s > STILL_S:
            self._renew()  # this process stood still, or the server was away
        if self._lost:
            raise self._in_use()

    def release(self) -> None:
        """Let go of it, if it is held."""
        if self._thread is None or self._file is None:
            return
        self._ended.set()
        if time.monotonic() - self._beaten_s <= STILL_S:  # else it is seen to stand still
            self._thread.join()
            with contextlib.suppress(StoreError):
                if self._see().holder == self._me:
                    self._put("")
        self._file.close()

    def _keep(self) -> None:
        while not self._ended.wait(BEAT_S) and not self._lost:
            try:
                self._renew()
            except StoreError as error:
                log.debug("the lease on the store cannot be renewed", reason=error.reason.value)

    def _renew(self) -> None:
        with self._lock:
            if self._see().holder != self._me:
                self._lost = True
            else:
                self._write_beat()

    def _watch(self, first: _Seen) -> None:
        ends_s = time.monotonic() + STILL_S
        log.warning("waiting whether another machine's analytics is alive", store=self._name)
        while time.monotonic() < ends_s:
            time.sleep(WATCH_S)
            seen = self._see()
            if not seen.holder:
                return
            if seen != first:
                raise self._in_use()

    def _see(self) -> _Seen:
        rows = source(self._read, *TIMELESS, _measurement="lease")
        found = self._server.ask(rows + PIVOT + ONE_TABLE)
        if not found:
            return _Seen("", "", 0)
        return _Seen(found["holder"][0], found["machine"][0], int(found["beat"][0]))

    def _write_beat(self) -> None:
        self._beat += 1
        self._put(self._me)
        self._beaten_s = time.monotonic()

    def _put(self, holder: str) -> None:
        fields = f'holder="{holder}",machine="{self._machine}",beat={self._beat}i'
        self._server.write(self._write, [f"lease {fields} {BASE_NS}"])

    def _lock_machine(self) -> tuple[IO[bytes], str]:
        """The lock among this machine's processes, and the name that it knows the machine by."""
        digest = sha256(self._name.encode()).hexdigest()[:16]
        path = Path(tempfile.gettempdir()) / f"plumbline-{os.getuid()}-{digest}"
        try:
            file = claim(path)
        except StoreError:
            raise self._in_use() from None
        lock = path.with_name(f"{path.name}.lock")
        machine = lock.read_text()
        if not machine:
            machine = uuid.uuid4().hex
            file.write(machine.encode())
            file.flush()
        return file, machine

    def _in_use(self) -> StoreError:
        return StoreError(
            Reason.STORE_IN_USE,
            f"Another analytics already writes to the store {self._name}.",
            hint="Stop that one, or give this one a bucket-prefix of its own.",
        )
