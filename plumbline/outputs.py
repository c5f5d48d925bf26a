"""Files and folders that a command was asked to write, refused before the work where they cannot be."""

from __future__ import annotations

from pathlib import Path

from contracts.errors import DiskError, Reason, SettingError
from contracts.files import in_one_move


def check_parent(path: Path | None) -> None:
    """SettingError where the folder that a file is to be written to is not there."""
    if path is not None and not path.absolute().parent.is_dir():
        raise SettingError(
            Reason.BAD_SETTING,
            f"{path} cannot be written: there is no folder {path.absolute().parent}.",
            hint="Make the folder first.",
        )


def make_folder(path: Path, flag: str) -> None:
    """Make the folder that ``flag`` named, where it is not there. DiskError where it cannot be."""
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise DiskError(
            Reason.DISK_ERROR,
            f"{path} cannot be made: {error.strerror or error}.",
            hint=f"Give {flag} a folder that may be made and written to.",
        ) from error


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file in one move. DiskError where it cannot be."""
    with in_one_move(path) as part:
        part.write_bytes(data)
