"""Which end of a two-fold sensor is its front: what tells it, how fast, and that cuts do not matter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.core.angles import Angles, angles_of
from analytics.core.axes import SegmentAxes
from analytics.core.calibration import Calibration
from analytics.core.facing import MAX_LOG_ODDS, Facing, Fronts
from analytics.core.joining import SecondTable
from analytics.core.poses import PoseTemplate
from analytics.core.rows import SUMS, UP_X
from contracts.units import NS_PER_S
from contracts.vocabulary import Placement

T4, L5 = Placement.T4, Placement.L5
UP, BACK = np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0])
SESSION_END_S = 60
#: Flexion of T4 and L5, lateral inclination of both, as a person holds them.
UPRIGHT, RECLINED, BENT, ASIDE = (0, 0, 0, 0), (-18, -40, 0, 0), (16, 18, 0, 0), (20, 4, 14, 7)


def up_of(flexion_deg: float, lateral_deg: float) -> np.ndarray:
    flexion, lateral = np.radians(flexion_deg), np.radians(lateral_deg)
    return np.array(
        [np.cos(flexion) * np.cos(lateral), np.sin(lateral), np.sin(flexion) * np.cos(lateral)]
    )


def calibration(
    *, exchanged: bool, log_odds: float = 0.0, slump_deg: float = 3.0, session: int = 0
) -> Calibration:
    """T4's front is known; the front of L5 is not, and is where its axes say unless ``exchanged``."""
    axes = {
        T4: SegmentAxes.of(UP, BACK),
        L5: SegmentAxes.of(UP, -BACK if exchanged else BACK, front_log_odds=log_odds),
    }
    rounded = PoseTemplate.of({T4: up_of(25, 0), L5: up_of(slump_deg, 0)}, axes)
    return Calibration(axes, rounded, session_ns=(session, SESSION_END_S * NS_PER_S))


def table_of(poses: list[tuple[int, int, int, int]], first_s: int = SESSION_END_S) -> SecondTable:
    count = len(poses)
    sums = np.zeros((count, 2, SUMS))
    for row, (upper_deg, lower_deg, upper_right_deg, lower_right_deg) in enumerate(poses):
        sums[row, 0, UP_X : UP_X + 3] = 50 * up_of(upper_deg, upper_right_deg)
        sums[row, 1, UP_X : UP_X + 3] = 50 * up_of(lower_deg, lower_right_deg)
    return SecondTable(
        (T4, L5),
        np.arange(first_s, first_s + count),
        np.full((count, 2), 50, np.int32),
        sums,
        np.full((count, 2), 50.0),
    )


def faced(
    facing: Facing, table: SecondTable, calibrated: Calibration, *, driving: bool = False
) -> tuple[Fronts, Angles]:
    angles = angles_of(table, calibrated)
    fronts = facing.update(table.second, angles, calibrated, np.full(len(table), driving))
    return fronts, angles.facing(fronts.sign)


@pytest.mark.parametrize("exchanged", [False, True])
@pytest.mark.parametrize("pose", [RECLINED, BENT, ASIDE], ids=["reclined", "bent", "aside"])
def test_the_first_clear_pose_tells_and_is_shown_rightly(
    pose: tuple[int, int, int, int], *, exchanged: bool
) -> None:
    facing = Facing()
    table = table_of([UPRIGHT] * 20 + [pose] * 40 + [UPRIGHT] * 20)
    fronts, angles = faced(facing, table, calibration(exchanged=exchanged))
    right = -1.0 if exchanged else 1.0
    assert (fronts.sign[L5][20:60] == right).all()
    assert np.allclose(angles.pelvis_flexion_deg[20:60], pose[1], atol=0.01)
    assert np.allclose(angles.pelvis_lateral_deg[20:60], pose[3], atol=0.01)
    chance = fronts.chance[L5] if right > 0 else 1 - fronts.chance[L5]
    assert chance[20] < 0.9, "what a second says is not known before it"
    assert chance[60] > 0.9
    assert (chance[60:] > 0.9).all(), "and sitting upright takes nothing back"


def test_the_own_slump_says_little_and_only_once() -> None:
    facing = Facing()
    slumps = table_of([(25, 20, 0, 0)] * 60)
    fronts, _ = faced(facing, slumps, calibration(exchanged=False, slump_deg=20.0))
    assert 0.6 < fronts.chance[L5][0] < 0.96
    assert np.ptp(fronts.chance[L5]) < 0.07


