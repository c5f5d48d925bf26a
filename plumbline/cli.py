"""The command line. Commands load what they need when they run, so that ``--help`` is quick."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import Annotated, Final

import typer
from typer.exceptions import TyperException

from contracts.errors import EXIT_STATUS, Fault, PlumblineError
from plumbline import __version__, cli_account
from plumbline.cli_bench import bench
from plumbline.cli_errands import erase, receipt, replay
from plumbline.cli_export import export
from plumbline.cli_seed import seed
from plumbline.cli_sensors import forget, pair, record, scan
from plumbline.cli_truth import fit, validate
from plumbline.lifeline import hold_to_parent
from plumbline.options import refuse_repeated, with_settings
from plumbline.settings import Group, Settings

INTERRUPTED_STATUS: Final = 130  # 128 + SIGINT, as shells say it

app = typer.Typer(
    name="plumbline",
    help="Posture monitoring from worn sensors: from Bluetooth to the dashboard.",
    epilog="Start with: plumbline demo",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Stats = Annotated[
    Path | None, typer.Option("--stats", help="File to keep the service's counters in, as JSON")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for another program")]
Seed = Annotated[int, typer.Option(help="Seed of the simulation", min=0)]
Make = Annotated[
    str,
    typer.Option(
        help="Make of the sensors: native, witmotion, dot, thingy or movesense; all but the native "
        "keep no log, so what they sample is live"
    ),
]
Faults = Annotated[
    Path | None, typer.Option(help="File that says what goes wrong (docs/simulator.md)")
]
RecordingFolder = Annotated[
    Path | None,
    typer.Option("--recording", help="Play this recording instead of the simulated day"),
]


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"plumbline {__version__}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version"),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an unexpected error")
    ] = False,
) -> None:
    """Posture monitoring from worn sensors: from Bluetooth to the dashboard."""


@app.command()
@with_settings(Group.DASHBOARD)
def demo(
    settings: Settings,
    *,
    recording: RecordingFolder = None,
    hours: Annotated[
        float, typer.Option(help="Hours that wait in the simulated sensors", min=0.02, max=24.0)
    ] = 8.0,
    seed: Seed = 1,
    live: Annotated[bool, typer.Option("--live", help="Nothing waits: all is played live")] = False,
    make: Make = "native",
    faults: Faults = None,
    headless: Annotated[bool, typer.Option("--headless", help="Start no dashboard")] = False,
    until_done: Annotated[
        bool,
        typer.Option("--until-done", help="End when everything that waited is in the store"),
    ] = False,
    keep: Annotated[
        Path | None, typer.Option(help="Folder in which the gateway keeps what it reads")
    ] = None,
    patience_s: Annotated[
        float,
        typer.Option(help="With --until-done: give up after this long without progress", min=1),
    ] = 120.0,
    as_json: AsJson = False,
) -> None:
    """Everything on this machine: simulated sensors, Bluetooth, broker, analytics, dashboard."""
    from plumbline.demo import DemoChoice, run_demo

    live = live or make != "native"  # the others keep no log in which something could wait
    choice = DemoChoice(
        recording=recording,
        hours=0.0 if live else hours,
        live=live,
        make=make,
        faults=faults,
        seed=seed,
        headless=headless,
        until_done=until_done,
        keep=keep,
        patience_s=patience_s,
        as_json=as_json,
    )
    run_demo(settings, choice)


@app.command()
@with_settings(Group.STORE)
def sim(
    settings: Settings,
    *,
    listen: Annotated[
        str, typer.Option(help="Where gateways reach the simulated air: tcp:HOST:PORT")
    ] = "tcp:127.0.0.1:0",
    recording: RecordingFolder = None,
    hours: Annotated[float, typer.Option(help="Hours that wait in the flash logs", min=0)] = 0.0,
    placements: Annotated[str, typer.Option(help="Where the sensors sit, by commas")] = "T4,L5",
    start_ns: Annotated[
        int | None, typer.Option(help="UTC ns at which the sensors were switched on")
    ] = None,
    serial_prefix: Annotated[str, typer.Option(help="Serial numbers are PREFIX-PLACEMENT")] = "PL",
    seed: Seed = 1,
    make: Make = "native",
    scenario: Annotated[
        Path | None, typer.Option(help="File that says what is worn and done (docs/simulator.md)")
    ] = None,
    faults: Faults = None,
    bonds: Annotated[
        bool,
        typer.Option(
            "--bonds",
            help="Fresh from the box, they bond with the first gateway that asks, and speak to no other",
        ),
    ] = False,
    enrol: Annotated[
        bool,
        typer.Option(
            "--enrol",
            help="Enter a wearer of these sensors in the registry; started again within a day, "
            "go on with the same one",
        ),
    ] = False,
    open_air: Annotated[
        bool,
        typer.Option(
            "--open-air",
            help="Listen where other machines reach it: the air has no password, so only on a "
            "network that is closed to others",
        ),
    ] = False,
    stats: Stats = None,
) -> None:
    """Simulated sensors on a virtual air: a working day, or a recording."""
    from plumbline.fleet import FleetChoice
    from plumbline.services import run_sim

    choice = FleetChoice(
        recording,
        hours,
        placements,
        start_ns,
        serial_prefix,
        seed,
        make,
        scenario,
        faults,
        bonds=bonds,
    )
    run_sim(settings, choice, listen=listen, open_air=open_air, enrol=enrol, stats=stats)


@app.command()
@with_settings(Group.GATEWAY, Group.BROKER)
def gateway(settings: Settings, *, stats: Stats = None) -> None:
    """Read Bluetooth sensors and hand their data to the broker."""
    from plumbline.services import run_gateway_service

    run_gateway_service(settings, stats=stats)


@app.command()
@with_settings(Group.ANALYTICS, Group.BROKER, Group.STORE)
def analytics(settings: Settings, *, stats: Stats = None) -> None:
    """Turn what gateways publish into postures and episodes in the store."""
    from plumbline.services import run_analytics_service

    run_analytics_service(settings, stats=stats)


@app.command()
@with_settings(Group.DASHBOARD, Group.STORE)
def dashboard(settings: Settings, *, stats: Stats = None) -> None:
    """Serve the dashboard."""
    from plumbline.services import run_dashboard

    run_dashboard(settings, stats=stats)


@app.command()
@with_settings(Group.BROKER)
def broker(settings: Settings, *, stats: Stats = None) -> None:
    """Serve the embedded MQTT broker (a clinic runs Mosquitto instead)."""
    from plumbline.services import run_embedded_broker

    run_embedded_broker(settings, stats=stats)


@app.command()
@with_settings()
def analyze(
    settings: Settings,  # noqa: ARG001 - a recording needs none of them; logging does
    recordings: Annotated[list[Path], typer.Argument(help="Folders with a recording.json")],
    *,
    sensors: Annotated[
        str, typer.Option(help="Placements to use, by commas; default: all there are")
    ] = "",
    min_episode: Annotated[
        float | None, typer.Option(help="Shortest sustained episode in seconds")
    ] = None,
    frames: Annotated[Path | None, typer.Option(help="Parquet file to write frames to")] = None,
    episodes: Annotated[Path | None, typer.Option(help="Parquet file to write episodes to")] = None,
    as_json: AsJson = False,
) -> None:
    """Analyse recordings offline, with the same pipeline as live."""
    from plumbline.analyze import AnalyzeChoice, run_analyze

    choice = AnalyzeChoice(tuple(recordings), sensors, min_episode, frames, episodes, as_json)
    run_analyze(choice)


app.command()(bench)
app.command()(validate)
app.command()(fit)
app.add_typer(cli_account.app)
app.command()(scan)
app.command()(pair)
app.command()(forget)
app.command()(record)
app.command()(erase)
app.command()(receipt)
app.command()(replay)
app.command()(seed)
app.command()(export)


@app.command()
@with_settings(Group.GATEWAY, Group.BROKER, Group.STORE, Group.DASHBOARD)
def doctor(settings: Settings, *, as_json: AsJson = False) -> None:
    """Say what is missing on this machine and how to get it."""
    from plumbline.doctor import run_doctor

    raise typer.Exit(run_doctor(settings, as_json=as_json))


@app.command()
@with_settings(*Group)
def health(
    settings: Settings,
    *,
    what: Annotated[
        str, typer.Argument(help="gateway, analytics, sensors, dashboard, broker or store")
    ],
    stats: Annotated[
        Path | None, typer.Option("--stats", help="The file that the service keeps its counters in")
    ] = None,
    max_age_s: Annotated[
        float, typer.Option(help="How old the counters may be before the service is stuck", min=1)
    ] = 15.0,
) -> None:
    """Say whether a service that runs is well; for the health checks of containers."""
    from plumbline.health import check_health

    typer.echo(check_health(what, settings, stats=stats, max_age_s=max_age_s))


@app.command("init")
@with_settings()
def make_site(
    settings: Settings,
    *,
    folder: Annotated[
        Path, typer.Argument(help="Where docker-compose.yml is", metavar="[FOLDER]")
    ] = Path(),
    gateways: Annotated[
        str, typer.Option(help="Ids of the gateways, by commas; the first one runs here")
    ] = "gateway-1",
    hosts: Annotated[
        str, typer.Option(help="Names or addresses by which gateways elsewhere reach the broker")
    ] = "",
    add: Annotated[str, typer.Option(help="Only add these gateways to the site")] = "",
    renew: Annotated[
        bool, typer.Option("--renew", help="Only make new certificates, by the same authority")
    ] = False,
) -> None:
    """Make the passwords, certificates and folders of a site that runs in containers."""
    from plumbline.init_site import InitChoice, run_init

    run_init(folder, settings.site, InitChoice(gateways, hosts, add, renew))


@app.command()
@with_settings(Group.STORE)
def grant(
    settings: Settings,
    *,
    folder: Annotated[Path, typer.Argument(help="Where the tokens go: FOLDER/SERVICE/token")],
    renew: Annotated[
        bool, typer.Option("--renew", help="New tokens for all, and an end to those before")
    ] = False,
) -> None:
    """Make the store in InfluxDB, and a token for each service that does no more than it needs."""
    from plumbline.grant import run_grant

    run_grant(settings.series_url, folder, renew=renew)


@app.command("settings")
@with_settings(*Group)
def show_settings(
    settings: Settings,
    *,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print docs/settings.md instead")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print every setting, its value in force and its default."""
    from plumbline.settings_view import print_settings

    print_settings(settings, markdown=markdown, as_json=as_json)


