from __future__ import annotations

import itertools

import numpy as np
import pytest

from contracts.units import NS_PER_S
from contracts.vocabulary import Activity, Posture
from firmware_sim.scenario import (
    ROUNDED,
    ROUNDED_WINDOW_S,
    UPRIGHT_WINDOW_S,
    Scenario,
    calibration_plan,
    working_day,
)

DAY_S = 8 * 3600.0


def scenario(seed: int = 1) -> Scenario:
    return Scenario(np.random.default_rng(seed))


def test_a_day_starts_with_both_poses_of_the_calibration() -> None:
    truth = scenario().truth(0.0, 60.0)
    for window_s, posture in (
        (UPRIGHT_WINDOW_S, Posture.UPRIGHT),
        (ROUNDED_WINDOW_S, Posture.ROUNDED),
    ):
        assert window_s[1] - window_s[0] >= 10.0
        assert any(
            t.posture is posture and t.start_s <= window_s[0] and window_s[1] <= t.end_s
            for t in truth
        )
    plan = calibration_plan(1_700_000_000 * NS_PER_S)
    assert plan.upright_ns == (1_700_000_003 * NS_PER_S, 1_700_000_018 * NS_PER_S)


@pytest.mark.parametrize("seed", range(5))
def test_a_day_has_everything_in_it(seed: int) -> None:
    truth = scenario(seed).truth(0.0, DAY_S)
    seconds = {p: sum(t.end_s - t.start_s for t in truth if t.posture is p) for p in Posture}
    assert all(s > 10.0 for p, s in seconds.items() if p is not Posture.UNKNOWN)
    assert {t.activity for t in truth} == {
        Activity.SITTING,
        Activity.TYPING,
        Activity.WALKING,
        Activity.CARRYING,
        Activity.DRIVING,
    }
    rounded_s = [t.end_s - t.start_s for t in truth if t.posture is Posture.ROUNDED]
    assert sum(s > 60.0 for s in rounded_s) > 10


def test_a_quarter_of_an_hour_is_enough_for_an_episode() -> None:
    longest_s = max(
        t.end_s - t.start_s for t in scenario().truth(0, 900) if t.posture is Posture.ROUNDED
    )
    assert longest_s > 120.0


def test_truth_is_in_order_and_cut_to_what_was_asked() -> None:
    truth = scenario().truth(1000.5, 5000.25)
    assert truth[0].start_s >= 1000.5
    assert truth[-1].end_s <= 5000.25
    for one, following in itertools.pairwise(truth):
        assert one.start_s < one.end_s <= following.start_s
    assert sum(t.end_s - t.start_s for t in truth) > 0.7 * 4000


def test_it_does_not_matter_how_far_at_a_time_it_is_asked() -> None:
    at_once, bit_by_bit = scenario(), scenario()
    for until_s in range(0, 7200, 37):
        bit_by_bit.moves(float(until_s))
    np.testing.assert_array_equal(at_once.moves(7200.0).target, bit_by_bit.moves(7200.0).target)
    assert at_once.truth(0, 7000) == bit_by_bit.truth(0, 7000)
    assert scenario(2).truth(0, 7000) != at_once.truth(0, 7000)


def test_moves_follow_on_one_another() -> None:
    moves = scenario().moves(DAY_S)
    np.testing.assert_array_equal(moves.source[1:], moves.target[:-1])
    assert (np.diff(moves.start_s) >= moves.reach_s[:-1] - 1e-9).all()
    assert moves.start_s[-1] >= DAY_S


def test_truth_says_rounded_from_four_fifths_of_the_way() -> None:
    moves = list(itertools.islice(working_day(np.random.default_rng(1)), 5))
    drift = moves[4]
    assert drift.posture is Posture.ROUNDED
    assert drift.pose.curl_deg >= 0.9 * ROUNDED.curl_deg
    begin_s = sum(m.reach_s + m.hold_s for m in moves[:4])
    found = next(t for t in scenario().truth(begin_s, 900.0) if t.posture is Posture.ROUNDED)
    u = (found.start_s - begin_s) / drift.reach_s
    assert u**3 * (10 + u * (6 * u - 15)) == pytest.approx(0.8, abs=1e-3)
