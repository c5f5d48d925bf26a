"""A recorded person's movement through simulated sensors of other makes, from Bluetooth to the store."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.vocabulary import Placement
from firmware_sim.makes import MAKES
from plumbline.bench_makes import RECORDING, MakesChoice, measure_makes

pytestmark = pytest.mark.end_to_end

#: Two minutes with the kit, which hold the calibration's poses; ``plumbline bench makes`` plays it all.
SECONDS = 120.0
KIT = (Placement.T4, Placement.L5)
SAME_POSTURE_PERCENT = 99.5


@pytest.mark.parametrize("make", MAKES)
def test_a_person_has_the_same_postures_with_every_make(
    make: str, data_dir: Path, tmp_path: Path
) -> None:
    recording = data_dir / "recordings" / RECORDING
    choice = MakesChoice(recording, (make,), KIT, SECONDS)
    found = measure_makes(tmp_path, choice)[make]
    assert found["seconds"] == SECONDS
    assert found["seconds missing"] == 0
    assert found["same posture %"] >= SAME_POSTURE_PERCENT
    # what was sampled while the rate was being set was not asked for
    assert found["samples sent"] - 2 * 30 <= found["samples received"] <= found["samples sent"]
    assert found["connections"] == len(KIT)
