"""What a site is made of: processes that are killed and started again, and a disk that fills up."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from plumbline.lifeline import Lifeline

REPOSITORY: Final = Path(__file__).resolve().parent.parent.parent
STOP_S: Final = 60.0
#: Large enough for the longest run with all that is kept, small enough to be filled at once.
DISK_BYTES: Final = 48 * 2**20
#: What a process may write where there is no disk of its own to fill: nothing beyond two pages.
FULL_FILE_BYTES: Final = 8192


@dataclass
class Part:
    """A process that is kept running until it is held."""

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str]
    lifeline: Lifeline
    piped: bool = False
    process: subprocess.Popen[str] | None = None
    held: int = 0
    deaths: list[str] = field(default_factory=list)
    starts: int = 0

    def start(self) -> None:
        """Start, unless it runs."""
        if self.process is not None and self.process.poll() is None:
            return
        self._hang_up()
        self.starts += 1
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE if self.piped else subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                text=True,
                cwd=REPOSITORY,
                pass_fds=(self.lifeline.child_fd,),
                env={**self.environment, **self.lifeline.environment()},
            )

    def kill(self) -> None:
        """Kill it (-9) and see it dead."""
        process = self.process
        if process is not None:
            process.kill()
            process.wait()

    def tell(self, line: str) -> None:
        """A line on its stdin, if it still reads."""
        if self.process is None or self.process.stdin is None:
            return
        with contextlib.suppress(OSError, ValueError):
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()

    def stop(self) -> None:
        """Stop it as a service manager does."""
        process = self.process
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.kill()
                self.deaths.append("did not stop when it was told to")
        self._hang_up()
        self.process = None

    @contextlib.contextmanager
    def hung(self) -> Iterator[None]:
        """Within it the process that runs now stands still, as long as nobody kills it."""
        process = self.process
        if process is not None:
            process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            if process is not None:
                process.send_signal(signal.SIGCONT)

    @contextlib.contextmanager
    def without_room(self) -> Iterator[None]:
        """Within it the process that runs now can lengthen no file, as on a full disk."""
        process = self.process
        with contextlib.ExitStack() as stack:
            if process is not None and process.poll() is None:
                before = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
                full = (FULL_FILE_BYTES, before[1])
                stack.enter_context(contextlib.suppress(ProcessLookupError))
                stack.callback(resource.prlimit, process.pid, resource.RLIMIT_FSIZE, before)
                resource.prlimit(process.pid, resource.RLIMIT_FSIZE, full)
            yield

    def _hang_up(self) -> None:
        if self.process is not None and self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()


class Disk:
    """The disk under an outbox: one of its own where this user may mount one, else none to fill."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", str(folder)]
        done = shutil.which("mount") and os.geteuid() == 0
        self.own = (
            bool(done) and not subprocess.run(mount, check=False, capture_output=True).returncode
        )
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """Use up what is left of it."""
        with contextlib.suppress(OSError), self._ballast.open("ab", buffering=0) as file:
            while file.write(bytes(65_536)):
                pass
        with contextlib.suppress(OSError), self._ballast.open("ab", buffering=0) as file:
            while file.write(bytes(512)):
                pass

    def free(self) -> None:
        """Give it back."""
        self._ballast.unlink(missing_ok=True)

    def close(self) -> None:
        """Unmount it."""
        if self.own:
            subprocess.run(["umount", str(self.folder)], check=False, capture_output=True)
