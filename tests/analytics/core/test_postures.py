"""The rules at their boundaries, for every set of placements, and what they say for themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.core.angles import Angles, centidegrees
from analytics.core.calibration import RoundedTemplate
from analytics.core.explain import explain
from analytics.core.postures import Boundaries, Postures, classify
from contracts.records import Frame
from contracts.settings import PostureSettings
from contracts.vocabulary import POSTURES, Activity, ActivitySource, Placement, Posture, Quality

NAN = float("nan")
SETTINGS = PostureSettings()
OWN_SLUMP = RoundedTemplate(
    {}, {Placement.T4: 24.0, Placement.L5: 2.0}, {Placement.T4: 0.0, Placement.L5: 0.0}
)
PERSONAL = Boundaries.of(SETTINGS, OWN_SLUMP)
GENERAL = Boundaries.of(SETTINGS, None)


def angles(thorax: list[float], pelvis: list[float], lateral: list[float] | None = None) -> Angles:
    t, p = centidegrees(np.array(thorax)), centidegrees(np.array(pelvis))
    side = centidegrees(np.array(lateral if lateral is not None else [0.0] * t.size))
    none = np.full(t.size, NAN)
    return Angles(t, p, centidegrees(t - p), side, none, none, none)


def called(a: Angles, boundaries: Boundaries) -> Postures:
    """Each second by itself."""
    size = a.thorax_flexion_deg.size
    return classify(a, boundaries, np.zeros(size, bool), was_rounded=False)


def names(postures: Postures) -> list[str]:
    return [POSTURES[code].value for code in postures.posture]


@pytest.mark.parametrize(
    ("thorax", "pelvis", "lateral", "posture"),
    [
        (0.0, 0.0, 0.0, "upright"),
        (7.19, 0.0, 0.0, "upright"),
        (7.2, 0.0, 0.0, "forward_lean"),
        (24.0, 2.0, 0.0, "rounded"),
        (16.31, 2.0, 0.0, "rounded"),
        (16.29, 2.0, 0.0, "forward_lean"),
        (20.0, 15.0, 0.0, "forward_lean"),
        (45.0, 21.0, 0.0, "forward_lean"),
        (-5.0, -20.0, 0.0, "reclined"),
        (-9.9, -10.0, 0.0, "upright"),
        (20.0, 2.0, 6.0, "right_lean"),
        (20.0, 2.0, -6.0, "left_lean"),
        (-15.0, -15.0, 20.0, "reclined"),
        (NAN, NAN, NAN, "unknown"),
        (NAN, 15.0, NAN, "unknown"),
        (NAN, -15.0, NAN, "reclined"),
        (25.0, NAN, 0.0, "rounded"),
    ],
)
def test_rules_with_a_personal_rounded_pose(
    thorax: float, pelvis: float, lateral: float, posture: str
) -> None:
    assert names(called(angles([thorax], [pelvis], [lateral]), PERSONAL)) == [posture]


@pytest.mark.parametrize(
    ("thorax", "pelvis", "lateral", "posture"),
    [
        (13.0, 0.0, 0.0, "rounded"),
        (11.9, 0.0, 0.0, "forward_lean"),
        (40.0, 25.0, 0.0, "forward_lean"),
        (0.0, 0.0, 8.0, "upright"),
        (0.0, 0.0, 10.0, "right_lean"),
        (12.0, NAN, 0.0, "rounded"),
    ],
)
def test_rules_without_one(thorax: float, pelvis: float, lateral: float, posture: str) -> None:
    assert names(called(angles([thorax], [pelvis], [lateral]), GENERAL)) == [posture]


def test_a_stricter_setting_moves_every_boundary_of_rounding() -> None:
    strict = Boundaries.of(PostureSettings(rounded_warn_deg=18, rounded_high_deg=25), OWN_SLUMP)
    assert names(called(angles([20.0], [2.0]), PERSONAL)) == ["rounded"]
    assert names(called(angles([20.0], [2.0]), strict)) == ["forward_lean"]
    assert strict.curl_deg == pytest.approx(1.5 * PERSONAL.curl_deg)


def test_once_rounded_the_boundary_is_lower_until_a_gap() -> None:
    curl = [15.0, 14.0, 10.0, 10.0, 9.0, 10.0]
    a = angles([c + 4 for c in curl], [4.0] * 6)
    connected = np.array([False, True, True, True, True, True])
    assert names(classify(a, PERSONAL, connected, was_rounded=False)) == [
        "rounded", "rounded", "rounded", "rounded", "forward_lean", "forward_lean",
    ]  # fmt: skip
    connected[3] = False
    assert names(classify(a, PERSONAL, connected, was_rounded=False))[3] == "forward_lean"


@given(
    st.lists(st.tuples(*[st.one_of(st.just(NAN), st.floats(-90, 90))] * 3), min_size=1, max_size=30)
)
def test_total_and_confident_within_bounds(rows: list[tuple[float, float, float]]) -> None:
    thorax, pelvis, lateral = (list(column) for column in zip(*rows, strict=True))
    found = called(angles(thorax, pelvis, lateral), PERSONAL)
    unknown = found.posture == POSTURES.index(Posture.UNKNOWN)
    assert (found.confidence[unknown] == 0).all()
    assert ((found.confidence[~unknown] >= 0.5) & (found.confidence[~unknown] <= 0.98)).all()


def test_confidence_grows_with_the_distance_and_shrinks_without_a_sensor() -> None:
    near, far = called(angles([16.4, 24.0], [2.0, 2.0]), PERSONAL).confidence
    alone = called(angles([40.0], [NAN]), PERSONAL).confidence[0]
    assert 0.5 < alone < near < far <= 0.98


def frame(posture: Posture, **values: float | None) -> Frame:
    return Frame(
        start_ns=0, posture=posture, activity=Activity.SITTING,
        activity_source=ActivitySource.TRUNK, confidence=0.9, quality=Quality.OK, samples=100,
        **values,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("posture", "values", "text"),
    [
        (
            Posture.ROUNDED,
            {"thorax_flexion_deg": 25.0, "pelvis_flexion_deg": 2.0, "trunk_flexion_deg": 23.0},
            (
                "The upper trunk is 25° forward and the lower trunk 2° forward; a curl of 23°, your "
                "boundary is 14°: rounded."
            ),
        ),
        (
            Posture.FORWARD_LEAN,
            {"thorax_flexion_deg": 20.0, "pelvis_flexion_deg": 15.0, "trunk_flexion_deg": 5.0},
            (
                "The upper trunk is 20° forward and the lower trunk 15° forward; a curl of 5°, below "
                "your boundary of 14°: the whole trunk leans forward at the hip."
            ),
        ),
        (
            Posture.UPRIGHT,
            {"thorax_flexion_deg": 0.2, "pelvis_flexion_deg": -3.0, "trunk_flexion_deg": 3.2},
            "The upper trunk is upright and the lower trunk 3° back; within 7° of your own upright.",
        ),
        (
            Posture.LEFT_LEAN,
            {"thorax_flexion_deg": 20.0, "lateral_deg": -12.0},
            "The upper trunk is 20° forward; it leans to the left by 12°, beyond the boundary of 6°.",
        ),
        (
            Posture.RECLINED,
            {"thorax_flexion_deg": -10.0, "pelvis_flexion_deg": -40.0},
            (
                "The upper trunk is 10° back and the lower trunk 40° back; the trunk as a whole is back "
                "by more than 10°: reclined."
            ),
        ),
        (
            Posture.ROUNDED,
            {"thorax_flexion_deg": 25.0},
            (
                "The upper trunk is 25° forward; beyond your boundary of 16°: rounded, or leaning at the "
                "hip, which one sensor cannot tell apart."
            ),
        ),
        (Posture.UNKNOWN, {}, "No posture is named for this second."),
    ],
)
def test_a_frame_explains_itself(posture: Posture, values: dict[str, float], text: str) -> None:
    assert explain(frame(posture, **values), PERSONAL) == text
