"""The services, each in the process of its own command."""

from __future__ import annotations

import asyncio
import gc
import os
import runpy
import sys
import threading
from pathlib import Path
from typing import Any

import typer

from plumbline.disk import writable_folder
from plumbline.fleet import Fleet, FleetChoice, build_fleet, now_ns, plan_of
from plumbline.ports import check_port_free
from plumbline.run import run_async, run_threaded
from plumbline.settings import Settings
from plumbline.stats import StatsFile


def run_sim(
    settings: Settings,
    choice: FleetChoice,
    *,
    listen: str,
    open_air: bool,
    enrol: bool,
    stats: Path | None,
) -> None:
    """Simulated sensors on a virtual air. The address is printed, and is in the stats file."""
    from firmware_sim.service import run_simulator

    fleet = _enrolled(settings, choice) if enrol else build_fleet(choice, now_ns())
    plan = plan_of(choice)
    write = StatsFile(stats)
    address = {"listen": ""}

    def ready(listening: str) -> None:
        address["listen"] = listening
        if stats is None:
            typer.echo(f"Sensors are on the air. Reach them with: --radio {listening}")

    def report(counts: dict[str, Any]) -> None:
        if address["listen"]:
            write({**counts, **address})

    async def service(stop: asyncio.Event) -> None:
        await run_simulator(
            fleet.sensors,
            listen=listen,
            clock_ns=now_ns,
            report=report,
            stop=stop,
            ready=ready,
            open_air=open_air,
            plan=plan,
            start_ns=fleet.start_ns,
        )

    run_async(service)


def _enrolled(settings: Settings, choice: FleetChoice) -> Fleet:
    from plumbline.enrol import enrol_or_go_on
    from store import open_registry

    writable_folder(settings.data_dir)
    registry = open_registry(settings.people_url)
    try:
        return enrol_or_go_on(registry, choice, now_ns()).fleet
    finally:
        registry.close()


def run_gateway_service(settings: Settings, *, stats: Path | None) -> None:
    """Bluetooth in, MQTT out."""
    from device_gateway.service import run_gateway
    from plumbline.wiring import gateway_config

    writable_folder(settings.outbox_path.parent)
    config = gateway_config(settings)

    async def service(stop: asyncio.Event) -> None:
        await run_gateway(config, clock_ns=now_ns, report=StatsFile(stats), stop=stop)

    _keep_what_is_loaded()
    run_async(service)


def run_analytics_service(settings: Settings, *, stats: Path | None) -> None:
    """MQTT in, store out."""
    from analytics.service import serve_analytics
    from plumbline.wiring import analytics_config
    from store import open_registry, open_series

    writable_folder(settings.data_dir)
    config = analytics_config(settings)

    def service(stop: threading.Event) -> None:
        serve_analytics(
            config,
            open_store=lambda: open_series(settings.series_url),
            open_registry=lambda: open_registry(settings.people_url),
            clock_ns=now_ns,
            report=StatsFile(stats),
            stop=stop,
        )

    _keep_what_is_loaded()
    run_threaded(service)


def _keep_what_is_loaded() -> None:
    """What is loaded by now stays: looked through for garbage again and again it costs a tenth of the time."""
    gc.collect()
    gc.freeze()


def run_embedded_broker(settings: Settings, *, stats: Path | None) -> None:
    """The embedded MQTT broker."""
    from plumbline.broker import BrokerConfig, run_broker

    config = BrokerConfig(
        settings.broker_host,
        settings.broker_port,
        settings.broker_username,
        settings.broker_secret(),
    )

    async def service(stop: asyncio.Event) -> None:
        await run_broker(config, report=StatsFile(stats), stop=stop)

    run_async(service)


def run_dashboard(settings: Settings, *, stats: Path | None) -> None:
    """The dashboard: Streamlit, in this very process, so that no process of its own is left over."""
    from dashboard.launch import command
    from plumbline.wiring import check_store_addresses, oidc_environment

    host, port = settings.dashboard_host, settings.dashboard_port
    check_port_free(host, port, "--dashboard-port")
    check_store_addresses(settings)
    arguments, environment = command(
        store_url=settings.series_url, registry_url=settings.people_url, host=host, port=port
    )
    os.environ.update(environment | oidc_environment(settings))
    address = f"http://{host}:{port}"
    if stats is None:
        typer.echo(f"Dashboard: {address}")
    StatsFile(stats)({"listen": address})
    module = arguments.index("-m") + 1
    sys.argv = arguments[module:]
    runpy.run_module(arguments[module], run_name="__main__", alter_sys=True)
