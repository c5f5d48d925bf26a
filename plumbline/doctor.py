"""``plumbline doctor``: what this machine has, what it lacks, and how to mend it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Final

from rich.console import Console
from rich.table import Table

from contracts.errors import EXIT_STATUS, Fault, PlumblineError
from plumbline.disk import writable_folder
from plumbline.doctor_machine import check_adapter, check_clock
from plumbline.findings import Finding
from plumbline.ports import check_port_free
from plumbline.settings import Settings

MIN_PYTHON: Final = (3, 11)
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
CONNECT_TIMEOUT_S: Final = 5.0


def run_doctor(settings: Settings, *, as_json: bool) -> int:
    """Print the findings; the exit status is 0 where nothing needed is missing."""
    findings = [check(settings) for check in CHECKS]
    if as_json:
        sys.stdout.write(json.dumps([asdict(finding) for finding in findings], indent=1) + "\n")
    else:
        _print(findings)
    failed = any(finding.needed and not finding.ok for finding in findings)
    return EXIT_STATUS[Fault.MACHINE] if failed else 0


def check_python(_settings: Settings) -> Finding:
    """The interpreter's version."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    wanted = ".".join(str(part) for part in MIN_PYTHON)
    return Finding(
        "python", sys.version_info >= MIN_PYTHON, version, f"Install Python {wanted} or newer."
    )


def check_bluetooth(settings: Settings) -> Finding:
    """Whether the radio of the settings can be opened."""
    from device_gateway.radio import open_radio

    async def look() -> None:
        async with open_radio(settings.radio):
            return

    return _asked("bluetooth", f"{settings.radio} opens", lambda: asyncio.run(look()))


def check_broker(settings: Settings) -> Finding:
    """Whether the broker lets us in."""
    from plumbline.mqtt_probe import probe_broker

    def look() -> None:
        probe_broker(settings, CONNECT_TIMEOUT_S)

    where = f"{settings.broker_host}:{settings.broker_port}"
    return _asked("broker", f"{where} lets us in", look)


def check_store(settings: Settings) -> Finding:
    """Whether the store and the registry can be written. Makes none where there is none yet."""
    from store import open_registry, open_series, reach_series

    folder = settings.data_dir.absolute()
    used = folder.is_dir() and any(folder.iterdir())

    def look() -> None:
        writable_folder(next(parent for parent in (folder, *folder.parents) if parent.is_dir()))
        if not reach_series(settings.series_url) and used:
            open_series(settings.series_url).close()
        if used:
            open_registry(settings.people_url).close()

    return _asked("store", f"{settings.data_dir} can be written", look)


def check_dashboard(settings: Settings) -> Finding:
    """Whether the dashboard's port is free."""
    host, port = settings.dashboard_host, settings.dashboard_port
    return _asked(
        "dashboard",
        f"port {port} is free",
        lambda: check_port_free(host, port, "--dashboard-port"),
        needed=False,
    )


def check_chromium(_settings: Settings) -> Finding:
    """Whether there is a browser for the browser tests."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), "")
    return Finding(
        "chromium",
        bool(found),
        found or "not found",
        "Only the browser tests need it; on Debian: apt-get install chromium",
        needed=False,
    )


def check_cores(_settings: Settings) -> Finding:
    """How many cores there are."""
    cores = os.cpu_count() or 1
    return Finding(
        "cores", cores >= 2, str(cores), "With one core a backlog takes longer.", needed=False
    )


CHECKS: Final[tuple[Callable[[Settings], Finding], ...]] = (
    check_python,
    check_cores,
    check_clock,
    check_adapter,
    check_bluetooth,
    check_broker,
    check_store,
    check_dashboard,
    check_chromium,
)


def _asked(what: str, well: str, look: Callable[[], None], *, needed: bool = True) -> Finding:
    try:
        look()
    except PlumblineError as error:
        return Finding(what, ok=False, said=error.message, mend=error.hint, needed=needed)
    return Finding(what, ok=True, said=well, needed=needed)


def _print(findings: list[Finding]) -> None:
    table = Table("", "what", "found", "how to mend it", title="This machine")
    for finding in findings:
        mark = "ok" if finding.ok else ("missing" if finding.needed else "optional")
        table.add_row(mark, finding.what, finding.said, "" if finding.ok else finding.mend)
    Console().print(table)
