"""The commands for sensors: who is there, whose they are, what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from contracts.vocabulary import Placement
from plumbline.options import with_settings
from plumbline.settings import Group, Settings

ListenS = Annotated[float, typer.Option("--seconds", help="How long to listen", min=0.5, max=120)]
#: Sensors on the market advertise at least every second or two.
_LISTEN_S: Final = 5.0


@with_settings(Group.GATEWAY, Group.STORE)
def scan(
    settings: Settings,
    *,
    seconds: ListenS = _LISTEN_S,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for another program")] = False,
) -> None:
    """Listen for sensors: who is on the air, how strongly, and who wears them."""
    from plumbline.scan import run_scan

    run_scan(settings, seconds, as_json=as_json)


@with_settings(Group.GATEWAY, Group.STORE)
def pair(
    settings: Settings,
    sensor: Annotated[str, typer.Argument(help="Serial number, as `scan` shows it")],
    *,
    wearer: Annotated[str, typer.Option(help="Id of who wears it")],
    at: Annotated[Placement, typer.Option(help="Where it is worn")],
    seconds: ListenS = _LISTEN_S,
    unseen: Annotated[
        bool, typer.Option("--unseen", help="Enter it without listening for it first")
    ] = False,
) -> None:
    """Say who wears a sensor, and where, from now on."""
    from plumbline.scan import PairChoice, run_pair

    run_pair(settings, PairChoice(sensor, wearer, at, unseen=unseen), seconds)


@with_settings(Group.GATEWAY)
def forget(
    settings: Settings,
    sensor: Annotated[str, typer.Argument(help="Serial number of a bonded sensor")],
) -> None:
    """Forget the key of a bonded sensor that was reset, so that it is bonded with anew."""
    from plumbline.scan import run_forget

    run_forget(settings, sensor)


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
