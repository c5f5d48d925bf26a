"""Which way is forward for a sensor that sits in any way: worked out by hand and under any rotation."""

from __future__ import annotations

import math
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from analytics.core.axes import SegmentAxes, between_deg
from analytics.core.forward import FACE_OUT_LOG_ODDS, Held, axes_of
from contracts.errors import CalibrationError, Reason
from contracts.vocabulary import Placement

C7, T4, T12, L5, STERNUM = (
    Placement.C7,
    Placement.T4,
    Placement.T12,
    Placement.L5,
    Placement.STERNUM,
)
BACK = np.array([0.0, 0.0, 1.0])
AS_PRINTED = Rotation.identity()
UPSIDE_DOWN = Rotation.from_euler("z", 180, degrees=True)
INSIDE_OUT = Rotation.from_euler("x", 180, degrees=True)
FLAT = Rotation.from_euler("y", 90, degrees=True)
#: A turn rate that is nine times as strong about the left-right axis (y) as about the front-back axis.
SWAY = np.diag([1.0, 9.0, 1.0])
rotations = st.integers(0, 2**32 - 1).map(
    lambda seed: Rotation.random(rng=np.random.default_rng(seed))
)


def tilted(forward_deg: float, right_deg: float = 0.0) -> np.ndarray:
    """'Up' in printed axes of a segment that leans forward and to the right."""
    forward, right = math.radians(forward_deg), math.radians(right_deg)
    return np.array(
        [
            math.cos(forward) * math.cos(right),
            math.sin(right),
            math.sin(forward) * math.cos(right),
        ]
    )


def held(
    sits: dict[Placement, Rotation],
    upright: dict[Placement, float],
    rounded: dict[Placement, float] | None = None,
    bend: dict[Placement, float] | None = None,
    *,
    rounded_right_deg: float = 0.0,
    sway: np.ndarray | None = None,
) -> Held:
    """Sensors turned on the body by ``sits`` and poses by forward tilt in degrees."""

    def poses(tilts: dict[Placement, float] | None, right_deg: float = 0.0) -> dict:
        return {p: sits[p].apply(tilted(tilt, right_deg)) for p, tilt in (tilts or {}).items()}

    swayed = {} if sway is None else {p: _about(sits[p], sway) for p in upright}
    return Held(poses(upright), poses(rounded, rounded_right_deg), poses(bend), swayed)


def _about(sits: Rotation, matrix: np.ndarray) -> np.ndarray:
    turn = sits.as_matrix()
    return turn @ matrix @ turn.T


def back_of(axes: SegmentAxes, sits: Rotation, upright_deg: float = 0.0) -> float:
    """How far the back that was found is off the true one, in degrees."""
    level = BACK - tilted(upright_deg) * float(BACK @ tilted(upright_deg))
    return between_deg(sits.inv().apply(axes.back), level)


def refusal(session: Held) -> CalibrationError:
    with pytest.raises(CalibrationError) as refused:
        axes_of(session)
    assert refused.value.hint
    return refused.value


@given(rotations)
def test_a_slump_finds_forward_of_the_upper_trunk_however_the_sensor_sits(sits: Rotation) -> None:
    session = held({T4: sits, L5: FLAT}, {T4: 20.0, L5: 5.0}, {T4: 42.0, L5: 5.0})
    axes = axes_of(session)[T4]
    assert back_of(axes, sits, 20.0) < 1e-4
    assert not axes.two_fold
    slump = sits.apply(tilted(42.0))[None]
    assert axes.flexion_deg(slump)[0] == pytest.approx(22.0)
    assert axes.lateral_deg(slump)[0] == pytest.approx(0.0, abs=1e-6)
    to_the_right = sits.apply(tilted(20.0, 15.0))[None]
    assert axes.lateral_deg(to_the_right)[0] == pytest.approx(15.0)


@given(rotations)
def test_sway_finds_the_line_of_the_pelvis_and_leaves_its_ends_open(lower: Rotation) -> None:
    # an upper sensor that cannot be taken for one as printed, whose slump could seem to go back
    session = held({T4: FLAT, L5: lower}, {T4: 20.0, L5: 5.0}, {T4: 42.0, L5: 5.0}, sway=SWAY)
    axes = axes_of(session)[L5]
    off_deg = back_of(axes, lower, 5.0)
    assert min(off_deg, 180.0 - off_deg) < 8.0


