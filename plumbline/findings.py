"""What the doctor finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. ``needed``: without it the services cannot work as they are set."""

    what: str
    ok: bool
    said: str
    mend: str = ""
    needed: bool = True
