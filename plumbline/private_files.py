"""Files that nobody but their owner reads: never there with an open mode, not even for a moment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700


@dataclass(frozen=True, slots=True)
class Owner:
    """Who the containers run as, and so who owns what they read and write."""

    uid: int
    gid: int

    def own(self, path: Path) -> None:
        """Hand a path over, where this process may: root makes files for another."""
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid)

    def make_folder(self, path: Path) -> None:
        """A folder for the owner alone; folders above it belong to the owner as well."""
        for folder in reversed([path, *path.parents]):
            if not folder.exists():
                folder.mkdir(mode=FOLDER_MODE)
                self.own(folder)


def owner_of(path: Path) -> Owner:
    """Who owns what is at a path."""
    found = path.stat()
    return Owner(found.st_uid, found.st_gid)


def write_private(path: Path, data: bytes, owner: Owner) -> None:
    """Make a file for its owner alone. FileExistsError where there is one."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    with os.fdopen(fd, "wb") as file:
        file.write(data)
    owner.own(path)


def replace_private(path: Path, data: bytes, owner: Owner) -> None:
    """Make or replace a file whole: a reader sees the old one or the new one."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    write_private(part, data, owner)
    part.replace(path)
