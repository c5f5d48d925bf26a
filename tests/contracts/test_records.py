"""Frames as rows and as columns, and settings that are refused."""

from __future__ import annotations

from dataclasses import fields, replace

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.checks import LATEST_UTC_NS
from contracts.errors import InvariantError, SettingError
from contracts.records import ANGLES, Frame, FrameBlock, placement_mask, placements_of
from contracts.settings import (
    MAX_CALIBRATION_SESSION_NS,
    MIN_CALIBRATION_WINDOW_NS,
    CalibrationPlan,
    PostureSettings,
)
from contracts.units import NS_PER_S
from contracts.vocabulary import PLACEMENTS, Activity, ActivitySource, Placement, Posture, Quality
from tests.contracts.strategies import NOW_NS

angles = st.none() | st.integers(-18000, 18000).map(lambda hundredths: hundredths / 100)
placement_sets = st.sets(st.sampled_from(Placement)).map(
    lambda chosen: tuple(p for p in PLACEMENTS if p in chosen)
)
frames = st.builds(
    Frame,
    start_ns=st.integers(-(2**63), 2**63 - 1),
    posture=st.sampled_from(Posture),
    activity=st.sampled_from(Activity),
    activity_source=st.sampled_from(ActivitySource),
    confidence=st.integers(0, 100).map(lambda hundredths: hundredths / 100),
    quality=st.sampled_from(Quality),
    samples=st.integers(0, 6000),
    missing=placement_sets,
    suspect=placement_sets,
    **dict.fromkeys(ANGLES, angles),
)


@given(st.lists(frames, max_size=8))
def test_rows_to_columns_and_back(rows: list[Frame]) -> None:
    block = FrameBlock.from_rows(rows)
    assert len(block) == len(rows)
    assert list(block.rows()) == rows


@given(st.lists(st.lists(frames, max_size=3), max_size=4))
def test_blocks_one_after_another(parts: list[list[Frame]]) -> None:
    whole = FrameBlock.concat([FrameBlock.from_rows(part) for part in parts])
    assert list(whole.rows()) == [row for part in parts for row in part]
    for field in fields(FrameBlock):
        empty = getattr(FrameBlock.concat([]), field.name)
        assert getattr(whole, field.name).dtype == empty.dtype


@given(placement_sets)
def test_placements_survive_their_mask(chosen: tuple[Placement, ...]) -> None:
    assert placements_of(placement_mask(chosen)) == chosen
    assert placement_mask(chosen) < 2**8


def test_columns_of_different_length_are_a_defect() -> None:
    block = FrameBlock.concat([])
    with pytest.raises(InvariantError):
        replace(block, samples=np.zeros(1, dtype=np.int32))


@pytest.mark.parametrize(
    "changes",
    [
        {"rounded_warn_deg": 4.0},
        {"rounded_warn_deg": float("nan")},
        {"rounded_high_deg": 11.0},
        {"hysteresis_deg": 12.0},
        {"lean_deg": 46.0},
        {"reclined_deg": 0.0},
        {"hip_bend_deg": -20.0},
        {"candidate_s": 0.0},
        {"episode_s": float("inf")},
        {"bridge_s": -1.0},
        {"nudge_after_s": 14.0},
        {"nudge_after_s": 601.0},
        {"break_after_s": 299.0},
    ],
)
def test_settings_that_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(SettingError) as refused:
        PostureSettings(**changes)
    assert next(iter(changes)) in refused.value.message


def test_settings_survive_json() -> None:
    settings = PostureSettings(rounded_warn_deg=15.0, nudge_after_s=15.0)
    assert msgspec.json.decode(msgspec.json.encode(settings), type=PostureSettings) == settings


SECOND = NS_PER_S


def test_a_calibration_plan_ends_with_its_last_window() -> None:
    upright, slump = (NOW_NS, NOW_NS + 10 * SECOND), (NOW_NS + 12 * SECOND, NOW_NS + 20 * SECOND)
    assert CalibrationPlan(effective_ns=NOW_NS, upright_ns=upright).complete_ns == upright[1]
    both = CalibrationPlan(effective_ns=NOW_NS, upright_ns=upright, rounded_ns=slump)
    assert both.complete_ns == slump[1]
    stood = (slump[1], slump[1] + 10 * SECOND)
    for pose in ("bend_ns", "standing_ns"):
        more = msgspec.structs.replace(both, **{pose: stood})
        assert more.complete_ns == stood[1]
        assert msgspec.json.decode(msgspec.json.encode(more), type=CalibrationPlan) == more
    assert msgspec.json.decode(msgspec.json.encode(both), type=CalibrationPlan) == both


@pytest.mark.parametrize(
    ("effective_ns", "upright_ns", "rounded_ns"),
    [
        (0, (0, MIN_CALIBRATION_WINDOW_NS - 1), None),
        (0, (10 * SECOND, 0), None),
        (1, (0, 10 * SECOND), None),
        (0, (0, MAX_CALIBRATION_SESSION_NS + 1), None),
        (0, (595 * SECOND, 601 * SECOND), None),
        (0, (0, 10 * SECOND), (0, 4 * SECOND)),
        (0, (0, 10 * SECOND), (596 * SECOND, 602 * SECOND)),
        (-1, (0, 10 * SECOND), None),
        (-(10**400), (-(10**400), -(10**400) + 10 * SECOND), None),
        (LATEST_UTC_NS + 1, (LATEST_UTC_NS + 1, LATEST_UTC_NS + 1 + 10 * SECOND), None),
    ],
)
def test_calibration_plans_that_are_refused(
    effective_ns: int, upright_ns: tuple[int, int], rounded_ns: tuple[int, int] | None
) -> None:
    with pytest.raises(SettingError):
        CalibrationPlan(effective_ns=effective_ns, upright_ns=upright_ns, rounded_ns=rounded_ns)


@pytest.mark.parametrize("pose", ["bend_ns", "standing_ns"])
def test_a_plan_is_refused_where_a_pose_is_too_short(pose: str) -> None:
    with pytest.raises(SettingError, match=f"{pose.removesuffix('_ns')} window"):
        CalibrationPlan(effective_ns=0, upright_ns=(0, 10 * SECOND), **{pose: (0, 4 * SECOND)})


def test_the_longest_and_the_shortest_calibration() -> None:
    CalibrationPlan(effective_ns=0, upright_ns=(0, MIN_CALIBRATION_WINDOW_NS))
    CalibrationPlan(effective_ns=0, upright_ns=(0, MAX_CALIBRATION_SESSION_NS))
