"""The commands for sensors: who is there, whose they are, what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plumbline.options import with_settings
from plumbline.settings import Group, Settings


@with_settings(Group.GATEWAY, Group.STORE)
def record(
    settings: Settings,
    *,
    folder: Annotated[Path, typer.Argument(help="Folder to make, with a recording.json in it")],
    seconds: Annotated[
        float | None,
        typer.Option(help="How long to record; default: until Ctrl-C", min=1, max=7 * 86_400),
    ] = None,
) -> None:
    """Record sensors into a folder that `analyze` reads and `sim` plays, without a site."""
    from plumbline.record import RecordChoice, run_record

    run_record(settings, RecordChoice(folder, seconds))
