"""``plumbline export``: what the dashboard lets a person take away, by whoever holds the machine."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import typer

from contracts.errors import Reason, SettingError
from contracts.files import in_one_move
from dashboard.entry.access import Act, Viewer
from dashboard.entry.gate import Audit, Gate
from dashboard.entry.visit import Visit, make_visit
from dashboard.exports import kinds as exports
from dashboard.reading.sources import Sources, open_sources
from plumbline.outputs import check_parent
from plumbline.settings import Settings
from store.people_ports import Role

#: Who did it, as the audit says where nobody was signed in.
_BY: Final = "by the command line"


@dataclass(frozen=True, slots=True)
class ExportChoice:
    """What ``plumbline export`` was asked to write. ``week`` may be empty: the one under way."""

    wearer: str
    to: Path
    kind: str = exports.EVERYTHING
    week: str = ""
    named: bool = True


def run_export(settings: Settings, choice: ExportChoice) -> None:
    """Write the file in one move, and note it in the audit.

    SettingError for a kind, a week, a wearer or a folder that is none; StoreError or DiskError where reading or
    writing fails, with no file left behind.
    """
    act = exports.kind_of(choice.kind).act
    check_parent(choice.to)
    found = open_sources(settings.series_url, settings.people_url)
    try:
        visit = _visit(found, choice.wearer, act)
        Audit(found.registry.people, time.time_ns).note(
            "", act, choice.wearer, detail=f"{choice.kind} {_BY}"
        )
        _write(visit, choice)
    finally:
        found.series.close()
        found.registry.close()
    typer.echo(f"{choice.to}: {choice.to.stat().st_size:,} bytes.")


def _write(visit: Visit, choice: ExportChoice) -> None:
    with in_one_move(choice.to) as part:
        try:
            with part.open("wb") as file:
                exports.write(choice.kind, visit, choice.week, file, named=choice.named)
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise


def _visit(found: Sources, wearer: str, act: Act) -> Visit:
    """A visit with the rights that the export needs: the sheet is a therapist's, all else the client's own."""
    viewer = _therapist(wearer) if act is Act.SHEET else _client(wearer)
    gate = Gate(act, lambda: viewer, Audit(found.registry.people, time.time_ns))
    visit = make_visit(found, gate, wearer, time.time_ns)
    if visit.person is None:
        raise SettingError(
            Reason.MISSING,
            f"There is no wearer {wearer[:64]!r} in the registry.",
            hint="`plumbline account list` says the ids of those who sign in.",
        )
    return visit


def _client(wearer: str) -> Viewer:
    return Viewer("", _BY, frozenset({Role.CLIENT}), wearer=wearer)


def _therapist(wearer: str) -> Viewer:
    return Viewer("", _BY, frozenset({Role.THERAPIST}), granted=frozenset({wearer}))