def test_the_line_is_as_good_as_what_says_it() -> None:
    quarter = Rotation.from_euler("z", 90, degrees=True)
    aside = Rotation.from_euler("x", 12, degrees=True)
    sits = {T4: Rotation.from_euler("x", 90, degrees=True), L5: quarter}
    session = held(sits, {T4: 20.0, L5: 0.0}, {T4: 42.0, L5: 0.0}, sway=SWAY)
    turned = Held(
        session.upright, session.rounded, session.bend, {L5: _about(quarter * aside, SWAY)}
    )
    axes = axes_of(turned)[L5]
    off_deg = back_of(axes, quarter)
    assert min(off_deg, 180.0 - off_deg) == pytest.approx(12.0)
    assert axes.front_log_odds == 0.0


def test_a_bend_tells_every_sensors_front() -> None:
    sits = {C7: FLAT, T4: UPSIDE_DOWN, L5: Rotation.from_euler("xz", (80, 70), degrees=True)}
    upright = {C7: 40.0, T4: 20.0, L5: 5.0}
    bent = {C7: 60.0, T4: 45.0, L5: 25.0}
    for rounded in (None, {C7: 30.0, T4: 45.0, L5: 0.0}):
        found = axes_of(held(sits, upright, rounded, bent))
        for placement, axes in found.items():
            assert not axes.two_fold
            assert back_of(axes, sits[placement], upright[placement]) < 1e-4


def test_without_a_slump_the_printed_mounting_is_believed() -> None:
    axes = axes_of(held({T4: AS_PRINTED, L5: AS_PRINTED}, {T4: 30.0, L5: -10.0}))
    for placement, upright_deg in ((T4, 30.0), (L5, -10.0)):
        assert back_of(axes[placement], AS_PRINTED, upright_deg) < 1e-4
        assert not axes[placement].two_fold
    assert np.cross(axes[T4].back, axes[T4].up) == pytest.approx(axes[T4].left)


def test_sway_refines_a_mounting_that_is_nearly_as_printed() -> None:
    aside = Rotation.from_euler("x", 10, degrees=True)
    session = held({L5: AS_PRINTED}, {L5: 0.0}, sway=_about(aside, SWAY))
    off_deg = back_of(axes_of(session)[L5], AS_PRINTED)
    assert 2.0 < off_deg < 10.0


def test_sensors_that_are_upside_down_still_face_outwards() -> None:
    sits = dict.fromkeys((T4, L5), UPSIDE_DOWN)
    axes = axes_of(held(sits, {T4: 20.0, L5: 5.0}, {T4: 42.0, L5: 5.0}, sway=SWAY))
    assert back_of(axes[T4], UPSIDE_DOWN, 20.0) < 1e-4
    assert back_of(axes[L5], UPSIDE_DOWN, 5.0) < 1e-4
    assert axes[L5].front_log_odds == FACE_OUT_LOG_ODDS


def test_sensors_that_face_inwards_are_no_wearer_who_leant_back() -> None:
    sits = dict.fromkeys((T4, L5), INSIDE_OUT)
    axes = axes_of(held(sits, {T4: 20.0, L5: 5.0}, {T4: 42.0, L5: 5.0}, sway=SWAY))
    assert back_of(axes[T4], INSIDE_OUT, 20.0) < 1e-4
    assert axes[L5].two_fold


def test_a_neck_that_bends_back_in_a_slump_faces_as_the_others_do() -> None:
    sits = dict.fromkeys((C7, T4), AS_PRINTED)
    axes = axes_of(held(sits, {C7: 40.0, T4: 20.0}, {C7: 26.0, T4: 42.0}))
    assert back_of(axes[C7], AS_PRINTED, 40.0) < 1e-4
    assert not axes[C7].two_fold
    turned = {C7: UPSIDE_DOWN * FLAT, T4: AS_PRINTED}
    unknown = axes_of(held(turned, {C7: 40.0, T4: 20.0}, {C7: 26.0, T4: 42.0}))
    assert unknown[C7].two_fold


