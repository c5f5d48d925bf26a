"""The project's own promises: one set of checks, import rules that bite, locks, and its documents."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY

ROOMS = (
    "analytics",
    "contracts",
    "dashboard",
    "device_gateway",
    "firmware_sim",
    "plumbline",
    "store",
)
LOCKS = ("requirements.lock", "requirements-image.lock", "requirements-dev.lock")


def check(name: str, folder: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
    """scripts/check NAME in ``folder``, with the interpreter of this run."""
    return subprocess.run(
        [str(folder / "scripts" / "check"), name],
        cwd=folder,
        env=os.environ | {"PYTHON": sys.executable, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def project() -> dict[str, Any]:
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text())


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["lint", "format", "types", "imports"])
def test_check(name: str) -> None:
    result = check(name)
    assert result.returncode == 0, result.stdout + result.stderr


def test_an_unknown_check_is_refused() -> None:
    assert check("spelling").returncode == 64


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the rooms, to plant wrong imports in."""
    folder = tmp_path_factory.mktemp("rooms")
    for room in ROOMS:
        shutil.copytree(
            REPOSITORY / room, folder / room, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copytree(REPOSITORY / "scripts", folder / "scripts")
    shutil.copy(REPOSITORY / "pyproject.toml", folder)
    return folder


@pytest.mark.parametrize(
    ("module", "planted", "rule"),
    [
        ("device_gateway/planted.py", "import firmware_sim", "device_gateway knows contracts only"),
        ("firmware_sim/planted.py", "import device_gateway", "firmware_sim knows contracts only"),
        ("dashboard/planted.py", "import analytics.core", "dashboard knows contracts and store"),
        ("store/planted.py", "from analytics import core", "store knows contracts only"),
        ("analytics/planted.py", "import dashboard", "analytics knows contracts and store only"),
        ("contracts/planted.py", "import store", "contracts knows no other room"),
        ("analytics/core/planted.py", "import time", "analytics.core is pure"),
        ("analytics/core/planted.py", "import asyncio", "analytics.core is pure"),
        ("analytics/core/planted.py", "from pathlib import Path", "analytics.core is pure"),
        ("analytics/core/planted.py", "from store import ports", "analytics.core is pure"),
        ("analytics/core/planted.py", "import contracts.recording", "analytics.core is pure"),
        (
            "analytics/core/planted.py",
            "import analytics.validation",
            "what analyses knows no truth",
        ),
        ("analytics/offline.py", "import sklearn", "what analyses knows no truth"),
        ("contracts/gatt/packets.py", "import socket", "codecs of contracts are pure"),
        ("contracts/messages.py", "import logging", "codecs of contracts are pure"),
        ("firmware_sim/firmware.py", "import asyncio", "what decides is apart from what does"),
        ("dashboard/look/text.py", "import dashboard.reading.queries", "rooms of the dashboard"),
        ("dashboard/body/model.py", "import dashboard.review.words", "rooms of the dashboard"),
        ("dashboard/new_room.py", "", "rooms of the dashboard"),
    ],
)
def test_a_wrong_import_is_caught(rooms: Path, module: str, planted: str, rule: str) -> None:
    path = rooms / module
    before = path.read_text() if path.exists() else None
    path.write_text((before or "") + f"\n{planted}\n")
    try:
        result = check("imports", rooms)
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_text(before)
    assert result.returncode == 1
    assert rule in result.stdout.split("Broken contracts")[1]


def test_every_room_is_under_the_rules() -> None:
    found = {path.parent.name for path in REPOSITORY.glob("*/__init__.py")} - {"tests"}
    assert found == set(ROOMS) == set(project()["tool"]["importlinter"]["root_packages"])


def test_everything_that_analyses_is_under_the_rule_of_no_truth() -> None:
    contracts = project()["tool"]["importlinter"]["contracts"]
    (rule,) = [one for one in contracts if one["name"] == "what analyses knows no truth"]
    modules = {f"analytics.{path.stem}" for path in (REPOSITORY / "analytics").glob("[!_]*.py")}
    assert modules | {"analytics.core", "plumbline.analyze"} == set(rule["source_modules"])


def test_truth_is_read_in_one_place() -> None:
    """Words may speak of the file; one module names it to open it."""
    naming = set()
    for room in ROOMS:
        for path in (REPOSITORY / room).glob("**/*.py"):
            constants = (
                n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Constant)
            )
            if any(constant.value == "truth.csv" for constant in constants):
                naming.add(path.relative_to(REPOSITORY).as_posix())
    assert naming == {"analytics/validation/truth.py"}


def test_the_pure_core_does_not_open_print_or_ask() -> None:
    """What needs no import to do I/O is caught here."""
    for path in sorted((REPOSITORY / "analytics" / "core").glob("**/*.py")):
        calls = {
            node.func.id
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert not calls & {"open", "print", "input", "exec", "eval", "__import__"}, path


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_pins_versions_with_hashes_and_names_no_address(name: str) -> None:
    text = (REPOSITORY / name).read_text()
    assert "://" not in text
    assert " @ " not in text
    entries = re.split(r"\n(?=\S)", text.strip())
    for entry in entries:
        head, *hashes = [part.strip() for part in entry.replace("\\\n", "\n").splitlines()]
        assert re.match(r"[a-z0-9.-]+==\S+( ; .+)?$", head), head
        assert hashes, head
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", line) for line in hashes), head


def pins(name: str) -> dict[str, str]:
    found = re.findall(r"^([a-z0-9.-]+)==(\S+)", (REPOSITORY / name).read_text(), re.MULTILINE)
    assert len(dict(found)) == len(found)
    return dict(found)


def test_the_locks_agree_and_hold_what_the_project_asks_for() -> None:
    run, image, dev = (pins(name) for name in LOCKS)
    assert image.items() <= run.items() <= dev.items()
    declared = project()["project"]
    groups = declared["optional-dependencies"]

    def names(requirements: list[str]) -> set[str]:
        found = (re.match(r"[A-Za-z0-9.-]+", line)[0] for line in requirements)  # type: ignore[index]
        return {name.lower().replace(".", "-") for name in found}

    assert names(declared["dependencies"] + groups["build"] + groups["oidc"]) <= set(image)
    assert names(groups["validate"]) <= set(run)
    assert not names(groups["validate"]) - {"jinja2"} & set(image)
    assert names(groups["dev"]) <= set(dev) - set(run)


def test_the_version_is_the_latest_in_the_change_log() -> None:
    versions = re.findall(
        r"^## (\d+\.\d+\.\d+)", (REPOSITORY / "CHANGELOG.md").read_text(), re.MULTILINE
    )
    assert versions[0] == project()["project"]["version"]


def documents() -> list[Path]:
    return sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("**/*.md")])


@pytest.mark.parametrize("document", documents(), ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    for target, heading in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", document.read_text()):
        if "://" not in target:
            found = document.parent / target if target else document
            assert found.exists(), target
            assert not heading or found.suffix != ".md" or heading in headings(found), heading


def headings(document: Path) -> set[str]:
    """Its headings as a link names them."""
    titles = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_make_help_names_every_target_a_user_needs() -> None:
    result = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    for target in ("demo", "test", "check", "bench", "lock", "clean"):
        assert re.search(rf"^  make {target} ", result.stdout, re.MULTILINE)


def test_an_old_python_is_told_what_to_do(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    result = subprocess.run(
        [str(REPOSITORY / "scripts" / "make-venv"), str(tmp_path / "venv")],
        env={"PYTHON": str(old), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 69
    assert "3.11" in result.stderr
    assert not (tmp_path / "venv").exists()
