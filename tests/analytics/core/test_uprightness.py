"""Lying and upright of a wearer who has not calibrated, whichever way the sensor sits."""

from __future__ import annotations

import pytest

from analytics.core.uprightness import (
    LYING_AT_FIRST_ODDS,
    MAX_ODDS,
    MAX_WALKED_S,
    MIN_WALKED_S,
    Uprightness,
)

HEADWARDS, BACKWARDS, LEFT = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, 1.0, 0.0)


def test_as_printed_a_first_rest_is_upright_and_lying_is_far_off_it() -> None:
    known = Uprightness()
    assert not known.rested(HEADWARDS, 0.0)
    assert known.rested(BACKWARDS, 0.0)
    assert not known.rested((0.8, 0.6, 0.0), 0.0)


def test_reclined_at_first_lying_is_still_told() -> None:
    known = Uprightness()
    assert not known.rested((0.7, 0.0, 0.71), 0.0)
    assert known.rested((-0.37, 0.0, 0.93), 0.0)


def test_far_off_the_printed_mounting_it_lies_until_its_movement_says_otherwise() -> None:
    known = Uprightness()
    assert known.rested(LEFT, 0.0)
    said = [known.rested(LEFT, -0.5) for _ in range(20)]
    # 4 : 1 falls below 1 : 1 at the third half nat
    assert said == [True] * 2 + [False] * 18
    assert known.rested(HEADWARDS, -0.5)
    assert LYING_AT_FIRST_ODDS == 4.0


def test_movement_that_is_lying_keeps_it_lying() -> None:
    known = Uprightness()
    assert all(known.rested(BACKWARDS, 0.5) for _ in range(100))


def test_who_walks_is_upright_whatever_was_thought_before() -> None:
    known = Uprightness()
    known.rested(HEADWARDS, 0.0)
    for _ in range(MIN_WALKED_S - 1):
        known.walked(BACKWARDS)
    assert known.rested(BACKWARDS, 0.0)
    known.walked(BACKWARDS)
    assert not known.rested(BACKWARDS, 0.0)
    assert known.rested(HEADWARDS, 0.0)


def test_walking_without_a_direction_leaves_the_last_one() -> None:
    known = Uprightness()
    for _ in range(MIN_WALKED_S):
        known.walked((0.0, 0.0, 0.0))
    assert known.rested(HEADWARDS, 0.0)


@pytest.mark.parametrize("walked", [0, 5, 50])
def test_what_is_kept_is_all_there_is(walked: int) -> None:
    known = Uprightness()
    known.rested(LEFT, -0.4)
    for _ in range(walked):
        known.walked(BACKWARDS)
    again = Uprightness.from_state(known.state())
    for up in (LEFT, BACKWARDS, HEADWARDS, LEFT):
        assert again.rested(up, -0.7) == known.rested(up, -0.7)
    assert again.state() == known.state()


def test_what_was_walked_and_how_sure_it_lies_are_capped() -> None:
    known = Uprightness()
    for _ in range(200):
        known.rested(LEFT, 0.8)
    for _ in range(2 * MAX_WALKED_S):
        known.walked(BACKWARDS)
    walked, walked_s, _, lying_odds, _ = known.state()
    assert (walked_s, lying_odds) == (MAX_WALKED_S, MAX_ODDS)
    assert 0.8 < walked[2] <= 1.0