def test_a_sensor_of_which_nothing_is_known_is_left_out() -> None:
    sits = {T4: FLAT, L5: Rotation.from_euler("xy", (70, 30), degrees=True)}
    axes = axes_of(held(sits, {T4: 20.0, L5: 5.0}, {T4: 42.0, L5: 5.0}))
    assert set(axes) == {T4}


@pytest.mark.parametrize(
    ("session", "words"),
    [
        (held({T4: FLAT}, {T4: 0.0}), "nothing says"),
        (held({L5: FLAT}, {L5: 0.0}), "nothing says"),
        (held({T4: AS_PRINTED}, {T4: 20.0}, {T4: 24.0}), "T4 turns by 4°"),
        (held({T4: FLAT}, {T4: 20.0}, {T4: 21.0}, {T4: 50.0}), "the rounded pose"),
        (held({STERNUM: FLAT}, {STERNUM: 0.0}, None, {STERNUM: 3.0}), "the bend pose"),
        (held({T4: FLAT}, {T4: 20.0}, {T4: 42.0}, {T4: -20.0}), "180° apart"),
        (held({T4: AS_PRINTED}, {T4: 20.0}, {T4: 0.0}), "180° off forward"),
        (held({T4: AS_PRINTED, L5: AS_PRINTED}, {T4: 20.0, L5: 5.0}, {T4: 20.0, L5: 5.0},
              rounded_right_deg=25.0), "off forward"),
        (held({T4: FLAT}, {T4: 20.0}, {T4: 25.5}), "nothing says"),
    ],
    ids=["flat", "flat alone", "no slump", "no slump beside a bend", "no bend", "bend backwards",
         "slump backwards", "slump sideways", "small slump of a turned sensor"],
)  # fmt: skip
def test_poses_that_contradict_are_refused_with_what_to_do(session: Held, words: str) -> None:
    error = refusal(session)
    assert error.reason is Reason.CALIBRATION_CONTRADICTORY
    assert words in error.message


def test_a_bend_tells_a_slump_backwards_from_a_sensor_on_the_wrong_way_round() -> None:
    sits = dict.fromkeys((T4, L5), INSIDE_OUT)
    upright, rounded, bend = {T4: 20.0, L5: 5.0}, {T4: 42.0, L5: 4.0}, {T4: 50.0, L5: 30.0}
    axes = axes_of(held(sits, upright, rounded, bend))
    assert back_of(axes[L5], INSIDE_OUT, 5.0) < 1e-4
    assert not axes[L5].two_fold


def test_axes_come_back_from_their_state_and_stand_at_another_neutral() -> None:
    axes = SegmentAxes.of(tilted(20.0), BACK, front_log_odds=1.5)
    again = SegmentAxes.from_state(axes.state())
    assert again.state() == axes.state()
    assert again.two_fold
    standing = axes.at(tilted(8.0))
    assert standing.flexion_deg(tilted(20.0)[None])[0] == pytest.approx(12.0)
    assert standing.front_log_odds == 1.5


@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.sampled_from(list(Placement)), min_size=1, max_size=4, unique=True),
    st.tuples(st.booleans(), st.booleans(), st.booleans()),
)
def test_any_poses_give_axes_or_a_reason(
    seed: int, placements: list[Placement], kept: tuple[bool, bool, bool]
) -> None:
    random = np.random.default_rng(seed)

    def poses() -> dict[Placement, np.ndarray]:
        ups = random.normal(size=(len(placements), 3)) * random.choice([0.02, 1.0], size=3)
        return {p: up / np.linalg.norm(up) for p, up in zip(placements, ups, strict=True)}

    rates = {p: random.normal(size=(20, 3)) for p in placements}
    sway = {p: rate.T @ rate for p, rate in rates.items()} if kept[2] else {}
    session = Held(poses(), poses() if kept[0] else {}, poses() if kept[1] else {}, sway)
    axes = {}
    with suppress(CalibrationError):
        axes = axes_of(session)
    for placement, own in axes.items():
        frame = np.stack([own.up, own.back, own.left])
        assert np.allclose(frame @ frame.T, np.eye(3), atol=1e-9)
        assert np.linalg.det(np.stack([own.back, own.up, own.left])) == pytest.approx(1.0)
        assert own.up == pytest.approx(session.upright[placement])
