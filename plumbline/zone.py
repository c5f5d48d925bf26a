"""The time zone of this machine by its IANA name, for people whose day is shown in local time."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

UTC_NAME: Final = "UTC"
_FOLDER: Final = "zoneinfo"


def local_timezone(
    environ: Mapping[str, str] = os.environ, link: Path = Path("/etc/localtime")
) -> str:
    """The name ``TZ`` gives, or the zone that ``link`` points to, such as ``Europe/Berlin``.

    UTC where neither names a zone that is known.
    """
    for name in (environ.get("TZ", "").removeprefix(":"), _linked(link)):
        if name and _known(name):
            return name
    return UTC_NAME


def _linked(link: Path) -> str:
    parts = link.resolve().parts if link.is_symlink() else ()
    return "/".join(parts[parts.index(_FOLDER) + 1 :]) if _FOLDER in parts else ""


def _known(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        return False
    return True
