"""Fixtures for the tests of code that reads posture sensors, with no hardware (docs/simulator.md).

``@pytest.mark.simulation(scenario=…, faults=…)`` says what is worn and what goes wrong; both are a path, or
what such a file holds. The simulator is loaded by the fixtures, not by every run of pytest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from firmware_sim.testing import AnyPlan, AnyScenario, FastAir, ServedAir

_MARK: Final = "simulation"


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line(
        "markers", f"{_MARK}(scenario=None, faults=None): what is simulated, and what goes wrong"
    )


@pytest.fixture
def simulated_wearer(request: pytest.FixtureRequest) -> Iterator[ServedAir]:
    """A wearer's sensors on a virtual air that listens on TCP, in real time."""
    from firmware_sim.testing import ServedAir  # noqa: PLC0415 - see the module

    with ServedAir(*_wanted(request)) as air:
        yield air


@pytest.fixture
def simulated_sensor(request: pytest.FixtureRequest) -> Iterator[ServedAir]:
    """One sensor, at T4 where no scenario says otherwise, on a virtual air as ``simulated_wearer``."""
    from firmware_sim.testing import ONE_SENSOR, ServedAir  # noqa: PLC0415 - see the module

    scenario, plan = _wanted(request)
    with ServedAir(ONE_SENSOR if scenario is None else scenario, plan) as air:
        yield air


@pytest.fixture
def faulty_air() -> Callable[..., FastAir]:
    """Makes a wearer under a fault plan, in fast time: ``faulty_air(plan, scenario).run(work)``."""
    from firmware_sim.testing import FastAir  # noqa: PLC0415 - see the module

    return FastAir


def _wanted(request: pytest.FixtureRequest) -> tuple[AnyScenario, AnyPlan]:
    mark = request.node.get_closest_marker(_MARK)
    wanted: dict[str, Any] = {} if mark is None else dict(mark.kwargs)
    return wanted.get("scenario"), wanted.get("faults")
