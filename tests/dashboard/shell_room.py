"""A page inside the frame, for one viewer, over stores that a test has set here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from contracts.errors import AccessError
from dashboard import shell
from dashboard.entry.access import Act, Viewer
from dashboard.entry.gate import Audit
from dashboard.reading.sources import Sources


@dataclass
class Room:
    """What the script below shows."""

    found: Sources
    viewer: Viewer
    act: Act
    clock_ns: Callable[[], int]


room: list[Room] = []


def show() -> None:
    """The frame's page, as dashboard.app shows it."""
    (shown,) = room
    audit = Audit(shown.found.registry.people, shown.clock_ns)
    try:
        shell.open_page(shown.act, shown.found, audit, lambda: shown.viewer, shown.clock_ns)
    except AccessError as error:
        shell.refused(error)
