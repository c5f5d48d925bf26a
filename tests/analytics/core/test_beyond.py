"""Deeper than anybody was asked to: by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.core.beyond import brought_back

OWN = (24.0, 2.0)


@pytest.mark.parametrize(
    ("thorax", "pelvis", "own", "brought"),
    [
        (20.0, 5.0, OWN, (20.0, 5.0)),  # within
        (24.0, 2.0, OWN, (24.0, 2.0)),
        (40.0, 4.0, OWN, (26.0, 4.0)),  # 14° more curl, 16° further bent
        (60.0, 0.0, OWN, (24.0, 2.0)),
        (20.0, -20.0, OWN, (20.0, -2.0)),  # 18° more curl, all of it below
        (10.0, -40.0, OWN, (10.0, -40.0)),  # reclined, not slumped
        (30.0, 28.0, OWN, (27.0, 25.0)),  # bent at the hip
        (80.0, 60.0, OWN, (45.0, 25.0)),
        (80.0, 60.0, None, (45.0, 25.0)),
        (60.0, 0.0, None, (60.0, 0.0)),
    ],
)
def test_by_hand(
    thorax: float,
    pelvis: float,
    own: tuple[float, float] | None,
    brought: tuple[float, float],
) -> None:
    upper, lower = brought_back(np.array([thorax]), np.array([pelvis]), own)
    assert (float(upper[0]), float(lower[0])) == brought


@given(st.floats(-90, 90), st.floats(-90, 90))
def test_never_past_the_own_pose(thorax: float, pelvis: float) -> None:
    upper, lower = brought_back(np.array([thorax]), np.array([pelvis]), OWN)
    assert upper[0] <= thorax
    assert upper[0] >= min(thorax, OWN[0]) - max(0.0, min(thorax, pelvis) - 25.0) - 1e-9
    assert lower[0] <= max(pelvis, OWN[1])
