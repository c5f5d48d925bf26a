"""The command that makes a clinic of simulated clients."""

from __future__ import annotations

from typing import Annotated

import typer

from plumbline.options import with_settings
from plumbline.settings import Group, Settings


@with_settings(Group.STORE)
def seed(
    settings: Settings,
    *,
    clients: Annotated[int, typer.Option(help="Simulated clients", min=1, max=999)] = 200,
    weeks: Annotated[int, typer.Option(help="Weeks of history", min=1, max=260)] = 52,
    number: Annotated[int, typer.Option("--seed", help="Seed of the simulation", min=0)] = 1,
    frames_days: Annotated[
        int, typer.Option(help="Worn days of each client that keep their seconds", min=0, max=31)
    ] = 2,
    workers: Annotated[
        int | None,
        typer.Option(help="Processes side by side; default: one a processor", min=1, max=64),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for another program")] = False,
) -> None:
    """Make a clinic of simulated clients with a year of history, to look at and to measure with."""
    from plumbline.seed import SeedChoice, run_seed

    run_seed(
        settings,
        SeedChoice(
            clients=clients,
            weeks=weeks,
            seed=number,
            frames_days=frames_days,
            workers=workers,
            as_json=as_json,
        ),
    )
