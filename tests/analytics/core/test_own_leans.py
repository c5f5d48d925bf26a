"""What is learned of one wearer's leans: by hand, and no more than the cap."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.core.own_leans import LEANS, MAX_LEARNED_S, OwnLeans
from analytics.core.posture_model import CLASS, CLASSES, SIZE, Expected
from contracts.vocabulary import Posture

FORWARD = CLASS[Posture.FORWARD_LEAN]
ROW = LEANS.index(FORWARD)
AT = np.arange(SIZE)


def expectations() -> tuple[Expected, ...]:
    return tuple(Expected(np.full(SIZE, 10.0), np.eye(SIZE)) for _ in CLASSES)


def seen(own: OwnLeans, seconds: int, value_deg: float) -> None:
    flags = np.zeros((seconds, len(LEANS)), bool)
    flags[:, ROW] = True
    own.see(flags, np.full((seconds, SIZE), value_deg))


def test_a_minute_of_the_wearer_and_half_a_minute_of_the_people() -> None:
    own = OwnLeans()
    assert not own.enter(1)
    seen(own, 60, 40.0)
    # not before the next block
    assert own.apply(expectations(), AT)[FORWARD].mean_deg[0] == 10.0
    assert own.enter(2)
    moved = own.apply(expectations(), AT)
    assert moved[FORWARD].mean_deg[0] == (30 * 10.0 + 60 * 40.0) / 90
    assert moved[FORWARD].covariance_deg2[0, 0] == pytest.approx(1 - 0.35 * 60 / 90)
    others = [code for code in range(len(CLASSES)) if code != FORWARD]
    assert all(moved[code].mean_deg[0] == 10.0 for code in others)


def test_upright_and_rounded_are_never_learned() -> None:
    assert {CLASSES[code] for code in LEANS} == {
        Posture.FORWARD_LEAN, Posture.RECLINED, Posture.LEFT_LEAN, Posture.RIGHT_LEAN,
    }  # fmt: skip


def test_it_ends_at_the_cap() -> None:
    own = OwnLeans()
    sure = np.zeros((30, len(CLASSES)))
    sure[:, FORWARD] = 0.9
    for block in range(20):
        own.enter(block)
        own.see(own.learnable(sure), np.full((30, SIZE), 40.0))
    own.enter(20)
    assert not own.learnable(sure).any()
    held = own.apply(expectations(), AT)[FORWARD].mean_deg[0]
    assert held == (30 * 10.0 + MAX_LEARNED_S * 40.0) / (30 + MAX_LEARNED_S)
    assert not own.complete  # the other three are not


def test_a_doubtful_second_teaches_nothing() -> None:
    doubt = np.full((5, len(CLASSES)), 1 / 6)
    assert not OwnLeans().learnable(doubt).any()


def test_state_goes_on() -> None:
    own = OwnLeans()
    own.enter(7)
    seen(own, 10, 25.0)
    other = OwnLeans.from_state(own.state())
    for one in (own, other):
        one.enter(8)
    np.testing.assert_array_equal(
        own.apply(expectations(), AT)[FORWARD].mean_deg,
        other.apply(expectations(), AT)[FORWARD].mean_deg,
    )
