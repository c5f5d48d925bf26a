"""What every test may ask for: the real recordings, and the machine's own Chromium and Mosquitto.

A thing that is not there skips the test and says how to get it; with CI set it fails instead, so
that a green run means that everything ran.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import HealthCheck, settings
from playwright._impl._driver import compute_driver_executable

from tests import influx, influx_container

REPOSITORY = Path(__file__).resolve().parent.parent
#: Places where Debian puts programs that are not on every user's PATH.
SYSTEM_FOLDERS = ("/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin")

# Machines under load are slow, not wrong: examples are counted, never timed. Derandomised, so that
# a run says the same thing twice; HYPOTHESIS_PROFILE=search looks further with new examples.
settings.register_profile(
    "plumbline",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile(
    "search", settings.get_profile("plumbline"), derandomize=False, max_examples=2000
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "plumbline"))


def pytest_configure() -> None:
    """Let Python keep what it has compiled, also where the environment says not to.

    The tests start hundreds of processes, and half of a start is compiling what it imports.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


def missing(what: str, how: str) -> NoReturn:
    """Skip for want of ``what``, saying ``how`` to get it; fail where CI is set."""
    text = f"{what} is missing. {how}"
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        pytest.fail(text)
    pytest.skip(text)


def _program(names: tuple[str, ...], how: str) -> Path:
    path = os.pathsep.join((os.environ.get("PATH", ""), *SYSTEM_FOLDERS))
    for name in names:
        found = shutil.which(name, path=path)
        if found is not None:
            return Path(found)
    missing(names[0], how)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real recordings: PLUMBLINE_DATA, else ../shared/data beside the repository."""
    folder = Path(os.environ.get("PLUMBLINE_DATA") or REPOSITORY.parent / "shared" / "data")
    if not (folder / "recordings").is_dir():
        missing(
            f"The recordings folder {folder}",
            "Set PLUMBLINE_DATA to the folder that holds recordings/ and orientation/.",
        )
    return folder.resolve()


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The system's Chromium, and a driver for it that starts."""
    driver, *_ = compute_driver_executable()
    if subprocess.run([driver, "--version"], capture_output=True, check=False).returncode:
        missing(
            "A library that the browser's driver needs",
            "Install it, on Debian with: apt-get install libatomic1",
        )
    return _program(
        ("chromium", "chromium-browser", "google-chrome"),
        "Install it, on Debian with: apt-get install chromium",
    )


@pytest.fixture(scope="session")
def mosquitto() -> Path:
    """The Mosquitto broker's program."""
    return _program(("mosquitto",), "Install it, on Debian with: apt-get install mosquitto")


@pytest.fixture(scope="session")
def influxd() -> Path:
    """The InfluxDB server's program."""
    program = influx.influxd()
    if program is not None:
        return program
    if os.environ.get(influx.ADDRESS) or influx_container.possible():
        pytest.skip(influx.NOT_OURS)
    missing("InfluxDB", influx.HOW)


@pytest.fixture(scope="session")
def influx_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[influx.InfluxServer | influx.GivenServer]:
    """An InfluxDB that all tests share, each with buckets of its own."""
    address = os.environ.get(influx.ADDRESS)
    if address:
        yield influx.GivenServer(address)
        return
    folder = tmp_path_factory.mktemp("influx")
    if influx.influxd() is None and influx_container.possible():
        server: influx.InfluxServer = influx.ContainerServer(folder)
    else:
        server = influx.InfluxServer(request.getfixturevalue("influxd"), folder)
    with server:
        yield server


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 6 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", folder]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("a small disk needs a user who may mount one")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which InfluxDB the tests had, and what was not run on it, by name."""
    terminalreporter.write_line(f"InfluxDB in the tests: {influx.which()}")
    for report in terminalreporter.stats.get("skipped", []):
        if "InfluxDB" in str(report.longrepr):
            terminalreporter.write_line(f"  not run: {report.nodeid}")
