"""The command that writes what a person can take away."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plumbline.options import with_settings
from plumbline.settings import Group, Settings


@with_settings(Group.STORE)
def export(
    settings: Settings,
    *,
    wearer: Annotated[str, typer.Argument(help="Id of the wearer")],
    to: Annotated[Path, typer.Option(help="File to write")],
    kind: Annotated[
        str, typer.Option(help="everything.zip, week.csv, week.fhir.json or sheet.pdf")
    ] = "everything.zip",
    week: Annotated[
        str, typer.Option(help="Week of the kinds that are about one: 2026-W47; default: this one")
    ] = "",
    without_name: Annotated[
        bool, typer.Option("--without-name", help="The sheet with the id instead of the name")
    ] = False,
) -> None:
    """Write all that is kept of a person, or a week of it, to a file. Noted in the audit."""
    from plumbline.export import ExportChoice, run_export

    run_export(settings, ExportChoice(wearer, to, kind, week, named=not without_name))
