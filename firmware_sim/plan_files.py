"""Scenarios and fault plans from files: TOML where the name ends so, else JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from contracts.errors import Reason, SettingError
from firmware_sim.faults import MAX_PLAN_BYTES, FaultPlan, decode_plan
from firmware_sim.scenario_files import MAX_SCENARIO_BYTES, ScenarioFile, decode_scenario

_TOML: Final = ".toml"


def read_plan(path: Path) -> FaultPlan:
    """The fault plan in a file. SettingError where it cannot be read, or is none."""
    return decode_plan(_read(path, MAX_PLAN_BYTES), toml=path.suffix == _TOML)


def read_scenario(path: Path) -> ScenarioFile:
    """The scenario in a file. SettingError where it cannot be read, or is none."""
    return decode_scenario(_read(path, MAX_SCENARIO_BYTES), toml=path.suffix == _TOML)


def _read(path: Path, most_bytes: int) -> bytes:
    """The file's bytes, and one more than may be where it is too long."""
    try:
        with path.open("rb") as file:
            return file.read(most_bytes + 1)
    except OSError as error:
        raise SettingError(
            Reason.BAD_SETTING,
            f"{path} cannot be read: {error.strerror}.",
            hint="Give the path of a TOML or JSON file.",
        ) from None
