"""Postures that cannot be: what rules them out, and that far beyond all people nothing absurd is named."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.core.inclinations import Inclinations
from analytics.core.posture_model import CLASS, CLASSES
from analytics.core.postures import PostureTeller
from analytics.core.ruled_out import ruled_out
from analytics.core.shipped import shipped_postures
from contracts.settings import PostureSettings
from contracts.vocabulary import POSTURES, Placement, Posture
from tests.analytics.core.wearers import NAN, angles_at, calibrated

T4, L5 = Placement.T4, Placement.L5
TILTS_DEG = st.floats(-90, 90)
OWN_DEG = st.floats(5.5, 60)


def seen(*degrees: float, two_fold: bool = False) -> Inclinations:
    """One second of T4 and L5: flexions, then lateral ones."""
    chances = {L5: np.array([0.5])} if two_fold else {}
    return Inclinations((T4, L5), np.array([degrees]), chances, not np.isnan(degrees).any())


@pytest.mark.parametrize(
    ("second", "postures"),
    [
        (seen(5.0, 5.0, -3.0, 2.0), set()),
        (seen(5.0, 25.0, -3.0, 2.0), {Posture.ROUNDED}),
        (seen(10.01, 5.0, -3.0, 2.0), {Posture.RECLINED}),
        (seen(5.0, 5.0, 3.0, 0.0), {Posture.LEFT_LEAN}),
        (seen(5.0, 5.0, -3.0, NAN), {Posture.RIGHT_LEAN}),
        (seen(5.0, 5.0, 0.0, 0.0), {Posture.LEFT_LEAN, Posture.RIGHT_LEAN}),
        (seen(5.0, 5.0, 3.0, 2.0, two_fold=True), set()),
        (seen(NAN, NAN, NAN, NAN), set()),
    ],
    ids=["none", "bent at the hip", "bent forward", "to the right", "to the left", "to no side",
         "to a side nobody knows", "no data"],
)  # fmt: skip
def test_what_goes_the_other_way_is_ruled_out(second: Inclinations, postures: set[Posture]) -> None:
    barred = ruled_out(second, second.degrees[:, 0], second.degrees[:, 1], 20.0)
    assert {CLASSES[c] for c in np.flatnonzero(barred[0])} == postures
    assert not barred[0, CLASS[Posture.UPRIGHT]]


@given(TILTS_DEG, TILTS_DEG, OWN_DEG, st.sampled_from([(T4, L5), (T4,)]))
def test_nothing_absurd_is_named_without_a_lean_to_a_side(
    thorax_deg: float, pelvis_deg: float, own_deg: float, worn: tuple[Placement, ...]
) -> None:
    flexion = {p: [deg] for p, deg in ((T4, thorax_deg), (L5, pelvis_deg)) if p in worn}
    told = PostureTeller(shipped_postures(), PostureSettings()).update(
        np.zeros(1, np.int64), angles_at(flexion), calibrated(*worn, slump={T4: own_deg, L5: 2.0}),
        np.zeros(1, np.bool_), {},
    )  # fmt: skip
    posture = POSTURES[told.posture[0]]
    assert posture not in (Posture.LEFT_LEAN, Posture.RIGHT_LEAN)
    assert not (posture is Posture.RECLINED and thorax_deg > 11.0)
    assert not (posture is Posture.UPRIGHT and abs(thorax_deg) > 30.0)
    assert not (posture in (Posture.ROUNDED, Posture.FORWARD_LEAN) and thorax_deg < -15.0)