def main() -> None:
    """The ``plumbline`` program. Ends with an exit status of contracts.errors."""
    hold_to_parent()
    arguments = sys.argv[1:]
    debug = "--debug" in arguments
    sys.exit(run([argument for argument in arguments if argument != "--debug"], debug=debug))


def run(arguments: list[str], *, debug: bool = False) -> int:
    """Run a command and turn every error into one clear line and an exit status."""
    try:
        refuse_repeated(arguments)
        status = app(arguments or ["--help"], standalone_mode=False)
    except PlumblineError as error:
        _say(error.message, error.hint)
        return error.exit_status
    except TyperException as error:
        _say(error.format_message(), f"See `{_command_of(error)} --help`.")
        return EXIT_STATUS[Fault.USER]
    except (typer.Abort, KeyboardInterrupt):
        return INTERRUPTED_STATUS
    except BrokenPipeError:  # `plumbline … | head`: whoever read has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the last resort: no traceback for a user
        if debug:
            traceback.print_exc()
        _say(
            f"Something went wrong that should not: {type(error).__name__}: {error}",
            "This is a defect in Plumbline; --debug shows where.",
        )
        return EXIT_STATUS[Fault.OURS]
    return status if isinstance(status, int) else 0


def _command_of(error: TyperException) -> str:
    """The command that was wrong, as it was typed: ``plumbline demo``."""
    context = getattr(error, "ctx", None)
    return f"plumbline {context.info_name}" if context and context.parent else "plumbline"


def _say(message: str, hint: str) -> None:
    typer.echo(f"plumbline: {message}", err=True)
    if hint:
        typer.echo(f"  {hint}", err=True)


if __name__ == "__main__":
    main()
