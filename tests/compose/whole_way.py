"""Brings the compose set-up up for real and sends a recorded person through it; `make compose-test`.

The shipped docker-compose.yml, deploy/ and image are used. Changed are only the ports, to free ones, and
what the simulated sensors play: a recording instead of a working day.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import yaml
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import expect

from contracts.records import Episode
from contracts.units import NS_PER_S
from plumbline.ports import free_port
from tests.compose.engine import ComposeFailed, Engine, has_docker
from tests.conftest import REPOSITORY
from tests.dashboard import screenshots
from tests.end_to_end.demo_run import analysed, command, environment

T = TypeVar("T")
#: In the order in which they can start; the first ends before the next one starts.
ONCE: Final = "grants"
SERVICES: Final = ("mosquitto", "influxdb", "analytics", "dashboard", "sensors", "gateway-demo")
STARTED: Final = (*SERVICES[:2], ONCE, *SERVICES[2:])
PROJECT: Final = "plumbline-test"
WEARER: Final = "demo-001"
#: Who looks at the page, and the password that they choose.
LOGIN: Final = "client@clinic.example"
CHOSEN: Final = "four words of a song"
ARRIVE_S: Final = 300.0
PAGE_MS: Final = 120_000
#: The line of the root file system among a container's mounts.
READ_ONLY: Final = "^[^ ]* / [^ ]* ro[, ]"
#: Runs inside a container of ours, with its settings: what the store has of the wearer, as JSON.
ASK: Final = f"""
import msgspec, os, sys
from store import open_series
store = open_series(os.environ["PLUMBLINE_STORE_URL"], read_only=True)
ever = (0, 2**63 - 1)
frames = store.frames("{WEARER}", *ever)
answer = {{"frames": len(frames), "samples": int(frames.samples.sum()),
           "postures": frames.posture.tolist(), "episodes": store.episodes("{WEARER}", *ever)}}
sys.stdout.buffer.write(msgspec.json.encode(answer))
"""


#: Runs inside a container of ours: how the store answers when its own token is used to change it.
CHANGE: Final = """
import os
from contracts.errors import StoreError
from store.influx_address import parse_address
from store.influx_http import InfluxServer
from store.influx_kinds import find_kind
address = parse_address(os.environ["PLUMBLINE_STORE_URL"])
server = InfluxServer(address)
kind = find_kind(server, address)
for change in (
    lambda: server.write_at_once(address.frames, ["frame,wearer=x samples=1i 1000000000"]),
    lambda: kind.delete(address.kept, 0, 1000, _measurement="minute"),
):
    try:
        change()
        print("changed")
    except StoreError as error:
        print(error.reason)
"""


class Stored(msgspec.Struct):
    """What the store has of the wearer."""

    frames: int
    samples: int
    postures: list[int]
    episodes: list[Episode]


def main(recording: Path) -> None:
    """All steps, each with its time. ComposeFailed or AssertionError ends it; it is taken down then."""
    with tempfile.TemporaryDirectory(prefix="plumbline-compose-") as name:
        folder = Path(name)
        page = made_site(folder, recording)
        engine = Engine(podman=not has_docker(), folder=folder, project=PROJECT)
        say("engine", "podman" if engine.podman else "docker")
        engine.down()
        try:
            walk(engine, recording, page)
        except (ComposeFailed, AssertionError, PlaywrightError):
            for service in STARTED:
                print(f"--- {service}\n{engine.logs(service)}", file=sys.stderr)
            raise
        except KeyboardInterrupt:
            engine.down(grace_s=1)  # whoever waits may not wait for long
            raise
        finally:
            engine.down()
    say("taken down", "nothing is left")


def made_site(folder: Path, recording: Path) -> str:
    """A new site; returned is the dashboard's address."""
    init = subprocess.run(
        command("init", folder, "--site", "clinic"),
        env=environment(),
        check=True,
        capture_output=True,
        text=True,
    )
    assert "docker compose up" in init.stdout
    shutil.copytree(REPOSITORY / "deploy", folder / "deploy")
    compose: dict[str, Any] = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
    sensors = compose["services"]["sensors"]
    hours = sensors["command"].index("--hours")
    sensors["command"][hours : hours + 2] = ["--recording", "/recording"]
    sensors["volumes"].append(f"{recording}:/recording:ro")
    (folder / "docker-compose.yml").write_text(yaml.safe_dump(compose, sort_keys=False))
    file = folder / ".env"
    text, dashboard = file.read_text(), free_port()
    text = text.replace("127.0.0.1:8883", f"127.0.0.1:{free_port()}")
    file.write_text(text.replace("127.0.0.1:8501", f"127.0.0.1:{dashboard}"))
    return f"http://127.0.0.1:{dashboard}"


