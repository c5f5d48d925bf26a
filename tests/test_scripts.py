"""What the scripts around the tests say where a machine lacks something."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

#: A machine's own programs, without what somebody added.
PLAIN_PATH = "/usr/bin:/bin"


def run(
    script: str, *arguments: str, path: str = PLAIN_PATH, **environment: str
) -> subprocess.CompletedProcess[str]:
    """A script of scripts/, as if nothing were set up."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PLUMBLINE_")}
    return subprocess.run(
        [REPOSITORY / "scripts" / script, *arguments],
        env=kept | {"PATH": path} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def bare(tmp_path: Path) -> str:
    """A PATH with the shell's tools and nothing to build with."""
    for name in ("bash", "sh", "env", "dirname", "cat", "cksum", "grep", "id", "cut", "flock"):
        (tmp_path / name).symlink_to(
            next(p for d in ("/usr/bin", "/bin") if (p := Path(d, name)).exists())
        )
    return str(tmp_path)


def copy_of(script: str, folder: Path) -> Path:
    """A checkout of the script and its module alone: nothing is built there."""
    (folder / "scripts").mkdir(parents=True)
    (folder / "tools").mkdir()
    (folder / "scripts" / script).symlink_to(REPOSITORY / "scripts" / script)
    (folder / "tools" / "influxd").symlink_to(REPOSITORY / "tools" / "influxd")
    return folder / "scripts" / script


def test_where_influxdb_cannot_be_built_it_is_said_how_to_get_it(bare: str, tmp_path: Path) -> None:
    script = copy_of("influxd", tmp_path / "checkout")
    for arguments, status in (((), 69), (("--for-tests",), 0)):
        done = run(str(script), *arguments, path=bare)
        assert done.returncode == status
        assert "lacks go cargo cc pkg-config" in done.stderr
        assert "PLUMBLINE_TEST_INFLUX_URL" in done.stderr
    assert not (tmp_path / "checkout" / ".tools").exists()


def test_nothing_is_built_where_a_server_is_given(bare: str, tmp_path: Path) -> None:
    script = copy_of("influxd", tmp_path / "checkout")
    url = {"PLUMBLINE_TEST_INFLUX_URL": "influx:http://127.0.0.1:9?org=o&token-file=t"}
    done = run(str(script), "--for-tests", path=bare, **url)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_nothing_is_built_where_one_is_on_the_path(bare: str, tmp_path: Path) -> None:
    script = copy_of("influxd", tmp_path / "checkout")
    program = Path(bare) / "influxd"
    program.write_text("#!/bin/sh\necho 'InfluxDB v2.7.12 (git: none)'\n")
    program.chmod(0o755)
    done = run(str(script), "--for-tests", path=bare)
    assert (done.returncode, done.stderr) == (0, "")
    program.write_text("#!/bin/sh\necho 'InfluxDB v1.8.10 (git: none)'\n")
    assert "lacks go" in run(str(script), "--for-tests", path=bare).stderr


def test_a_build_that_fails_leaves_nothing_behind(bare: str, tmp_path: Path) -> None:
    script = copy_of("influxd", tmp_path / "checkout")
    for name in ("cargo", "cc", "pkg-config"):
        (Path(bare) / name).symlink_to("/bin/true")
    for name in ("mkdir", "mktemp", "rm", "tail", "touch", "timeout"):
        (Path(bare) / name).symlink_to(f"/bin/{name}")
    go = Path(bare) / "go"
    go.write_text(
        '#!/bin/sh\ncase $* in *-tags*) echo "no such module"; exit 1 ;; esac\n'
        f'[ "$1 $2" = "env GOCACHE" ] && echo {tmp_path}/cache || echo v2.7.12\n'
    )
    go.chmod(0o755)
    copies = tmp_path / "cache" / "pkgconfig" / "github.com" / "influxdata" / "flux@v1"
    copies.mkdir(parents=True)  # cut off: no build that used it came to its end
    done = run(str(script), path=bare)
    assert done.returncode == 70
    assert "no such module" in done.stderr
    assert "could not be built" in done.stderr
    left = [path.name for path in (tmp_path / "checkout" / ".tools").iterdir()]
    assert left == ["influxd.log"]
    assert not copies.exists()


def test_the_compose_test_tells_a_machine_apart_from_a_failure(bare: str, tmp_path: Path) -> None:
    recording = tmp_path / "recording"
    done = run("compose-test", str(recording))
    assert done.returncode == 1
    assert "compose test FAILED: there is no recording" in done.stderr
    recording.mkdir()
    (recording / "recording.json").write_text("{}")
    done = run("compose-test", str(recording), path=bare, COMPOSE_ENGINE="podman")
    assert done.returncode == 69
    assert "compose test NOT RUN: no Docker engine runs here" in done.stderr


@pytest.fixture
def ci(tmp_path: Path) -> Path:
    """A checkout of .ci/run alone; its two steps do and end as the environment says."""
    for folder in (".ci", "scripts"):
        (tmp_path / folder).mkdir()
    (tmp_path / ".ci" / "run").symlink_to(REPOSITORY / ".ci" / "run")
    (tmp_path / "Makefile").write_text("test:\n\t@$(TESTS)\n")
    (tmp_path / "scripts" / "compose-test").write_text('#!/bin/sh\nexit "$COMPOSE"\n')
    (tmp_path / "scripts" / "compose-test").chmod(0o755)
    return tmp_path / ".ci" / "run"


@pytest.mark.parametrize(
    ("tests", "compose", "status", "said"),
    [
        ("true", "0", 0, ["make test passed", "scripts/compose-test passed"]),
        ("false", "0", 1, ["make test FAILED with status 2", "scripts/compose-test passed"]),
        ("true", "1", 1, ["make test passed", "scripts/compose-test FAILED with status 1"]),
        ("true", "69", 0, ["make test passed", "scripts/compose-test NOT RUN"]),
        ("exit 69", "69", 1, ["make test FAILED with status 2", "scripts/compose-test NOT RUN"]),
    ],
)
def test_ci_fails_when_a_step_does_and_says_of_each_what_came_of_it(
    ci: Path, tests: str, compose: str, status: int, said: list[str]
) -> None:
    done = run(str(ci), TESTS=tests, COMPOSE=compose)
    assert done.returncode == status
    lines = done.stdout.splitlines()[-2:]
    assert all(line.startswith(word) for line, word in zip(lines, said, strict=True)), lines


def test_ci_that_is_told_to_end_ends_its_step_first(ci: Path, tmp_path: Path) -> None:
    step = tmp_path / "step"
    step.write_text("trap 'sleep 0.2; touch ended; exit 1' TERM\ntouch began\nsleep 600 & wait\n")
    process = subprocess.Popen(
        [ci],
        env=os.environ | {"TESTS": "bash step", "COMPOSE": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    ends_s = time.monotonic() + 60
    while not (tmp_path / "began").exists():
        assert time.monotonic() < ends_s
        time.sleep(0.02)
    process.terminate()
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out.endswith("FAILED: interrupted\n")
    assert (tmp_path / "ended").exists()
