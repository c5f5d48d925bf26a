"""A dozen faults on the whole way, in processes of its own: nothing lost, doubled or different."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.chaos.bench import run_round
from tests.chaos.faults import Kind

#: On an idle machine of two cores it takes about a minute; a loaded one is slow, not wrong.
pytestmark = [pytest.mark.end_to_end, pytest.mark.slow, pytest.mark.timeout(600)]

SEED = 3
FAULTS = 12


def test_a_dozen_faults_change_nothing(data_dir: Path, mosquitto: Path, tmp_path: Path) -> None:
    result = asyncio.run(
        run_round(
            tmp_path, data_dir, seed=SEED, faults=FAULTS, mosquitto=mosquitto, to_the_end=True
        )
    )
    assert [verdict for verdict in result.verdicts if not verdict.good] == []
    assert {done.fault.kind for done in result.done} == set(Kind)
    assert all(done.recovered_s is not None for done in result.done)
    # On a slow machine some fall on what is down already, or is over; never all of them.
    assert any((result.cuts, result.doubled, result.reordered, result.refusals)), result
