"""How much wider expectations are where no slump told which way is forward."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analytics.core.heading import PRINTED_OFF_DEG, without_slump
from analytics.core.posture_model import Expected
from analytics.offline import Choice, analyze, calibrations_of
from contracts.recording import open_recording
from contracts.settings import CalibrationPlan
from contracts.units import NS_PER_S
from contracts.vocabulary import POSTURES, Placement, Posture

T4, L5 = Placement.T4, Placement.L5


def test_bending_forward_may_look_like_leaning_to_a_side() -> None:
    slump = Expected(np.array([20.0, 4.0, 0.0, 0.0]), np.eye(4))
    (wider,) = without_slump((slump,), (T4, L5))
    off_rad = np.radians([PRINTED_OFF_DEG[T4], PRINTED_OFF_DEG[L5]])
    assert wider.mean_deg.tolist() == slump.mean_deg.tolist()
    assert np.diag(wider.covariance_deg2) == pytest.approx(
        [1.0, 1.0, 1.0 + (20.0 * off_rad[0]) ** 2, 1.0 + (4.0 * off_rad[1]) ** 2]
    )
    assert wider.covariance_deg2[2, 3] == 0.0


def test_leaning_to_a_side_may_look_like_bending_less() -> None:
    (wider,) = without_slump((Expected(np.array([20.0, 0.0, 10.0, 0.0]), np.eye(4)),), (T4, L5))
    off_rad = np.radians(PRINTED_OFF_DEG[T4])
    assert wider.covariance_deg2[0, 2] == pytest.approx(-20.0 * 10.0 * off_rad**2)
    assert wider.covariance_deg2[0, 0] == pytest.approx(1.0 + (10.0 * off_rad) ** 2)


def test_one_sensor_alone_is_left_as_it_is() -> None:
    alone = (Expected(np.array([20.0, 3.0]), np.eye(2)),)
    assert without_slump(alone, (T4,)) is alone


def test_a_slump_is_rarely_taken_for_a_lean_with_upright_alone(data_dir: Path) -> None:
    """One in ten, and one in three where the printed mounting is taken to be exact."""
    aside = [POSTURES.index(p) for p in (Posture.LEFT_LEAN, Posture.RIGHT_LEAN)]
    shares = []
    for folder in sorted((data_dir / "recordings").glob("sitting-*")):
        recording = open_recording(folder)
        (both,) = calibrations_of(recording)
        assert both.rounded_ns is not None
        plan = CalibrationPlan(effective_ns=both.effective_ns, upright_ns=both.upright_ns)
        frames = analyze(recording, Choice(placements=(T4, L5), calibrations=(plan,))).frames
        second = frames.start_ns // NS_PER_S
        start_s, end_s = (edge // NS_PER_S for edge in both.rounded_ns)
        slump = frames.posture[(second >= start_s) & (second < end_s)]
        shares.append(np.isin(slump, aside).mean())
    assert np.mean(shares) < 0.15