def walk(engine: Engine, recording: Path, page: str) -> None:
    """Up, a person through it, restarts, and the same again."""
    timed("all up and well, in order", lambda: engine.up(STARTED, {ONCE}))
    locked_in(engine)
    assert changed(engine, "dashboard") == ["store-refused"] * 2, "the dashboard may write"
    say("the dashboard's token", "cannot write or delete")
    wanted = analysed(recording)
    samples = sum(wanted.samples.values())
    stored = timed("the recording is in InfluxDB", lambda: wait_stored(engine, samples))
    assert_same_episodes(stored.episodes, wanted.episodes)
    say("episodes in InfluxDB", f"{len(stored.episodes)}, as offline")
    given = made_account(engine)
    timed("the dashboard shows them", lambda: shown(page, given, len(stored.episodes), first=True))
    for service in SERVICES:
        timed(f"{service} restarted", lambda service=service: again(engine, service))
        for other in SERVICES:
            engine.wait_healthy(other)
    after = ask(engine)
    assert after == stored, "the restarts changed what is stored"
    say("after the restarts", f"the same {after.frames} frames and {len(after.episodes)} episodes")
    timed("the dashboard shows them still", lambda: shown(page, CHOSEN, len(stored.episodes)))


def locked_in(engine: Engine) -> None:
    """What the file promises of the containers holds in them."""
    for service in SERVICES:
        assert engine.run_in(service, "id", "-u").stdout.strip() not in {"", "0"}, service
        assert engine.run_in(service, "grep", "-q", READ_ONLY, "/proc/mounts").returncode == 0, (
            service
        )
    lookup = "import socket; socket.getaddrinfo('influxdb', 8086)"
    assert engine.run_in("dashboard", "/opt/plumbline/bin/python", "-c", lookup).returncode == 0
    assert engine.run_in("gateway-demo", "/opt/plumbline/bin/python", "-c", lookup).returncode != 0
    say("containers", "no root, nothing to write on, the gateway cannot see the store")


def wait_stored(engine: Engine, samples: int) -> Stored:
    """The store's answer once as many samples are in frames as the recording has."""
    ends_s = time.monotonic() + ARRIVE_S
    while (stored := ask(engine)).samples < samples:
        if time.monotonic() > ends_s:
            raise ComposeFailed(f"{stored.samples} of {samples} samples arrived")
        time.sleep(2.0)
    assert stored.samples == samples
    return stored


def ask(engine: Engine) -> Stored:
    """What the store has, asked from inside the analytics container."""
    done = engine.run_in("analytics", "/opt/plumbline/bin/python", "-c", ASK)
    if done.returncode != 0:
        raise ComposeFailed(f"the store does not answer:\n{done.stderr}")
    return msgspec.json.decode(done.stdout, type=Stored)


def changed(engine: Engine, service: str) -> list[str]:
    """What the store said to a write and a deletion with a service's token."""
    done = engine.run_in(service, "/opt/plumbline/bin/python", "-c", CHANGE)
    return done.stdout.split() or [done.stderr]


def assert_same_episodes(stored: list[Episode], wanted: Sequence[Episode]) -> None:
    """The same episodes as offline, within a second of where they lie in the recording."""
    assert stored
    assert [one.pattern for one in stored] == [one.pattern for one in wanted]
    offset_ns = stored[0].start_ns - wanted[0].start_ns
    for one, other in zip(stored, wanted, strict=True):
        for a_ns, b_ns in ((one.start_ns, other.start_ns), (one.end_ns, other.end_ns)):
            assert abs(a_ns - b_ns - offset_ns) <= NS_PER_S, (one, other)


def made_account(engine: Engine) -> str:
    """An account of the client, made as docs/deploy.md says; its first password."""
    words = ("account", "add", LOGIN, "--role", "client", "--wearer", WEARER, "--json")
    done = engine.run_in("dashboard", "plumbline", *words)
    if done.returncode != 0:
        raise ComposeFailed(f"no account can be made:\n{done.stderr}")
    password: str = json.loads(done.stdout)["password"]
    say("an account in the registry", f"made for {WEARER}")
    return password


def shown(address: str, password: str, episodes: int, *, first: bool = False) -> None:
    """A person who signs in sees as many episodes on the page as are stored; ``first`` chooses a password."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    assert program is not None, "Chromium is missing; on Debian: apt-get install chromium"
    with screenshots.chromium(Path(program)) as browser:
        page = browser.new_page()
        page.goto(address)
        page.get_by_label("Name or e-mail").fill(LOGIN)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()
        if first:
            page.get_by_label("Password now").fill(password)
            page.get_by_label("New password", exact=True).fill(CHOSEN)
            page.get_by_label("New password again").fill(CHOSEN)
            page.get_by_role("button", name="Change it").click()
        bars = page.locator(".vega-embed").first.locator("[aria-label^='Episode: ']")
        expect(bars).to_have_count(episodes, timeout=PAGE_MS)


def again(engine: Engine, service: str) -> None:
    """A service restarted, and well again."""
    engine.restart(service)
    engine.wait_healthy(service)


def timed(what: str, step: Callable[[], T]) -> T:
    """Do a step and say how long it took."""
    began_s = time.monotonic()
    try:
        result = step()
    except BaseException:
        say(what, f"FAILED after {time.monotonic() - began_s:.1f} s")
        raise
    say(what, f"{time.monotonic() - began_s:.1f} s")
    return result


def say(what: str, result: str) -> None:
    """One line of the report."""
    print(f"{what:<36} {result}", flush=True)


def _end(*_: object) -> None:
    """Being told to end is an exception as Ctrl-C is, so that all is taken down."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    try:
        main(Path(sys.argv[1]).resolve())
    except KeyboardInterrupt:
        sys.exit(130)
