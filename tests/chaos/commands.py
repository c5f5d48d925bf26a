"""The command lines of a site's parts."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from tests.chaos import gateway_process, sensors_process
from tests.chaos.parts import REPOSITORY
from tests.chaos.proxy import HOST

_MODULE: Final = (sys.executable, "-m")
#: A part that is down is waited for at a start, rather than ended for.
WAIT_S: Final = 60


def environment(folder: Path) -> Mapping[str, str]:
    """What the parts run in: nothing of the settings of who runs the tests, locks in ``folder``."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PLUMBLINE")}
    own = {"PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1", "TMPDIR": str(folder)}
    return kept | own


def sensors_command(file: Path, orders: sensors_process.Orders) -> Sequence[str]:
    """Everybody's sensors; ``orders`` go into ``file``."""
    file.write_bytes(msgspec.json.encode(orders))
    return (*_MODULE, "tests.chaos.sensors_process", str(file))


def gateway_command(file: Path, orders: gateway_process.Orders) -> Sequence[str]:
    """The gateway; ``orders`` go into ``file``."""
    file.write_bytes(msgspec.json.encode(orders))
    return (*_MODULE, "tests.chaos.gateway_process", str(file))


def analytics_command(
    site: str, data_dir: Path, *, store_url: str, registry_url: str, broker_port: int, stats: Path
) -> Sequence[str]:
    """Analytics, as a user starts it."""
    return (
        *(*_MODULE, "plumbline", "analytics"),
        *("--site", site, "--data-dir", str(data_dir)),
        *("--store-url", store_url, "--registry-url", registry_url),
        *("--broker-port", str(broker_port), "--broker-wait-s", str(WAIT_S)),
        *("--stats", str(stats)),
    )


def broker_command(folder: Path, port: int, mosquitto: Path | None) -> Sequence[str]:
    """The broker: Mosquitto's program, or amqtt where there is none."""
    if mosquitto is None:
        return (*_MODULE, "plumbline", "broker", "--broker-port", str(port))
    config = folder / "mosquitto.conf"
    lines = [f"listener {port} {HOST}", "persistence false", "user root"]
    lines += ["max_inflight_messages 0", "max_queued_messages 0", "allow_anonymous true"]
    config.write_text("\n".join(lines) + "\n")
    return (str(mosquitto), "-c", str(config))
