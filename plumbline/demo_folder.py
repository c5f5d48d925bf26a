"""The demo's data folder: what lies where, one demo at a time, and the file that says what runs."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Final

from contracts import file_lock
from contracts.errors import Fault, PlumblineError, Reason
from plumbline.disk import disk_error

BROKER_USERNAME: Final = "plumbline"
_SECRET_BYTES: Final = 24


class DemoFolder:
    """A data folder that this process holds. DiskError where it cannot be written."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.run = self.root / "run"
        self.logs = self.root / "logs"
        self.run_file = self.root / "run.json"
        self.accounts_file = self.root / "accounts.json"
        self.settings_file = self.run / "plumbline.toml"
        self.secret_file = self.run / "broker.secret"
        try:
            for folder in (self.root, self.run, self.logs):
                folder.mkdir(parents=True, exist_ok=True)
            self._lock = self._hold()
            for log in self.logs.glob("*.log"):  # of an earlier run
                log.unlink()
        except OSError as error:
            raise disk_error(self.root, error) from None

    def stats(self, name: str) -> Path:
        """The file in which a process reports."""
        return self.run / f"{name}.json"

    def log(self, name: str) -> Path:
        """A process's log."""
        return self.logs / f"{name}.log"

    def write_secret(self) -> None:
        """A new password for this run's broker, readable by its owner only."""
        _write_private(self.secret_file, secrets.token_urlsafe(_SECRET_BYTES))

    def write_accounts(self, accounts: Sequence[Mapping[str, str]]) -> None:
        """Who can sign in to this run's dashboard and how, readable by the folder's owner only."""
        _write_private(self.accounts_file, json.dumps(accounts, indent=1))

    def write_settings(self, settings: Mapping[str, object]) -> None:
        """The settings that this run's processes read."""
        lines = [
            f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in settings.items()
        ]
        self.settings_file.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def write_run(self, run: Mapping[str, object]) -> None:
        """Replace run.json in one move."""
        part = self.run_file.with_suffix(".part")
        part.write_text(json.dumps(run, indent=1), encoding="utf-8")
        part.replace(self.run_file)

    def close(self) -> None:
        """Remove what only a running demo needs, and let go of the folder."""
        reports = (*self.run.glob("*.json"), *self.run.glob(".*.part"))
        own = (self.secret_file, self.settings_file, self.run_file, self.accounts_file)
        for path in (*own, *reports):
            path.unlink(missing_ok=True)
        if self.run.is_dir() and not any(self.run.iterdir()):
            self.run.rmdir()
        self._lock.close()

    def _hold(self) -> IO[bytes]:
        lock = file_lock.hold(self.root / ".lock")
        if lock is None:
            raise PlumblineError(
                Reason.BAD_SETTING,
                f"Another demo is using {self.root}.",
                hint="Stop it, or choose another folder with --data.",
                fault=Fault.USER,
            )
        return lock


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.write(text)
