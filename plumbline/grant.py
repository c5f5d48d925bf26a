"""``plumbline grant``: a token of the InfluxDB store for each service that needs it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import typer

from plumbline.disk import disk_error
from plumbline.private_files import Owner, owner_of, replace_private
from store import series_tokens

#: Who gets a token, and whether it may write.
SERVICES: Final = {"analytics": True, "dashboard": False}
FILE_NAME: Final = "token"


def run_grant(url: str, folder: Path, *, renew: bool) -> None:
    """Write FOLDER/SERVICE/token for each service of the store at ``url``; make the store before.

    A token that is there and good stays, unless ``renew``. Others that were made for the service end.
    SettingError, StoreError or DiskError where that cannot be.
    """
    owner = _owner(folder)
    with series_tokens(url) as tokens:
        for service, writes in SERVICES.items():
            file = folder / service / FILE_NAME
            known = "" if renew else _read(file)
            token = tokens.token(service, writes=writes, known=known)
            if token != known:
                _write(file, token, owner)
            tokens.forget_others(service, token)
            may = "reads and writes" if writes else "reads"
            made = "is as it was" if token == known else "is new"
            typer.echo(f"{service}: {may} the store; its token in {file} {made}")


def _owner(folder: Path) -> Owner:
    """Whose the tokens are to be: the folder's owner's, also where root makes them."""
    try:
        return owner_of(folder)
    except FileNotFoundError:
        return Owner(os.geteuid(), os.getegid())
    except OSError as error:
        raise disk_error(folder, error, by="") from None


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise disk_error(file, error, by="") from None


def _write(file: Path, token: str, owner: Owner) -> None:
    try:
        owner.make_folder(file.parent)
        replace_private(file, f"{token}\n".encode("ascii"), owner)
    except OSError as error:
        raise disk_error(file, error, by="") from None
