from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from contracts.units import RAD_PER_DEG, STANDARD_GRAVITY_M_S2
from contracts.vocabulary import Activity, Placement, Posture
from firmware_sim.body import SITES, Body
from firmware_sim.scenario import CARRYING, DRIVING, LEANING, UPRIGHT, WALKING, Move, Pose, Scenario

RATE_HZ = 400.0


class Script(Scenario):
    """A scenario of the moves a test wants, the last one held for ever."""

    def __init__(self, *moves: Move) -> None:
        super().__init__(np.random.default_rng(0))
        self._upcoming = self._play(moves)

    @staticmethod
    def _play(moves: tuple[Move, ...]) -> Iterator[Move]:
        yield from moves
        while True:
            yield Move(0.0, 1000.0, moves[-1].pose, Posture.UPRIGHT, Activity.SITTING)


def move(pose: Pose, reach_s: float = 0.0, hold_s: float = 5.0) -> Move:
    return Move(reach_s, hold_s, pose, Posture.UPRIGHT, Activity.SITTING)


class StillBody(Body):
    """A body that neither breathes nor sways."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario, np.random.default_rng(0))
        for waves in (self._pelvis_sway, self._curl_sway, self._lateral_sway, self._breath):
            waves.amplitude[:] = 0.0


LIVELY = Script(
    move(UPRIGHT, hold_s=3.0),
    move(LEANING._replace(lateral_deg=12.0, typing=1.0), reach_s=1.2, hold_s=2.0),
    move(WALKING._replace(heading_deg=80.0), reach_s=1.5, hold_s=6.0),
    move(CARRYING._replace(heading_deg=-60.0), reach_s=2.0, hold_s=4.0),
    move(DRIVING, reach_s=3.0, hold_s=6.0),
)
TIMES_S = np.arange(0.5, 28.0, 1.0 / RATE_HZ)


@pytest.mark.parametrize("placement", list(Placement))
def test_still_and_upright_reads_g_towards_the_head(placement: Placement) -> None:
    force, rate = StillBody(Script(move(UPRIGHT))).motion(TIMES_S, placement)
    np.testing.assert_allclose(force, [[STANDARD_GRAVITY_M_S2, 0.0, 0.0]] * len(force), atol=1e-6)
    np.testing.assert_allclose(rate, 0.0, atol=1e-9)


@pytest.mark.parametrize(
    ("pose", "direction"),
    [
        (Pose(pelvis_deg=30.0), (np.cos(np.pi / 6), 0.0, 0.5)),  # forward: towards az
        (Pose(curl_deg=30.0), (np.cos(np.pi / 6), 0.0, 0.5)),
        (Pose(lateral_deg=30.0), (np.cos(np.pi / 6), 0.5, 0.0)),  # right: y, on the left, rises
        (Pose(pelvis_deg=30.0, heading_deg=77.0), (np.cos(np.pi / 6), 0.0, 0.5)),
    ],
)
def test_leaning_in_the_axes_of_the_vocabulary(
    pose: Pose, direction: tuple[float, float, float]
) -> None:
    force, _ = StillBody(Script(move(pose))).motion(TIMES_S[:50], Placement.T4)
    np.testing.assert_allclose(force[0] / STANDARD_GRAVITY_M_S2, direction, atol=1e-6)


def test_only_the_thorax_rounds() -> None:
    body = StillBody(Script(move(Pose(pelvis_deg=-6.0, curl_deg=28.0))))
    tilt_deg = {}
    for placement in (Placement.L5, Placement.T12, Placement.T4):
        force, _ = body.motion(TIMES_S[:2], placement)
        tilt_deg[placement] = np.arctan2(force[0, 2], force[0, 0]) / RAD_PER_DEG
    assert tilt_deg == pytest.approx({Placement.L5: -6.0, Placement.T12: 6.6, Placement.T4: 22.0})


def test_turning_left_reads_on_the_axis_towards_the_head() -> None:
    body = StillBody(Script(move(UPRIGHT), move(Pose(heading_deg=90.0), reach_s=2.0)))
    _, rate = body.motion(TIMES_S, Placement.T4)
    turned = np.trapezoid(rate, TIMES_S, axis=0) / RAD_PER_DEG
    np.testing.assert_allclose(turned, [90.0, 0.0, 0.0], atol=1e-3)


@pytest.mark.parametrize("placement", [Placement.T4, Placement.L5, Placement.C7])
def test_gyroscope_integrates_to_the_orientation(placement: Placement) -> None:
    """SciPy turns the first orientation by every rate at mid-step and ends where the body is."""
    body = Body(LIVELY, np.random.default_rng(3))
    truth = Rotation.from_matrix(body.orientation(TIMES_S, placement))
    middle_s = TIMES_S[:-1] + 0.5 / RATE_HZ
    _, rate = body.motion(middle_s, placement)
    turned = truth[0]
    worst_deg = 0.0
    for index, step in enumerate(Rotation.from_rotvec(rate / RATE_HZ)):
        turned = turned * step
        if index % 100 == 0:
            error = (turned.inv() * truth[index + 1]).magnitude()
            worst_deg = max(worst_deg, error / RAD_PER_DEG)
    assert worst_deg < 0.05
    assert truth.approx_equal(truth[0], atol=20 * RAD_PER_DEG).mean() < 0.9  # it did move


def test_accelerometer_is_the_second_derivative_of_where_the_sensor_goes() -> None:
    body = Body(Script(*[move(UPRIGHT), move(LEANING, reach_s=1.0)]), np.random.default_rng(3))
    step_s = 1.0 / RATE_HZ
    pelvis, thorax = (body.orientation(TIMES_S, p)[:, :, 0] for p in (Placement.L5, Placement.T4))
    height_m = SITES[Placement.T4].height_m
    where_m = 0.1 * pelvis + (height_m - 0.1) * thorax
    expected = (where_m[:-2] - 2 * where_m[1:-1] + where_m[2:]) / step_s**2
    force, _ = body.motion(TIMES_S[1:-1], Placement.T4)
    earth = np.einsum("nij,nj->ni", body.orientation(TIMES_S[1:-1], Placement.T4), force)
    earth[:, 2] -= STANDARD_GRAVITY_M_S2
    np.testing.assert_allclose(earth, expected, atol=0.02)
    assert np.abs(expected).max() > 1.0


def shake_m_s2(pose: Pose) -> tuple[float, float]:
    """How much |a| varies, and at which frequency most."""
    times_s = np.arange(10.0, 30.0, 0.02)
    force, _ = Body(Script(move(pose)), np.random.default_rng(5)).motion(times_s, Placement.T4)
    size = np.linalg.norm(force, axis=1)
    spectrum = np.abs(np.fft.rfft(size - size.mean()))
    return float(size.std()), float(np.fft.rfftfreq(size.size, 0.02)[spectrum.argmax()])


def test_walking_bounces_at_a_step_driving_vibrates_and_sitting_is_quiet() -> None:
    walking_m_s2, step_hz = shake_m_s2(WALKING)
    driving_m_s2, engine_hz = shake_m_s2(DRIVING)
    sitting_m_s2, _ = shake_m_s2(Pose(typing=1.0))
    assert walking_m_s2 > 1.0
    assert 1.5 < step_hz < 2.2
    assert 0.12 < driving_m_s2 < 0.6
    assert engine_hz > 5.0
    assert sitting_m_s2 < 0.1
