"""'Up' among the calibrated axes: the same as each placement's axes give, and made once."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analytics.core.axes import SegmentAxes
from analytics.core.directions import Directions
from analytics.core.joining import SecondTable
from analytics.core.rows import SUMS, UP_X, UP_Z
from contracts.vocabulary import Placement

C7, T4, L5 = Placement.C7, Placement.T4, Placement.L5
PLACEMENTS = (C7, T4, L5)


def table_of(up: list[list[list[float]]]) -> SecondTable:
    """(n, 3 placements, 3) sums of 'up'; a second without any has no sample."""
    sums = np.zeros((len(up), len(PLACEMENTS), SUMS))
    sums[:, :, UP_X : UP_Z + 1] = up
    count = np.where(sums[:, :, UP_X : UP_Z + 1].any(axis=2), 50, 0).astype(np.int32)
    return SecondTable(PLACEMENTS, np.arange(len(up)), count, sums, count.astype(np.float64))


def axes_at(turn_rad: float) -> SegmentAxes:
    """Axes of a sensor that was turned about its y axis."""
    up = np.array([np.cos(turn_rad), 0.0, np.sin(turn_rad)])
    return SegmentAxes.of(up, np.array([-np.sin(turn_rad), 0.0, np.cos(turn_rad)]))


def test_angles_by_hand() -> None:
    level, half = [[50.0, 0.0, 0.0]] * 3, 25.0 * np.sqrt(2)
    table = table_of([level, [[half, 0.0, half], [half, half, 0.0], [0.0, 0.0, 0.0]]])
    seen = Directions.of(table, {p: axes_at(0.0) for p in PLACEMENTS})
    np.testing.assert_allclose(seen.away_deg, [[0.0, 45.0], [0.0, 45.0], [0.0, np.nan]], atol=1e-6)
    np.testing.assert_allclose(seen.flexion_deg[0], [0.0, 45.0], atol=1e-9)
    np.testing.assert_allclose(np.abs(seen.lateral_deg[1]), [0.0, 45.0], atol=1e-9)


@given(
    st.lists(
        st.lists(st.lists(st.floats(-60, 60), min_size=3, max_size=3), min_size=3, max_size=3),
        min_size=1,
        max_size=9,
    ),
    st.lists(st.floats(-3, 3), min_size=3, max_size=3),
    st.sets(st.sampled_from(PLACEMENTS)),
)
def test_every_bit_is_that_of_one_placement_by_itself(
    up: list[list[list[float]]], turns_rad: list[float], calibrated: set[Placement]
) -> None:
    table = table_of(up)
    axes = {p: axes_at(t) for p, t in zip(PLACEMENTS, turns_rad, strict=True) if p in calibrated}
    seen = Directions.of(table, axes)
    assert seen.placements == tuple(p for p in PLACEMENTS if p in calibrated)
    for row, (placement, column) in enumerate(zip(seen.placements, seen.columns, strict=True)):
        own = table.up[:, column].T
        np.testing.assert_array_equal(seen.flexion_deg[row], axes[placement].flexion_deg(own))
        np.testing.assert_array_equal(seen.lateral_deg[row], axes[placement].lateral_deg(own))


def test_they_are_made_once_for_all_stages_and_anew_under_other_axes() -> None:
    table = table_of([[[50.0, 0.0, 0.0]] * 3])
    axes, others = {T4: axes_at(0.1)}, {T4: axes_at(0.2)}
    seen = Directions.of(table, axes)
    assert Directions.of(table, axes) is seen
    assert Directions.of(table, others).away_deg[0, 0] > seen.away_deg[0, 0]
