"""The real service on a real store and broker, in a thread or in a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from analytics.config import AnalyticsConfig
from analytics.service import serve_analytics
from contracts.broker import BrokerAddress
from contracts.settings import CalibrationPlan
from contracts.vocabulary import Placement
from store import open_registry, open_series
from store.ports import Assignment, Wearer
from tests.analytics.gateways import SITE

WEARER = "wearer-1"
SENSORS = {Placement.T4: "sensor-T4", Placement.L5: "sensor-L5"}


def enrol(folder: Path, start_ns: int, plan: CalibrationPlan | None) -> None:
    """A wearer with the two sensors of the kit, from ``start_ns`` on."""
    registry = open_registry(f"sqlite:{folder}/registry.sqlite")
    registry.put_wearer(Wearer(WEARER, "Somebody"))
    for placement, sensor in SENSORS.items():
        registry.assign(Assignment(sensor, WEARER, placement, start_ns))
    if plan is not None:
        registry.add_calibration(WEARER, plan)
    registry.close()


def config_for(port: int, **changes: Any) -> AnalyticsConfig:
    """The service's defaults on the test's broker."""
    return replace(AnalyticsConfig(SITE, BrokerAddress(port=port)), **changes)


def serve(
    folder: Path,
    config: AnalyticsConfig,
    stop: threading.Event,
    report: Callable[[dict[str, Any]], None] = lambda _: None,
    series_url: str = "",
) -> None:
    """Run the service on the folder's registry and store until ``stop``, or raise why it cannot.

    ``series_url`` names another store.
    """
    serve_analytics(
        config,
        open_store=lambda: open_series(series_url or f"sqlite:{folder}/series.sqlite"),
        open_registry=lambda: open_registry(f"sqlite:{folder}/registry.sqlite"),
        clock_ns=time.time_ns,
        report=report,
        stop=stop,
    )


@contextmanager
def running(
    folder: Path, config: AnalyticsConfig, series_url: str = ""
) -> Iterator[list[dict[str, Any]]]:
    """The service in a thread, once it hears the broker; gives its reports."""
    reports: list[dict[str, Any]] = []
    stop = threading.Event()
    thread = threading.Thread(target=serve, args=(folder, config, stop, reports.append, series_url))
    thread.start()
    try:
        ends_s = time.monotonic() + 60
        while not reports or reports[-1]["broker"] != "connected":
            assert thread.is_alive()
            assert time.monotonic() < ends_s
            time.sleep(0.02)
        yield reports
    finally:
        stop.set()
        thread.join(60)


class ServiceProcess:
    """The service in a process that can be killed."""

    def __init__(self, folder: Path, port: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.analytics.services", str(folder), str(port)],
            cwd=Path(__file__).parents[2],
        )

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        self._process.wait(30)

    def stop(self) -> int:
        """Ask it to end; its exit status."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(60)


def main(folder: Path, port: int) -> None:
    """Serve until SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    serve(folder, config_for(port), stop)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
