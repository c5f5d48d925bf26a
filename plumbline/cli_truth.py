"""The commands that need recordings with truth: how right the product is, and the fit of its models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plumbline.options import with_settings
from plumbline.settings import Settings

Recordings = Annotated[
    Path, typer.Argument(help="Folder of recordings with truth, or the one above it")
]
Workers = Annotated[
    int | None, typer.Option(help="Processes side by side; default: one a processor", min=1, max=64)
]


@with_settings()
def validate(
    settings: Settings,  # noqa: ARG001 - a recording needs none of them; logging does
    folder: Recordings,
    *,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write all figures to this file as JSON")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Folder to write the report and its pictures to")
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(help="Write the tables to this file as Markdown")
    ] = None,
    only: Annotated[str, typer.Option(help="Parts to tell, by commas; default: all")] = "",
    people: Annotated[
        int | None, typer.Option(help="Only the first so many people of each study", min=1)
    ] = None,
    draws: Annotated[int, typer.Option(help="Random mountings of each sensor", min=0, max=100)] = 3,
    workers: Workers = None,
    shipped: Annotated[
        bool,
        typer.Option("--shipped", help="Shipped models also for people they were fitted on"),
    ] = False,
) -> None:
    """Say how right the product is on recorded people, with tables, pictures and intervals."""
    from plumbline.validate import ValidateChoice, run_validate

    run_validate(
        ValidateChoice(
            folder,
            only=only,
            people=people,
            draws=draws,
            workers=workers,
            json_file=json_file,
            report=report,
            markdown=markdown,
            shipped=shipped,
        )
    )


@with_settings()
def fit(
    settings: Settings,  # noqa: ARG001 - a recording needs none of them; logging does
    folder: Recordings,
    *,
    out: Annotated[Path | None, typer.Option(help="Folder to write the models to")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Compare with the shipped models instead")
    ] = False,
    workers: Workers = None,
) -> None:
    """Fit the models of postures and activities to recorded people, the same each time."""
    from plumbline.fit import FitChoice, run_fit

    raise typer.Exit(run_fit(FitChoice(folder, out, check, workers)))