def test_a_mounting_that_looked_right_can_be_overturned() -> None:
    facing = Facing()
    fronts, _ = faced(
        facing,
        table_of([UPRIGHT] * 30 + [RECLINED] * 60),
        calibration(exchanged=True, log_odds=3.0),
    )
    assert fronts.chance[L5][10] > 0.9
    assert fronts.sign[L5][31] == -1.0
    assert fronts.chance[L5][-1] < 0.01


def test_what_was_learned_is_bounded() -> None:
    facing = Facing()
    fronts, _ = faced(facing, table_of([RECLINED] * 3000), calibration(exchanged=False))
    assert fronts.chance[L5].max() <= 1 / (1 + np.exp(-MAX_LOG_ODDS))
    after, _ = faced(facing, table_of([RECLINED] * 60, 3060), calibration(exchanged=False))
    assert after.chance[L5].min() > 0.999


def test_a_vehicle_sways_both_sensors_together_and_tells_at_once() -> None:
    sway = [
        (s, s, 0, 0) if i % 2 else (0, 0, s, s) for i, s in enumerate([2, -2, 1, -1, 3, -3] * 3)
    ]
    for exchanged in (False, True):
        fronts, _ = faced(
            Facing(), table_of(sway, 10), calibration(exchanged=exchanged), driving=True
        )
        still, _ = faced(Facing(), table_of(sway, 10), calibration(exchanged=exchanged))
        sure = fronts.chance[L5][-1]
        assert (sure < 0.01) if exchanged else (sure > 0.99)
        assert abs(still.chance[L5][-1] - still.chance[L5][0]) < 1e-9


def test_steps_over_a_gap_or_without_data_say_nothing() -> None:
    facing = Facing()
    calibrated = calibration(exchanged=False)
    faced(facing, table_of([UPRIGHT], 5), calibrated, driving=True)
    begun = Facing()
    faced(begun, table_of([UPRIGHT], 5), calibrated, driving=True)
    gap, _ = faced(facing, table_of([(9, 9, 0, 0)] * 2, 8), calibrated, driving=True)
    table = table_of([(9, 9, 0, 0)] * 2, 6)
    table.sums[0, 1] = 0.0
    lost, _ = faced(begun, table, calibrated, driving=True)
    for fronts in (gap, lost):
        assert fronts.chance[L5][0] == fronts.chance[L5][1]
        assert np.isfinite(fronts.chance[L5]).all()


def test_a_later_calibration_starts_anew_and_known_fronts_need_nothing() -> None:
    facing = Facing()
    faced(facing, table_of([RECLINED] * 60), calibration(exchanged=False))
    anew, _ = faced(facing, table_of([UPRIGHT], 300), calibration(exchanged=False, session=1))
    assert anew.chance[L5][0] == pytest.approx(0.5, abs=0.2)
    known = calibration(exchanged=False, log_odds=np.inf)
    assert faced(facing, table_of([UPRIGHT]), known)[0].chance == {}
    none = facing.update(
        np.array([1]), angles_of(table_of([UPRIGHT]), None), None, np.array([True])
    )
    assert none.chance == {}


@given(
    st.lists(
        st.sampled_from([UPRIGHT, RECLINED, BENT, ASIDE, (25, 3, 1, 0)]), min_size=2, max_size=40
    ),
    st.data(),
    st.booleans(),
)
def test_cuts_and_restarts_change_nothing(
    poses: list[tuple[int, int, int, int]], data: st.DataObject, driving: bool
) -> None:
    calibrated = calibration(exchanged=False)
    table = table_of(poses, SESSION_END_S - 5)
    whole = Facing()
    fronts, _ = faced(whole, table, calibrated, driving=driving)
    cut = data.draw(st.integers(1, len(poses) - 1))
    parts = Facing()
    first, _ = faced(parts, table.slice(0, cut), calibrated, driving=driving)
    again = Facing()
    again.load(parts.state())
    second, _ = faced(again, table.slice(cut, len(poses)), calibrated, driving=driving)
    for name in ("chance", "sign"):
        joined = np.concatenate([getattr(first, name)[L5], getattr(second, name)[L5]])
        assert joined.tobytes() == getattr(fronts, name)[L5].tobytes()
    assert again.state() == whole.state()


def test_which_way_it_faces_by_now_holds_for_its_own_session_only() -> None:
    facing = Facing()
    mounted = calibration(exchanged=True)
    assert facing.signs(mounted) == {}
    faced(facing, table_of([RECLINED] * 40), mounted)
    assert facing.signs(mounted) == {L5: -1}
    assert facing.signs(calibration(exchanged=True, session=1)) == {}
