"""``plumbline record``: sensors → a recording folder, with no site around them.

It is the gateway itself with a broker of its own that nobody listens to: what it takes waits in an
outbox beside the folder, so that a machine that dies in the middle loses nothing. Recorded again into
the same folder, it goes on where it was.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq
import structlog
import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from contracts.broker import BrokerAddress
from contracts.errors import DiskError, Reason, RecordingError, SettingError
from contracts.recording import Recording, open_recording
from contracts.vocabulary import Placement
from device_gateway.config import GatewayConfig
from device_gateway.service import run_gateway
from plumbline.broker import BrokerConfig, run_broker
from plumbline.disk import writable_folder
from plumbline.fleet import now_ns, parse_worn
from plumbline.ports import LOOPBACK, free_port
from plumbline.run import run_async
from plumbline.settings import Settings
from plumbline.worn import worn_now

log = structlog.get_logger(__name__)

_GATEWAY: Final = "recorder"
_MANIFEST: Final = "recording.json"
Report = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class RecordChoice:
    """``folder`` to record into, for ``seconds`` (None: until told to stop)."""

    folder: Path
    seconds: float | None


def run_record(settings: Settings, choice: RecordChoice) -> None:
    """Record until the time is over or Ctrl-C. SettingError, RadioError, DiskError; RecordingError
    where not one sample came.
    """
    folder, outbox = choice.folder, _outbox_of(choice.folder)
    if (folder / _MANIFEST).exists() and not outbox.exists():
        raise SettingError(
            Reason.BAD_SETTING,
            f"{folder} holds a recording already.",
            hint="Give a folder that is new, or one whose recording was interrupted.",
        )
    placements = _placements(settings)
    writable_folder(folder.parent if folder.name else folder)
    shown = _Shown(placements)
    with Live(shown.table(), console=Console(stderr=True), transient=True) as live:

        def report(counts: dict[str, Any]) -> None:
            shown.counts = counts
            live.update(shown.table())

        async def service(stop: asyncio.Event) -> None:
            await _record(settings, choice, placements, report, stop)

        run_async(service)
    recording = _finished(folder)
    _forget(outbox)
    lost = sum(sensor["lost"] for sensor in shown.counts.get("sensors", {}).values())
    typer.echo(f"{folder}: {', '.join(recording.placements)}; {_samples(recording):,} samples.")
    silent = [serial for serial, at in placements.items() if at not in recording.placements]
    if silent:
        typer.echo(f"Nothing came from {', '.join(silent)}.", err=True)
    if lost:
        typer.echo(f"The sensors had lost {lost:,} samples before; they are gaps in it.", err=True)


async def _record(
    settings: Settings,
    choice: RecordChoice,
    placements: dict[str, Placement],
    report: Report,
    stop: asyncio.Event,
) -> None:
    """The gateway and its broker, until ``stop`` or the time is over."""
    broker = BrokerConfig(LOOPBACK, free_port(), _GATEWAY, secrets.token_urlsafe(16))
    config = _gateway_config(settings, choice.folder, placements, broker)
    listens, broker_stop = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(
        run_broker(broker, report=lambda _: listens.set(), stop=broker_stop)
    )
    heard = asyncio.create_task(listens.wait())
    timer = asyncio.get_running_loop().call_later(choice.seconds or 0.0, stop.set)
    if choice.seconds is None:
        timer.cancel()
    try:
        await asyncio.wait({serving, heard}, return_when=asyncio.FIRST_COMPLETED)
        if not serving.done():
            await run_gateway(config, clock_ns=now_ns, report=report, stop=stop)
    finally:
        timer.cancel()
        heard.cancel()
        broker_stop.set()
        await serving


def _gateway_config(
    settings: Settings, folder: Path, placements: dict[str, Placement], broker: BrokerConfig
) -> GatewayConfig:
    return GatewayConfig(
        site=settings.site,
        gateway=_GATEWAY,
        radio=settings.radio,
        broker=BrokerAddress(broker.host, broker.port, broker.username, broker.password),
        outbox_path=_outbox_of(folder),
        keys_path=settings.keys_path,
        max_links=settings.max_links,
        allow=tuple(placements),
        keep_recording=folder,
        placements=placements,
        broker_wait_s=settings.broker_wait_s,
    )


def _placements(settings: Settings) -> dict[str, Placement]:
    """Who is worn where: as --worn says, else as the registry does. SettingError where nobody does."""
    if settings.worn:
        return parse_worn(settings.worn)
    worn = {sensor: a.placement for sensor, a in worn_now(settings).items()}
    if not worn or len(set(worn.values())) != len(worn):
        raise SettingError(
            Reason.BAD_SETTING,
            "Which sensors to record, and where they are worn, is not said.",
            hint="Give --worn SERIAL=PLACEMENT,…; plumbline scan shows the serial numbers.",
        )
    return worn


def _outbox_of(folder: Path) -> Path:
    """Beside the folder: a recording is whole or not there."""
    return folder.absolute().with_name(f".{folder.absolute().name}.outbox.sqlite")


def _finished(folder: Path) -> Recording:
    if not (folder / _MANIFEST).exists():
        raise RecordingError(
            Reason.BAD_RECORDING,
            "Nothing was recorded: no sample came from any of the sensors.",
            hint="Switch them on and bring them near; plumbline scan shows which are heard. One that is "
            "bonded with another gateway lets no other read it.",
        )
    return open_recording(folder)


def _forget(outbox: Path) -> None:
    """What is in the recording need not be kept twice."""
    try:
        for path in outbox.parent.glob(f"{outbox.name}*"):
            path.unlink()
    except OSError as error:
        raise DiskError(
            Reason.DISK_ERROR,
            f"{outbox} cannot be removed: {error.strerror or error}.",
            hint="The recording is whole; remove that file by hand.",
        ) from error


def _samples(recording: Recording) -> int:
    return sum(
        pq.read_metadata(recording.folder / name).num_rows
        for name in recording.manifest.sensors.values()
    )


class _Shown:
    """What is told while it records."""

    def __init__(self, placements: dict[str, Placement]) -> None:
        self.counts: dict[str, Any] = {}
        self._placements = placements

    def table(self) -> Table:
        """A line a sensor."""
        table = Table(
            "sensor", "worn at", "state", "samples", "still in its log", title="Recording"
        )
        sensors = self.counts.get("sensors", {})
        for serial, placement in self._placements.items():
            known = sensors.get(serial, {})
            table.add_row(
                serial,
                placement.value,
                known.get("state", "not heard yet"),
                f"{known.get('received', 0):,}",
                f"{known.get('backlog', 0):,}",
            )
        return table
