"""The examples of docs/simulator.md are run: its tests as tests, its files as files."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from firmware_sim import faults
from firmware_sim.faults import decode_plan
from firmware_sim.scenario_files import decode_scenario
from tests.conftest import REPOSITORY

PAGE = (REPOSITORY / "docs" / "simulator.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_examples_in_python_pass(tmp_path: Path) -> None:
    example = tmp_path / "test_examples.py"
    example.write_text(
        "from firmware_sim.testing import ONE_SENSOR\n" + "\n".join(blocks("python"))
    )
    pytest_ = [
        sys.executable,
        "-W",
        "error",
        "-m",
        "pytest",
        "-q",
        "-p",
        "firmware_sim.pytest_plugin",
    ]
    result = subprocess.run(
        [*pytest_, "-p", "no:cacheprovider", "--rootdir", tmp_path, "--strict-markers", example],
        cwd=tmp_path,
        env={"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "4 passed" in result.stdout


def test_the_plan_shows_every_kind_of_fault() -> None:
    (text,) = (block for block in blocks("toml") if "[[fault]]" in block)
    plan = decode_plan(text.encode(), toml=True)
    assert {type(fault) for fault in plan.faults} == set(faults.KINDS)


@pytest.mark.parametrize("text", [block for block in blocks("toml") if "[[fault]]" not in block])
def test_the_scenarios_are_scenarios(text: str) -> None:
    scenario = decode_scenario(text.encode(), toml=True)
    assert scenario.moves or scenario.habit


def test_the_page_has_the_caps_of_the_code() -> None:
    assert f"{faults.MAX_FAULTS:,} faults and {faults.MAX_PLAN_BYTES // 1024} KiB" in PAGE
